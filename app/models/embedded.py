"""A real MongoDB for development and tests, with nothing to install: one mongod per data folder, shared, self-ending.

A client holds a shared flock on `clients.lock` for its life; children that it forks hold it too. A keeper process
(`keeper.py`) runs mongod and stops it when nobody holds that lock any more. See docs/adr/0001-embedded-mongod.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from app.models.keeper import Home, open_lock, try_lock
from app.models.mongod import CACHE_MIB_MIN, MongodFailed, command_line, find_binary, is_primary
from app.models.processors import on_any_processor

_PROJECT = Path(__file__).parents[2]
_START_TIMEOUT_S = 60.0
_POLL_S = 0.05
_LOG_LINES = 5
_ROUTINE = re.compile(r'\{"t":[^,]*,"s":"[DIW]"')
_LOG_LINE_LENGTH = 300


class EmbeddedServer:
    """This process's share in a running server, which ends when the last share is closed or its process is gone."""

    def __init__(self, uri: str, lock: int) -> None:
        self.uri = uri
        self._lock: int | None = lock

    def close(self) -> None:
        """Give up this share. Idempotent; forked children keep theirs."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(data_dir: Path, *, cache_mib: int = CACHE_MIB_MIN, test_commands: bool = False) -> EmbeddedServer:
    """Join the server on this data folder, starting it first where nobody did. Its options are the first client's.

    Raises:
        MongodFailed: it is not installed, does not start, or was not ready in time.
    """
    deadline = time.monotonic() + _START_TIMEOUT_S
    command = command_line(find_binary(), cache_mib=cache_mib, test_commands=test_commands)
    home = home_of(data_dir)
    home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = open_lock(home.clients_lock)
    try:
        if not try_lock(lock, fcntl.LOCK_SH, timeout_s=_START_TIMEOUT_S):
            raise MongodFailed(f"The embedded MongoDB in {home.folder} is shutting down and does not end.")
        return EmbeddedServer(_join(home, command, deadline), lock)
    except BaseException:
        os.close(lock)
        raise


def home_of(data_dir: Path) -> Home:
    """Return where the server of a data folder keeps its files, if it was ever started."""
    return Home(data_dir.resolve() / "mongo")


def _join(home: Home, command: list[str], deadline: float) -> str:
    """Return the address of the running server; one client at a time looks, so that only one starts a keeper."""
    spawn_lock = open_lock(home.spawn_lock)
    try:
        if not try_lock(spawn_lock, fcntl.LOCK_EX, timeout_s=deadline - time.monotonic()):
            raise MongodFailed(f"The embedded MongoDB in {home.folder} was not ready in time.")
        has_spawned = False
        while time.monotonic() <= deadline:
            if _has_keeper(home):
                if (uri := _address(home)) and _has_keeper(home):  # the lock of one that was killed meanwhile is free
                    return uri
                time.sleep(_POLL_S)
            elif has_spawned:
                raise MongodFailed(f"The embedded MongoDB did not start. {_last_words(home)}")
            else:
                _spawn_keeper(home, command)
                has_spawned = True
        raise MongodFailed(f"The embedded MongoDB was not ready in time. {_last_words(home)}")
    finally:
        os.close(spawn_lock)


def _has_keeper(home: Home) -> bool:
    lock = open_lock(home.keeper_lock)
    try:
        return not try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _address(home: Home) -> str | None:
    """Return where the server is, if it answers: a keeper that is being killed holds its lock a moment longer."""
    try:
        uri = str(json.loads(home.state.read_text())["uri"])
    except FileNotFoundError:
        return None
    return uri if is_primary(urlsplit(uri).port or 0, data=home.data) else None


def _spawn_keeper(home: Home, command: list[str]) -> None:
    """Start a keeper in a session of its own, which Ctrl-C does not reach; when this returns it holds its lock."""
    home.state.unlink(missing_ok=True)  # a killed keeper's address
    with on_any_processor(), home.keeper_log.open("wb") as log:
        subprocess.run(  # noqa: S603  # nosec B603  # our own interpreter, module and binary
            [sys.executable, "-m", "app.models.keeper", str(home.folder), *command],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )


def _last_words(home: Home) -> str:
    """Quote the ends of the logs, the keeper's first: it says what failed, mongod says why."""
    lines: list[str] = []
    for log in (home.keeper_log, home.mongod_log):
        if log.exists():
            said = log.read_text(errors="replace").splitlines()
            lines += [line for line in said if not _ROUTINE.match(line)][-_LOG_LINES:]
    return "\n".join([f"See {home.mongod_log}:", *(f"  {line[:_LOG_LINE_LENGTH]}" for line in lines)])
