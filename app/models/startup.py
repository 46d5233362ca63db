"""Which database server the bank stands on, and whether it can: one clear sentence for each fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

from app.models.collection import Document
from app.models.connection import connect
from app.models.mongod import MongodFailed

if TYPE_CHECKING:
    from app.models.embedded import EmbeddedServer
    from config import Config

VERSION_MIN = (6, 0)
_PROBE_TIMEOUT_MS = 1_000
_LOGIN_CODES = (18, 8000)


class StoreNotUsable(Exception):
    """The database can't hold the bank's money as it is; the message says what to do about it."""


def check_server(client: MongoClient[Document], *, version_min: tuple[int, int] = VERSION_MIN) -> None:
    """Make sure that the server is there, has transactions, and is young enough; a fresh client knows best.

    Raises:
        StoreNotUsable: naming the one thing that is wrong.
    """
    seeds = sorted(client.topology_description.server_descriptions())
    try:
        _require_transactions(client.admin.command("hello"))
        version = tuple(client.server_info()["versionArray"][:2])
    except ConfigurationError as error:
        raise StoreNotUsable(f"MongoDB can't be used with this driver or MONGO_URI: {error}") from error
    except ConnectionFailure as error:
        raise StoreNotUsable(_diagnosis(seeds)) from error
    except OperationFailure as error:
        if error.code not in _LOGIN_CODES:
            raise
        raise StoreNotUsable("MongoDB refuses the user name or password in MONGO_URI.") from error
    if version < version_min:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, version_min))
        raise StoreNotUsable(f"MongoDB {found} is too old: the bank needs {needed} or later.")


def require_login(client: MongoClient[Document]) -> None:
    """Make sure that the server knows who asks: one that takes anybody gives the bank's money to the network.

    Raises:
        StoreNotUsable: this client is nobody.
    """
    if not has_login(client):
        raise StoreNotUsable(
            "MongoDB is used without a user name: turn on its access control, create a user for the bank, and put name"
            " and password into MONGO_URI."
        )


def has_login(client: MongoClient[Document]) -> bool:
    """Tell whether the server knows who asks."""
    return bool(client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"])


def share_server(config: Config) -> EmbeddedServer | None:
    """Start or join the embedded server where no MONGO_URI is set. The server runs until the last share is closed.

    Raises:
        StoreNotUsable: it can't be had.
    """
    if config.mongo_uri:
        return None
    from app.models import embedded  # it needs flock, which not every system that has a MONGO_URI knows

    try:
        return embedded.start(config.data_dir, cache_mib=config.embedded_cache_mib)
    except MongodFailed as error:
        raise StoreNotUsable(str(error)) from error
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise StoreNotUsable(f"DATA_DIR can't be used: {error.strerror}: {error.filename}") from error


def has_server(config: Config) -> bool:
    """Tell whether there is a server to ask: MONGO_URI's, or an embedded one that was started before."""
    if config.mongo_uri:
        return True
    from app.models import embedded  # as in `share_server`

    return embedded.home_of(config.data_dir).folder.exists()


def open_client(config: Config, server: EmbeddedServer | None) -> MongoClient[Document]:
    """Return a client of that server, or else of MONGO_URI. It connects when it is first used.

    Raises:
        StoreNotUsable: MONGO_URI makes no sense.
    """
    if config.uses_mongomock:
        import mongomock  # for tests alone

        in_memory: MongoClient[Document] = mongomock.MongoClient(tz_aware=True)
        return in_memory
    try:
        return connect(server.uri if server else config.mongo_uri, timeout_ms=config.mongo_timeout_ms)
    except (ConfigurationError, ValueError):
        raise StoreNotUsable("MONGO_URI is not a MongoDB address (a password's special characters need %XX).") from None


def _require_transactions(hello: Document) -> None:
    if "setName" in hello or hello.get("msg") == "isdbgrid":
        return
    if hello.get("isreplicaset"):
        raise StoreNotUsable(
            "MongoDB was started as a replica set that is not initiated yet: run `rs.initiate()` in mongosh once."
        )
    raise StoreNotUsable(
        "MongoDB runs standalone, which has no transactions: start mongod with `--replSet bank`, run `rs.initiate()` in"
        " mongosh once, and add `?replicaSet=bank` to MONGO_URI."
    )


def _diagnosis(seeds: list[tuple[str, int | None]]) -> str:
    """Say why no primary was found: ask each address by itself, as the driver leaves out whom it can't use."""
    for host, port in seeds:
        address = f"mongodb://{host}:{port}/?directConnection=true&serverSelectionTimeoutMS={_PROBE_TIMEOUT_MS}"
        with MongoClient[Document](address) as probe:
            try:
                hello = probe.admin.command("hello")
                _require_transactions(hello)
            except StoreNotUsable as fault:
                return str(fault)
            except (ConnectionFailure, OperationFailure):
                continue
        name = hello.get("setName", "")
        return f"MongoDB has no primary that MONGO_URI reaches; {host}:{port} is a member of the replica set {name!r}."
    where = ", ".join(f"{host}:{port}" for host, port in seeds) or "its address"
    return f"MongoDB can't be reached at {where}: check that it runs and that MONGO_URI is right."
