"""What the bank needs of a database, checked before it serves: one clear sentence for each fault."""

from __future__ import annotations

from collections.abc import Iterable

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

from app.models.collection import CollectionSpec, Document, missing_parts

VERSION_MIN = (6, 0)
_PROBE_TIMEOUT_MS = 1_000
_LOGIN_CODES = (18, 8000)


class StoreNotUsable(Exception):
    """The database can't hold the bank's money as it is; the message says what to do about it."""


def check_server(client: MongoClient[Document], *, version_min: tuple[int, int] = VERSION_MIN) -> None:
    """Make sure that the server is there, has transactions, and is young enough.

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


def check_contents(database: Database[Document], specs: Iterable[CollectionSpec]) -> None:
    """Make sure that every collection, index and validator is there.

    Raises:
        StoreNotUsable: naming what is missing.
    """
    if missing := missing_parts(database, specs):
        raise StoreNotUsable(f"The database lacks {', '.join(missing)}: run `flask db init` as the database's owner.")


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
    where = ", ".join(f"{host}:{port}" for host, port in seeds)
    return f"MongoDB can't be reached at {where}: check that it runs and that MONGO_URI is right."
