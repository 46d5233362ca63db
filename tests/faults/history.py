"""What the clients of a run asked for and what they were told, as lines of JSON: written as it happens, read offline.

An operation is what a client wants, under a key that nothing else has. An attempt is one request for it: an `invoke`
line, and a line with its outcome:

- `ok`: the bank says that it is done (2xx);
- `fail`: the bank says that it is not done (4xx); whether it had a reason is for the checks;
- `info`: nobody can tell. A time-out, a broken connection and every 5xx are `info`, never `fail`.

Besides there are `mark` lines (what was done to the bank, and when) and `live` lines (one poll of a server's liveness).
Times are seconds of one monotonic clock since the history began.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

OK, FAIL, INFO = "ok", "fail", "info"
Outcome = Literal["ok", "fail", "info"]
DEPOSIT, WITHDRAW, TRANSFER = "deposit", "withdraw", "transfer"
BALANCE, LINES = "balance", "lines"
WRITES = frozenset({DEPOSIT, WITHDRAW, TRANSFER})
POLL_INTERVAL_S = 0.1
"""How often a server is asked whether it lives."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client wants done, once. Amounts are minor units."""

    key: str
    kind: str
    account: str
    amount: int = 0
    to: str = ""

    @property
    def is_write(self) -> bool:
        return self.kind in WRITES

    @property
    def effects(self) -> dict[str, int]:
        """What it adds to the balance of each account that it touches."""
        if self.kind == DEPOSIT:
            return {self.account: self.amount}
        if self.kind == WITHDRAW:
            return {self.account: -self.amount}
        return {self.account: -self.amount, self.to: self.amount} if self.kind == TRANSFER else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status (0 where nothing did), the media type, a problem's code, and what `content` tells.

    Where nothing came back, the code is the name of the error that the client met.

    Of a write the content is its line, of `balance` {"balance": minor units}, of `lines` {"lines": [line, ...]}, newest
    first. A line: id, transaction_id, seq, amount (signed minor units), balance_after, key (its description).
    """

    status: int = 0
    media_type: str = ""
    code: str = ""
    replayed: bool = False
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        if 200 <= self.status < 300:
            return "ok"
        return "fail" if 400 <= self.status < 500 else "info"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for an operation, from its first byte sent to its outcome (never, where the client was cut off)."""

    operation: Operation
    process: str
    server: int
    invoked_s: float
    answered_s: float = math.inf
    answer: Answer = field(default_factory=Answer)

    @property
    def outcome(self) -> Outcome:
        return self.answer.outcome


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that was done to the bank, or begun: `strike`, `heal`, `whole`, `resolve`, ..."""

    name: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Poll:
    """One question whether a server lives: how long it took until it was answered."""

    server: int
    time_s: float
    took_s: float


@dataclass(slots=True)
class Recorded:
    """A whole history, read back."""

    attempts: list[Attempt] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)

    def time_of(self, name: str) -> float:
        """Return when the first mark of this name was made."""
        return next(mark.time_s for mark in self.marks if mark.name == name)


class History:
    """Takes down what many threads see. Every line is in the file before the client goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", buffering=1)
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._attempts = 0
        self._invoked_s: dict[int, float] = {}
        self.acknowledged = 0
        """How many writes were answered with success so far."""
        self.newest_acknowledged_s = -math.inf
        """When the youngest of the acknowledged writes was asked for."""

    def now_s(self) -> float:
        return time.monotonic() - self._began

    def invoke(self, operation: Operation, *, process: str, server: int) -> int:
        """Note that a request is about to be sent, and return its attempt's number."""
        with self._lock:
            self._attempts += 1
            number = self._attempts
            line = {"attempt": number, "process": process, "server": server, "operation": asdict(operation)}
            self._invoked_s[number] = self._write("invoke", **line)
        return number

    def complete(self, number: int, operation: Operation, answer: Answer) -> None:
        """Note what came of an attempt."""
        with self._lock:
            invoked_s = self._invoked_s.pop(number)
            if operation.is_write and answer.outcome == OK:
                self.acknowledged += 1
                self.newest_acknowledged_s = max(self.newest_acknowledged_s, invoked_s)
            self._write(answer.outcome, attempt=number, answer=asdict(answer))

    def mark(self, name: str) -> float:
        """Note what is done to the bank; return when."""
        with self._lock:
            return self._write("mark", name=name)

    def live(self, server: int, *, asked_s: float, took_s: float) -> None:
        """Note a poll of a server's liveness."""
        with self._lock:
            self._write("live", server=server, asked_s=asked_s, took_s=took_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _write(self, kind: str, **what: object) -> float:
        now = round(self.now_s(), 6)
        self._file.write(json.dumps({"type": kind, "time_s": now, **what}) + "\n")
        return now


def read(path: Path) -> Recorded:
    """Read a history back; an attempt without an outcome is `info`, for ever."""
    with path.open() as lines:
        return recorded(json.loads(line) for line in lines)


def recorded(lines: Iterable[dict[str, Any]]) -> Recorded:
    """Put the lines of a history together."""
    attempts: dict[int, Attempt] = {}
    history = Recorded()
    for line in lines:
        kind, time_s = line["type"], line["time_s"]
        if kind == "invoke":
            operation = Operation(**line["operation"])
            attempts[line["attempt"]] = Attempt(operation, line["process"], line["server"], time_s)
        elif kind == "mark":
            history.marks.append(Mark(line["name"], time_s))
        elif kind == "live":
            history.polls.append(Poll(line["server"], line["asked_s"], line["took_s"]))
        else:
            asked = attempts[line["attempt"]]
            attempts[line["attempt"]] = Attempt(
                asked.operation, asked.process, asked.server, asked.invoked_s, time_s, Answer(**line["answer"])
            )
    history.attempts = list(attempts.values())
    return history
