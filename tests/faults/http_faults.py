"""The faults of clients: hundreds that send a byte now and then, and bodies far larger than the bank takes."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

from tests import large_bodies
from tests.faults import nginx
from tests.faults.bank import BankSettings
from tests.faults.history import Recorded
from tests.faults.nemesis import Fault, Field, Layout
from tests.faults.outcome import FinalState
from tests.large_bodies import Refusal

ANSWER_P99_S_MAX = 1.0
"""Longer only where it is longer without the fault: on a machine that is busy otherwise."""
HOLD_S = 20.0
MEMORY_MIB_MAX = 60.0
"""How much more the workers may hold together; the bodies that are sent at once would take 160."""
_TOO_LARGE = Refusal(413, "application/problem+json", "payload_too_large")


class _BehindNginx(Fault):
    """One server, with nginx in front of it while the fault lasts: everybody goes through it."""

    def missing(self) -> str:
        return nginx.missing()

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        with ExitStack() as self._until_healed:
            self._folder = folder / "nginx"
            yield Layout(bank=BankSettings(servers=1))

    def strike(self, field: Field) -> None:
        port = field.bank.port(0)
        assert port is not None
        self._server_port = port
        self._port = self._until_healed.enter_context(nginx.running(self._folder, server_port=port))
        field.bank.put_in_front(0, self._port)

    def heal(self, field: Field) -> None:
        field.bank.put_in_front(0, self._server_port)
        self._until_healed.close()


class SlowClients(_BehindNginx):
    name = "slow-clients"
    about = "500 clients behind nginx that send their headers or bodies a byte every few seconds, for 20 s"
    clients = 500

    def strike(self, field: Field) -> None:
        super().strike(field)
        self._slow = self._until_healed.enter_context(slow_clients(self._port, count=self.clients))

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(HOLD_S)
        self._connected = self._slow.connected

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """Find that the others had to wait, or that the slow ones were not there at all."""
        begin_s, end_s, over_s = (history.time_of(name) for name in ("struck", "heal", "end"))
        beside_s = _p99_s(history, begin_s, end_s)
        alone_s = max(_p99_s(history, 0.0, history.time_of("strike")), _p99_s(history, end_s, over_s))
        is_slow = beside_s > max(ANSWER_P99_S_MAX, alone_s)
        told = f"99 of 100 answers took up to {beside_s:.2f} s, and {alone_s:.2f} s without slow clients"
        slow = [told] if is_slow else []
        enough = 0.9 * self.clients  # the others have just been cut off, and will be back
        few = [f"only {self._connected} slow clients were connected"] if self._connected < enough else []
        return [*slow, *few]


def _p99_s(history: Recorded, begin_s: float, end_s: float) -> float:
    """Return how long 99 of 100 answers took at most that were asked for in this time; for ever without any."""
    took = sorted(each.answered_s - each.invoked_s for each in history.attempts if begin_s < each.invoked_s < end_s)
    return took[math.ceil(0.99 * len(took)) - 1] if took else math.inf


class LargeBodies(_BehindNginx):
    name = "large-bodies"
    about = "Bodies of 10 MB, 16 at once, of declared length and chunked, through nginx and past it, for 20 s"
    senders = 16

    def strike(self, field: Field) -> None:
        super().strike(field)
        self._headers = field.bank.new_customer().headers
        self._answers: Counter[tuple[str, Refusal]] = Counter()
        self._workers = {pid: large_bodies.peak_memory_mib(pid) for pid in field.bank.workers()}

    def hold(self, field: Field, struck_s: float) -> None:
        ways = [
            (name, port, chunked)
            for name, port in (("through nginx", self._port), ("past nginx", self._server_port))
            for chunked in (False, True)
        ]
        deadline = time.monotonic() + HOLD_S

        def send(number: int) -> None:
            for name, port, chunked in cycle(ways[number % len(ways) :] + ways[: number % len(ways)]):
                if time.monotonic() > deadline:
                    return
                how = f"{'chunked' if chunked else 'declared'} {name}"
                self._answers[how, large_bodies.send(port, self._headers, chunked=chunked)] += 1

        with ThreadPoolExecutor(self.senders) as pool:
            list(pool.map(send, range(self.senders)))
        self._grown_mib = sum(large_bodies.peak_memory_mib(pid) - before for pid, before in self._workers.items())

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """Find a body that was answered otherwise than with 413, a way that nobody went, and memory that grew."""
        wrong = [f"{count} bodies {how} got {got}" for (how, got), count in self._answers.items() if got != _TOO_LARGE]
        few = [] if len({how for how, _ in self._answers}) == 4 else ["not every way was tried"]
        grown = [f"the workers held {self._grown_mib:.0f} MiB more"] if self._grown_mib > MEMORY_MIB_MAX else []
        return [*wrong, *few, *grown]


class _SlowClients:
    """Clients that begin a request each and go on with it a byte at a time; who is cut off begins anew."""

    PAUSE_S = 3.0
    HEAD = b"GET /balance HTTP/1.1\r\nHost: bank\r\nX-Slow: "
    BODY = b"POST /deposit HTTP/1.1\r\nHost: bank\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._connections: list[socket.socket | None] = [None] * count
        self._thread = threading.Thread(target=self._run, name="slow-clients", daemon=True)

    @property
    def connected(self) -> int:
        """How many are connected now."""
        return sum(each is not None for each in self._connections)

    def start(self) -> None:
        """Connect them all, and let them go on."""
        self._go_on()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for connection in self._connections:
            if connection is not None:
                connection.close()

    def _run(self) -> None:
        while not self._stop.wait(self.PAUSE_S):
            self._go_on()

    def _go_on(self) -> None:
        for number, connection in enumerate(self._connections):
            try:
                if connection is None:
                    self._connections[number] = connection = socket.create_connection(("127.0.0.1", self._port), 5.0)
                    connection.sendall(self.BODY if number % 2 else self.HEAD)
                connection.sendall(b"x")
            except OSError:
                if connection is not None:
                    connection.close()
                self._connections[number] = None


@contextmanager
def slow_clients(port: int, *, count: int) -> Iterator[_SlowClients]:
    """Keep so many slow clients connected until the block ends."""
    clients = _SlowClients(port, count)
    clients.start()
    try:
        yield clients
    finally:
        clients.stop()


FAULTS: tuple[type[Fault], ...] = (SlowClients, LargeBodies)
