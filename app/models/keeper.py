"""Keep one mongod running for everyone who uses a data folder, and stop it when the last of them is gone.

`embedded.py` runs this module as a process of its own. Its life hangs on flocks, which the kernel drops however a
process dies: every client shares `clients.lock`, and whoever gets that lock alone knows that no client is left.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from app.models import mongod
from app.models.mongod import MongodFailed

_POLL_S = 0.1
_START_TIMEOUT_S = 50
_ORPHAN_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Home:
    """The files of an embedded server: its data and port, the locks that its users meet at, its logs."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def port(self) -> Path:
        return self.folder / "port"

    @property
    def state(self) -> Path:
        """Where the server is; there is such a file only while it is ready."""
        return self.folder / "keeper.json"

    @property
    def clients_lock(self) -> Path:
        return self.folder / "clients.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.folder / "keeper.lock"

    @property
    def spawn_lock(self) -> Path:
        return self.folder / "spawn.lock"

    @property
    def keeper_log(self) -> Path:
        return self.folder / "keeper.log"

    @property
    def mongod_log(self) -> Path:
        return self.folder / "mongod.log"


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


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
    """Runs mongod in a home with this command line, as long as the home has clients."""

    def __init__(self, home: Home, command: list[str]) -> None:
        self._home = home
        self._command = command
        self._mongod: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> None:
        """Serve until no client is left or a signal says stop; a mongod that dies meanwhile is started again.

        Raises:
            MongodFailed: it can't be started, or not at the address that clients know.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        clients = open_lock(self._home.clients_lock)
        port: int | None = None
        try:
            while not self._stopping and not try_lock(clients, fcntl.LOCK_EX):
                if self._mongod is None or self._mongod.poll() is not None:
                    self._home.state.unlink(missing_ok=True)
                    port = self._start(port)
                    self._publish(port)
                time.sleep(_POLL_S)
        finally:
            if self._mongod is not None:
                mongod.stop(self._mongod)
            self._home.state.unlink(missing_ok=True)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, known_port: int | None) -> int:
        """Make mongod primary: on the port that clients know, else on that of the last time, else on a free one."""
        _outwait_orphan(self._home)
        port = known_port or _saved_port(self._home) or mongod.free_port()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._stopping:
            self._mongod = mongod.spawn(self._command, data=self._home.data, port=port, log=self._home.mongod_log)
            if mongod.make_primary(self._mongod, port, data=self._home.data, deadline=deadline):
                self._home.port.write_text(str(port))
                return port
            mongod.stop(self._mongod)
            code = self._mongod.returncode
            if code != mongod.ADDRESS_IN_USE or time.monotonic() > deadline:
                raise MongodFailed(f"mongod did not become ready (exit code {code}).")
            port = known_port or mongod.free_port()
        raise MongodFailed("mongod was told to stop before it was ready.")

    def _publish(self, port: int) -> None:
        """Write the server's address for clients to find, all at once."""
        assert self._mongod is not None  # noqa: S101  # nosec B101  # for the type checker
        uri = f"mongodb://127.0.0.1:{port}/?replicaSet={mongod.REPLICA_SET}"
        draft = self._home.state.with_suffix(".tmp")
        draft.write_text(json.dumps({"uri": uri, "pid": os.getpid(), "mongod_pid": self._mongod.pid}))
        draft.replace(self._home.state)


def _outwait_orphan(home: Home) -> None:
    """Wait until no mongod of a killed keeper has the data open, telling it to end where its system did not."""
    home.data.mkdir(parents=True, exist_ok=True)
    lock = open_lock(home.data / "mongod.lock")
    try:
        if try_lock(lock, fcntl.LOCK_EX):
            return
        if port := _saved_port(home):
            mongod.shut_down(port, data=home.data)
        if not try_lock(lock, fcntl.LOCK_EX, timeout_s=_ORPHAN_TIMEOUT_S):
            raise MongodFailed("another mongod, which does not end, has the data folder open.")
    finally:
        os.close(lock)


def _saved_port(home: Home) -> int | None:
    try:
        return int(home.port.read_text())
    except (FileNotFoundError, ValueError):
        return None


def main(folder: str, *command: str) -> None:
    """Become the keeper of a folder: return in the caller's process once the lock is held, serve in a child of it.

    So whoever started this need not wait for it, and finds a keeper (or the end of one) by its lock alone.
    """
    home = Home(Path(folder))
    if not try_lock(open_lock(home.keeper_lock), fcntl.LOCK_EX, timeout_s=2):
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
