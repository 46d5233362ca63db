"""A real server for a while: processes and threads as in `make run`, on a port of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from app.models.mongod import free_port
from benchmarks.usage import children, memory_mib

BANK = ("run.py",)
NOOP = ("-m", "benchmarks.serve", "benchmarks.noop:app")
HELLO = ("-m", "benchmarks.serve", "benchmarks.yardstick:hello")
BARE = ("-m", "benchmarks.serve", "benchmarks.yardstick:bare")
_PROJECT = Path(__file__).parents[1]
_START_S_MAX = 60
_STOP_S_MAX = 30


class Server:
    """A server that runs, by its address and its processes."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self._process = process

    @property
    def workers(self) -> list[int]:
        return children(self._process.pid)

    @property
    def pids(self) -> list[int]:
        return [self._process.pid, *self.workers]

    def memory_mib(self) -> dict[str, float]:
        """Return the memory of the largest worker."""
        found = [memory_mib(pid) for pid in self.workers]
        return {name: max(each[name] for each in found) for name in ("Rss", "Pss")}

    def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises:
            RuntimeError: it ended instead, or did not answer in time.
        """
        deadline = time.monotonic() + _START_S_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start: it ended with {self._process.poll()}.")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/health/ready", timeout=5).close()  # noqa: S310 - our own server
        except urllib.error.HTTPError as error:
            return error.code == HTTPStatus.NOT_FOUND  # a yardstick, which knows of no health
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True


@contextmanager
def serving(program: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[Server]:
    """Serve one of the programs above until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *program],
        cwd=_PROJECT,
        env={**environment, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    server = Server(port, process)
    try:
        server.wait_until_ready()
        yield server
    finally:
        workers = server.workers
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            for pid in (process.pid, *workers):
                os.kill(pid, signal.SIGKILL)
            process.wait()
