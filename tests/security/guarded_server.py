"""A real MongoDB with its access control on, and the users of a bank that is served as it should be."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient

from app.models import mongod
from app.models.collection import Document
from app.models.database_role import ROLE
from tests.processes import wait_until

_ROOT = "root"


@dataclass(frozen=True)
class GuardedServer:
    """A replica set of one that knows its users; each has the password that is their name."""

    port: int

    def uri(self, user: str) -> str:
        return f"mongodb://{user}:{user}@127.0.0.1:{self.port}/?replicaSet={mongod.REPLICA_SET}&authSource=admin"

    def add_owner(self, user: str, database: str) -> None:
        """Add who may make a bank's database: `flask db init` and `flask db roles` are run as them."""
        self._add(user, [{"role": "dbOwner", "db": database}])

    def add_server_user(self, user: str, *databases: str) -> None:
        """Add whom the bank's servers log in as, once there is the role for it."""
        self._add(user, [{"role": ROLE, "db": database} for database in databases])

    def _add(self, user: str, roles: list[dict[str, str]]) -> None:
        with MongoClient[Document](self.uri(_ROOT)) as client:
            client.admin.command({"createUser": user, "pwd": user, "roles": roles})


@contextmanager
def guarded_server(folder: Path) -> Iterator[GuardedServer]:
    """Run such a server in a folder until the block ends."""
    key, data, port = folder / "key", folder / "data", mongod.free_port()
    data.mkdir()
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32))
    command = mongod.command_line(mongod.find_binary(), cache_mib=256, test_commands=False)
    process = mongod.spawn([*command, "--auth", "--keyFile", str(key)], data=data, port=port, log=folder / "log")
    try:
        with MongoClient[Document]("127.0.0.1", port, directConnection=True) as client:
            wait_until(lambda: client.admin.command("ping"))
            members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
            client.admin.command("replSetInitiate", {"_id": mongod.REPLICA_SET, "members": members})
            wait_until(lambda: client.admin.command("hello")["isWritablePrimary"])
            client.admin.command({"createUser": _ROOT, "pwd": _ROOT, "roles": ["root"]})  # the first needs no login
        yield GuardedServer(port)
    finally:
        mongod.stop(process)
