"""What a bank answers, and how long it takes: one request after another, on two banks in turn.

The two share one database server and this machine, and are asked in turn, in an order that changes with each sample:
what disturbs one of them disturbs the other alike. No request is made while another is under way, so that a time is
that of the request alone, and not of a queue.
"""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.scale_seed import BANKER, FIRST_NAMES, LAST_NAMES, PASSWORD, Seeded

LINES = 20
PAGE = 1_000
PAGES_TRIED = 50
MONTH = timedelta(days=30)
TIMEOUT_S = 60
JSON = "application/json"


@dataclass(frozen=True)
class Question:
    """One request: as whom, what."""

    token: str
    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Operation:
    """A kind of request, and how many lines each of its answers has at least, where it has lines."""

    name: str
    ask: Callable[[Bank, random.Random], Question]
    lines_min: int = 0


@dataclass(frozen=True)
class Figure:
    """Medians over the rounds."""

    p50_ms: float
    p99_ms: float


@dataclass
class Bank:
    """A served bank, with the sessions of its customers and of a banker."""

    name: str
    url: str
    seeded: Seeded
    tokens: list[tuple[str, str]] = field(default_factory=list)
    long_token: str = ""
    banker: str = ""
    late_cursors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)

    def log_in(self, on_progress: Callable[[], None]) -> None:
        """Log everybody in."""
        self.banker = self._token(BANKER)
        self.long_token = self._token(self.seeded.long_login[0])
        for name, number in self.seeded.logins:
            self.tokens.append((self._token(name), number))
            on_progress()
        self._connection.close()  # it would idle while others log in elsewhere; the next request opens it anew

    def answer(self, question: Question) -> Any:
        """Return the answer to a question.

        Raises:
            RuntimeError: it is no success.
        """
        headers = {"Authorization": f"Bearer {question.token}"} if question.token else {}
        body = json.dumps(question.body) if question.body is not None else None
        if body is not None:
            headers["Content-Type"] = JSON
        self._connection.request(question.method, question.path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{question.method} {question.path}: {response.status} {content.decode()}")
        return json.loads(content)

    def time(self, question: Question) -> float:
        """Ask, and return how many milliseconds the answer took."""
        start = time.perf_counter()
        self.answer(question)
        return (time.perf_counter() - start) * 1000

    def close(self) -> None:
        self._connection.close()

    def _token(self, name: str) -> str:
        login = Question("", "POST", "/auth/login", {"username": name, "password": PASSWORD})
        return str(self.answer(login)["access_token"])


def measure(
    banks: Sequence[Bank],
    operations: Sequence[Operation],
    *,
    rounds: int,
    samples: int,
    on_progress: Callable[[], None],
) -> dict[str, dict[str, Figure]]:
    """Return the figures of every operation at every bank, by their names; a first short round only warms up."""
    chance = random.Random(1)
    for operation in operations:
        for bank in banks:
            _require_lines(operation, bank, chance)
    _round(banks, operations, max(1, samples // 10), chance, lambda: None)
    found = [_round(banks, operations, samples, chance, on_progress) for _ in range(rounds)]
    return {
        operation.name: {bank.name: _figure([each[operation.name, bank.name] for each in found]) for bank in banks}
        for operation in operations
    }


def _round(
    banks: Sequence[Bank],
    operations: Sequence[Operation],
    samples: int,
    chance: random.Random,
    on_progress: Callable[[], None],
) -> dict[tuple[str, str], list[float]]:
    times: dict[tuple[str, str], list[float]] = {(each.name, bank.name): [] for each in operations for bank in banks}
    for _ in range(samples):
        for operation in chance.sample(operations, len(operations)):
            for bank in chance.sample(banks, len(banks)):
                times[operation.name, bank.name].append(bank.time(operation.ask(bank, chance)))
        on_progress()
    return times


def _figure(rounds: Sequence[Sequence[float]]) -> Figure:
    cuts = [statistics.quantiles(times, n=100, method="inclusive") for times in rounds]
    return Figure(statistics.median(each[49] for each in cuts), statistics.median(each[98] for each in cuts))


def _require_lines(operation: Operation, bank: Bank, chance: random.Random) -> None:
    """Make sure that both banks have as much to answer: a full page here and an empty one there compare nothing."""
    answer = bank.answer(operation.ask(bank, chance))
    if operation.lines_min > len(answer.get("items", ())):
        raise RuntimeError(
            f"{operation.name} at {bank.name}: {len(answer['items'])} lines, {operation.lines_min} wanted"
        )


# ---- what is asked ---------------------------------------------------------------------------------------------------


def _balance(bank: Bank, chance: random.Random) -> Question:
    token, _ = chance.choice(bank.tokens)
    return Question(token, "GET", "/balance")


def _balance_at(bank: Bank, chance: random.Random) -> Question:
    token, number = chance.choice(bank.tokens)
    return Question(token, "GET", f"/accounts/{number}/balance?at={_some_day(bank, chance).date()}")


def _first_page(bank: Bank, chance: random.Random) -> Question:
    token, _ = chance.choice(bank.tokens)
    return Question(token, "GET", f"/transactions?limit={LINES}")


def _late_page(bank: Bank, chance: random.Random) -> Question:
    number = bank.seeded.long_login[1]
    cursor = chance.choice(bank.late_cursors)
    return Question(bank.long_token, "GET", f"/transactions?account={number}&limit={LINES}&cursor={cursor}")


def _month(bank: Bank, chance: random.Random) -> Question:
    token, number = chance.choice(bank.tokens)
    return Question(token, "GET", f"/transactions?account={number}&limit=100&{_some_month(bank, chance)}")


def _busy_month(bank: Bank, _: random.Random) -> Question:
    """Ask for the first hundred lines of the first month of the long account, when it was busy."""
    since, number = bank.seeded.begun_at.date(), bank.seeded.long_login[1]
    span = f"from={since}&to={since + MONTH}"
    return Question(bank.long_token, "GET", f"/transactions?account={number}&limit=100&{span}")


def _deposit(bank: Bank, chance: random.Random) -> Question:
    token, number = chance.choice(bank.tokens)
    return Question(token, "POST", "/deposit", {"amount": "1.00", "account": number})


def _banker(path: str) -> Callable[[Bank, random.Random], Question]:
    return lambda bank, _: Question(bank.banker, "GET", path)


def _banker_of_account(bank: Bank, chance: random.Random) -> Question:
    _, number = chance.choice(bank.seeded.logins)
    return Question(bank.banker, "GET", f"/banker/transactions?account={number}&type=transfer")


def _banker_in_month(bank: Bank, chance: random.Random) -> Question:
    return Question(bank.banker, "GET", f"/banker/transactions?type=deposit&{_some_month(bank, chance)}")


def _find_by_name(bank: Bank, chance: random.Random) -> Question:
    text = quote(f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)[:3]}")
    return Question(bank.banker, "GET", f"/banker/customers?q={text}")


def _find_by_number(bank: Bank, chance: random.Random) -> Question:
    return Question(bank.banker, "GET", f"/banker/customers?q={chance.choice(bank.seeded.customer_numbers)}")


def _some_day(bank: Bank, chance: random.Random) -> datetime:
    return bank.seeded.begun_at + (bank.seeded.ended_at - bank.seeded.begun_at) * chance.random()


def _some_month(bank: Bank, chance: random.Random) -> str:
    """Name thirty days of the second year, when ordinary accounts alone had movements."""
    last = bank.seeded.ended_at - MONTH - timedelta(days=1)
    since = last - timedelta(days=chance.randrange(365))
    return f"from={since.date()}&to={(since + MONTH).date()}"


OPERATIONS = (
    Operation("balance", _balance),
    Operation("balance at a past day", _balance_at),
    Operation("history, first page", _first_page, LINES),
    Operation("history, page 1,000", _late_page, LINES),
    Operation("a month of an account", _month),
    Operation("a month of a busy account, 100 lines", _busy_month, 100),
    Operation("deposit", _deposit),
    Operation("banker: all lines, newest first", _banker("/banker/transactions"), LINES),
    Operation("banker: lines of a type in a month", _banker_in_month, LINES),
    Operation("banker: lines of a large amount", _banker("/banker/transactions?min_amount=100")),
    Operation("banker: lines of a type of an account", _banker_of_account),
    Operation("banker: accounts by type and status", _banker("/banker/accounts?type=savings&status=active"), LINES),
    Operation("banker: frozen accounts", _banker("/banker/accounts?status=frozen"), LINES),
    Operation("banker: customers by name", _find_by_name, LINES),
    Operation("banker: a customer by number", _find_by_number, 1),
    Operation("banker: customers by KYC and status", _banker("/banker/customers?kyc=pending&status=active"), LINES),
)


def find_late_cursors(database: Any, number: str) -> list[str]:
    """Return the cursors of the pages from the 1,000th on, as the pages before would have given them.

    The cursor of a page is the id of the last line of the page before: no page is skipped to by counting.
    """
    with closing(database["entries"].find({"account_id": number}, {"seq": 1}).sort("seq", -1).limit(1)) as newest:
        last = next(iter(newest))["seq"]
    wanted = [last - (PAGE - 1 + page) * LINES + 1 for page in range(PAGES_TRIED)]
    found = database["entries"].find({"account_id": number, "seq": {"$in": wanted}}, {"_id": 1})
    return [each["_id"] for each in found]
