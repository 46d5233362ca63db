"""The bank's servers over a replica set, and the customers whose money is moved while faults are thrown."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.domain.ids import random_id
from tests.factories.users import PASSWORD
from tests.live import LiveServer
from tests.processes import is_running, wait_until

START_S_MAX = 120.0
"""On a machine that is busy with other things, too."""
CRASH_LOOP_S = 7.0
_SETTINGS = {
    "FLASK_ENV": "testing",
    "LOG_LEVEL": "WARNING",
    "ACCESS_TOKEN_MINUTES": 60,  # longer than any run
}


@dataclass(frozen=True, slots=True)
class BankSettings:
    """How the servers are run. `uri_options` are added to MONGO_URI, `variables` are settings of the application.

    `own_variables` are those of single servers, by their numbers.
    """

    servers: int = 2
    workers: int = 2
    uri_options: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    own_variables: Mapping[int, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who is logged in, and the number of their account."""

    username: str
    token: str
    account: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Bank:
    """Several server processes, each on a port of its own, each with workers; they share database and secrets."""

    def __init__(self, folder: Path, uri: str, settings: BankSettings | None = None) -> None:
        self.settings = settings or BankSettings()
        self._folder = folder
        self._uri = uri + self.settings.uri_options
        self._servers: list[LiveServer | None] = [None] * self.settings.servers
        self._ended: list[LiveServer] = []
        self._stopping: set[int] = set()
        self._struck_s: dict[int, float] = {}
        self._fronts: dict[int, int] = {}

    @property
    def numbers(self) -> range:
        """The servers' numbers, running or not."""
        return range(self.settings.servers)

    @property
    def running(self) -> list[int]:
        """The numbers of the servers that the harness has not ended."""
        return [number for number in self.numbers if self._servers[number] is not None]

    def port(self, number: int) -> int | None:
        """Return where clients reach a server; None while it is down."""
        server = self._servers[number]
        return self._fronts.get(number, server.port) if server is not None else None

    def put_in_front(self, number: int, port: int) -> None:
        """Let clients reach a server by another port: that of a proxy."""
        self._fronts[number] = port

    def is_up(self, number: int) -> bool:
        """Tell whether a server is to live: the harness has neither ended it nor told it to stop."""
        return self._servers[number] is not None and number not in self._stopping

    def server(self, number: int) -> LiveServer:
        """Return a server that is up."""
        server = self._servers[number]
        assert server is not None
        return server

    def start(self, *numbers: int) -> None:
        """Start these servers (of all, where none is named) that are down; return when they answer."""
        for number in numbers or self.numbers:
            server = self._servers[number]
            if server is not None and server.process.poll() is not None:
                self.kill(number)
            if self._servers[number] is None:
                self._servers[number] = self._started(number)

    def kill(self, number: int) -> None:
        """End a server and its workers as a power cut would."""
        server, self._servers[number] = self.server(number), None
        _end(server)
        self._ended.append(server)

    def stop(self, number: int) -> int:
        """Ask a server to stop (SIGTERM) and return its exit code. Clients may go on asking it meanwhile."""
        server = self.server(number)
        self._stopping.add(number)
        code = server.stop(signal.SIGTERM)
        self._servers[number] = None
        self._stopping.discard(number)
        self._ended.append(server)
        return code

    def workers(self) -> list[int]:
        """Return the processes that serve requests, of all servers."""
        return [pid for number in self.running for pid in self.server(number).workers()]

    def kill_worker(self, chance: random.Random) -> None:
        """Kill one worker, whatever it is doing; its server makes a new one.

        Servers take turns, and each gets a while in between: where one worker dies twice within 5.5 s, granian takes it
        for a crash that comes again and again, and ends the whole server.
        """
        number = min(self.running, key=lambda each: self._struck_s.get(each, 0.0))
        time.sleep(max(0.0, self._struck_s.get(number, 0.0) + CRASH_LOOP_S - time.monotonic()))
        self._struck_s[number] = time.monotonic()
        os.kill(chance.choice(self.server(number).workers()), signal.SIGKILL)

    def died(self) -> list[int]:
        """Return the servers that have ended though nobody ended them."""
        return [number for number in self.running if self.server(number).process.poll() is not None]

    def output(self) -> str:
        """Return all that servers have printed so far."""
        servers = [server for server in self._servers if server is not None]
        return "".join(server.output for server in [*self._ended, *servers])

    def close(self) -> None:
        """Kill whatever runs."""
        for number in self.running:
            self.kill(number)

    def new_customer(self) -> Customer:
        """Register a customer, who gets an account, and log them in."""
        login = {"username": f"c{random_id()[:12]}", "password": PASSWORD}
        registered = self._ask("/auth/register", login, 201, 409)
        token = self._ask("/auth/login", login, 200)["access_token"]
        if "account" not in registered:  # the answer to the first request got lost
            return self.new_customer()
        return Customer(login["username"], token, registered["account"]["number"])

    def _ask(self, path: str, body: dict[str, str], *statuses: int) -> Any:
        """Send a request until it is answered, as a busy machine may take a few times."""
        deadline = time.monotonic() + START_S_MAX
        while True:
            answer = httpx.post(f"{self.server(self.running[0]).url}{path}", json=body, timeout=START_S_MAX)
            if answer.status_code in statuses:
                return answer.json()
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < deadline, answer.text

    def _started(self, number: int) -> LiveServer:
        variables = {"MONGO_URI": self._uri, "WORKERS": self.settings.workers, **self.settings.variables}
        own = self.settings.own_variables.get(number, {})
        deadline = time.monotonic() + START_S_MAX
        while True:
            server = LiveServer(self._folder, **{**_SETTINGS, **variables, **own})
            try:
                server.wait_until_ready(timeout_s=START_S_MAX)
            except BaseException:
                gave_up = server.process.poll() is not None
                _end(server)
                # the database of a busy machine may be too slow for the first start, which makes the collections
                if not gave_up or time.monotonic() > deadline:
                    raise
            else:
                return server


def _end(server: LiveServer) -> None:
    pids = server.workers()
    server.process.kill()
    for pid in pids:
        _kill(pid)
    server.wait()
    wait_until(lambda: not any(map(is_running, pids)))


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it has followed its parent already
        os.kill(pid, signal.SIGKILL)


@contextmanager
def serving(folder: Path, uri: str, settings: BankSettings | None = None) -> Iterator[Bank]:
    """Run the servers until the block ends; nothing is left running then."""
    bank = Bank(folder, uri, settings)
    try:
        bank.start()
        yield bank
    finally:
        bank.close()
