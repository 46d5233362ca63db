"""The application as it is really served: `python run.py` in processes of its own, talked to over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.models.mongod import free_port
from tests.processes import PROJECT, TIMEOUT_S, environment, is_running, parents, processes_of, wait_until

_WORKERS_END_S_MAX = 14.0
"""A worker that does not stop is ended by force after 15 s."""


class LiveServer:
    """One running `python run.py` on a port of its own; `output` grows while it runs."""

    def __init__(self, data_dir: Path, **variables: object) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = ""
        settings = {"FLASK_ENV": "development", "DATA_DIR": data_dir, "PORT": self.port, "PYTHONUNBUFFERED": 1}
        self.process = subprocess.Popen(
            [sys.executable, "run.py"],
            cwd=PROJECT,
            env=environment(**settings | variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Return when it answers; fail with its output when it ends instead."""
        wait_until(lambda: self.answers() or self.process.poll() is not None, timeout_s=timeout_s)
        assert self.process.poll() is None, self.output

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=TIMEOUT_S).status_code == 200
        except httpx.TransportError:
            return False

    def workers(self) -> list[int]:
        """Return the processes that serve the requests."""
        return [pid for pid, parent in parents().items() if parent == self.process.pid]

    def demo_password(self, username: str) -> str:
        """Return the password that was printed for this user."""
        found = re.search(rf"^  {username} +(\S+)$", self.output, re.M)
        assert found, self.output
        return found[1]

    def database_uri(self) -> str:
        """Return the address of its embedded database."""
        return str(json.loads((self.data_dir / "mongo" / "keeper.json").read_text())["uri"])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code, once all that it printed has been read."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return the exit code; fail when a worker takes as long as one that does not stop is given.

        After its workers the server ends its database, which on a busy disk takes a while.
        """
        workers = self.workers()
        wait_until(lambda: not any(map(is_running, workers)), timeout_s=_WORKERS_END_S_MAX)
        code = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return code

    def kill_everything(self) -> None:
        """End the server, its workers, its database and the database's keeper as a power cut would."""
        pids = [self.process.pid, *self.workers(), *processes_of(self.data_dir)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.wait()
        wait_until(lambda: not any(map(is_running, pids)))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output += line


@contextmanager
def serving(data_dir: Path, **variables: object) -> Iterator[LiveServer]:
    """Serve on this data folder until the block ends; nothing is left running then."""
    server = LiveServer(data_dir, **variables)
    try:
        server.wait_until_ready()
        yield server
    finally:
        workers = server.workers()
        server.process.kill()
        server.wait()
        wait_until(lambda: not any(map(is_running, workers)))
