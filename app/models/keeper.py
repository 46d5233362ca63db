"""Keep one mongod running for everyone who uses a data folder, and stop it when the last of them is gone.

`embedded.py` runs this file as a script, so it imports nothing of the application and starts at once. Its life hangs
on flocks, which the kernel drops however a process dies: every client shares `clients.lock`, and whoever can take
that lock alone knows that no client is left.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

REPLICA_SET = "bank"
STOP_TIMEOUT_S = 20
_POLL_S = 0.1
_PRIMARY_TIMEOUT_S = 20
_ORPHAN_TIMEOUT_S = 20
_ADDRESS_IN_USE = 48  # mongod's exit code
_NOT_YET_INITIALIZED = 94
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Home:
    """The files of an embedded server: its data, the locks that its users meet at, its port and its logs."""

    folder: Path
    data: Path = field(init=False)
    clients_lock: Path = field(init=False)
    keeper_lock: Path = field(init=False)
    spawn_lock: Path = field(init=False)
    state: Path = field(init=False)
    port: Path = field(init=False)
    keeper_log: Path = field(init=False)
    mongod_log: Path = field(init=False)

    def __post_init__(self) -> None:
        names = {"data": "data", "state": "keeper.json", "port": "port"}
        names |= {f"{who}_lock": f"{who}.lock" for who in ("clients", "keeper", "spawn")}
        names |= {f"{who}_log": f"{who}.log" for who in ("keeper", "mongod")}
        for attribute, name in names.items():
            object.__setattr__(self, attribute, self.folder / name)


class MongodFailed(Exception):
    """mongod does not run; the message is for the person who started the application."""


def try_lock(file: int, kind: int, *, timeout_s: float = 0) -> bool:
    """Take a flock of this kind on an open file, trying until the time is up; tell whether it was had."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S / 2)
        else:
            return True


class Keeper:
    """One mongod and the replica set of which it is the only member."""

    def __init__(self, home: Home, command: list[str]) -> None:
        self._home = home
        self._command = command
        self._mongod: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> None:
        """Serve until no client is left or a signal says stop; a mongod that dies meanwhile is started again.

        Raises:
            MongodFailed: it can't be started, or not on the port that clients know.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        clients = os.open(self._home.clients_lock, os.O_RDWR | os.O_CREAT, 0o600)
        port: int | None = None
        try:
            while not self._stopping and not try_lock(clients, fcntl.LOCK_EX):
                if self._mongod is None or self._mongod.poll() is not None:
                    self._home.state.unlink(missing_ok=True)
                    port = self._start(port)
                    self._publish(port)
                time.sleep(_POLL_S)
        finally:
            self._terminate()
            self._home.state.unlink(missing_ok=True)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, known_port: int | None) -> int:
        """Start mongod and make it primary; on the port of the last time, or on a free one if that is taken."""
        _outwait_orphan(self._home)
        port = known_port or _saved_port(self._home) or _free_port()
        deadline = time.monotonic() + _PRIMARY_TIMEOUT_S
        while True:
            self._mongod = self._spawn(port)
            if _make_primary(self._mongod, port, deadline):
                self._home.port.write_text(str(port))
                return port
            self._terminate()
            code = self._mongod.returncode
            if code != _ADDRESS_IN_USE or time.monotonic() > deadline:
                raise MongodFailed(f"mongod did not become ready (exit code {code}).")
            port = known_port or _free_port()

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        """Run mongod so that it gets SIGTERM when this process dies, even by SIGKILL (on Linux)."""
        parent = os.getpid()
        with self._home.mongod_log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the command is the installed binary and our own flags
                [*self._command, "--dbpath", str(self._home.data), "--port", str(port), "--replSet", REPLICA_SET],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=(lambda: _die_with(parent)) if sys.platform == "linux" else None,
            )

    def _publish(self, port: int) -> None:
        """Write the server's address for clients to find, all at once."""
        assert self._mongod is not None  # noqa: S101 - for the type checker
        uri = f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"
        draft = self._home.state.with_suffix(".tmp")
        draft.write_text(json.dumps({"uri": uri, "port": port, "pid": os.getpid(), "mongod_pid": self._mongod.pid}))
        draft.replace(self._home.state)

    def _terminate(self) -> None:
        if self._mongod is None or self._mongod.poll() is not None:
            return
        self._mongod.terminate()
        try:
            self._mongod.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._mongod.kill()
            self._mongod.wait()


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _make_primary(mongod: subprocess.Popen[bytes], port: int, deadline: float) -> bool:
    """Wait until this mongod is the primary of its own replica set, making or mending the set where needed."""
    with MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500) as client:
        while mongod.poll() is None and time.monotonic() < deadline:
            try:
                if client.admin.command("hello").get("isWritablePrimary"):
                    return True
                _ensure_membership(client, f"127.0.0.1:{port}")
            except PyMongoError:
                pass  # still starting up: ask again
            time.sleep(_POLL_S / 2)
    return False


def _ensure_membership(client: MongoClient[dict[str, Any]], address: str) -> None:
    """Initiate the set, or write the server's address into it: on a new port it is no member of its own set."""
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}]})
        return
    if [member["host"] for member in config["members"]] != [address]:
        config |= {"version": config["version"] + 1, "members": [{"_id": 0, "host": address}]}
        client.admin.command("replSetReconfig", config, force=True)


def _outwait_orphan(home: Home) -> None:
    """Wait until no mongod of a killed keeper has the data open, telling it to end where its system did not."""
    home.data.mkdir(parents=True, exist_ok=True)
    lock = os.open(home.data / "mongod.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if try_lock(lock, fcntl.LOCK_EX):
            return
        _shut_down(home)
        if not try_lock(lock, fcntl.LOCK_EX, timeout_s=_ORPHAN_TIMEOUT_S):
            raise MongodFailed("another mongod, which does not end, has the data folder open.")
    finally:
        os.close(lock)


def _shut_down(home: Home) -> None:
    port = _saved_port(home)
    if port is None:
        return
    with MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500) as client:
        try:
            options = client.admin.command("getCmdLineOpts")["parsed"]
            if options["storage"]["dbPath"] == str(home.data):
                client.admin.command("shutdown", force=True)
        except PyMongoError:
            pass  # it is ending already, and so answers no more


def _saved_port(home: Home) -> int | None:
    try:
        return int(home.port.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(folder: str, *command: str) -> None:
    """Become the keeper of a folder: return in the parent once its lock is held, serve in a child of its own."""
    home = Home(Path(folder))
    lock = os.open(home.keeper_lock, os.O_RDWR | os.O_CREAT, 0o600)
    if not try_lock(lock, fcntl.LOCK_EX, timeout_s=2):
        return  # another keeper was quicker
    if os.fork():
        return
    home.mongod_log.unlink(missing_ok=True)
    try:
        Keeper(home, list(command)).run()
    except MongodFailed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
