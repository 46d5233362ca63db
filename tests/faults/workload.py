"""Customers at work: seeded clients in threads, each waiting for its answer before it asks again, all recorded."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from tests.faults.bank import Bank, Customer
from tests.faults.history import (
    BALANCE,
    DEPOSIT,
    INFO,
    LINES,
    TRANSFER,
    WITHDRAW,
    Answer,
    History,
    Operation,
)

ANSWER_S_MAX = 10.0
"""How long a client waits; the bank promises an answer within 6 s."""
OPENING = 100_00
PAGE = 20
DOWN_PAUSE_S = 0.1
KEPT_FOR = 5
"""How many requests a connection is kept for: who kept theirs for good would stay with a worker that is well."""
_PATHS = {DEPOSIT: "/deposit", WITHDRAW: "/withdraw", TRANSFER: "/transfers"}


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose accounts take part: one that everybody uses, one that is only ever paid 1.00 into, and the others."""

    hot: Customer
    counter: Customer
    others: tuple[Customer, ...]
    by_account: dict[str, Customer] = field(default_factory=dict)

    @classmethod
    def join(cls, bank: Bank, *, others: int) -> Parties:
        """Register them all."""
        hot, counter, *rest = (bank.new_customer() for _ in range(others + 2))
        return cls(hot, counter, tuple(rest), {each.account: each for each in (hot, counter, *rest)})


class Teller:
    """Sends operations to the bank's servers and records what comes back. One for each thread: it keeps connections."""

    def __init__(
        self, bank: Bank, parties: Parties, history: History, *, process: str, keeps_connections: bool = True
    ) -> None:
        self._bank = bank
        self._parties = parties
        self._history = history
        self._process = process
        self._keeps = keeps_connections
        self._connections: dict[int, http.client.HTTPConnection] = {}
        self._sent: Counter[int] = Counter()

    def send(self, operation: Operation, server: int) -> Answer | None:
        """Send an operation once, to this server; None (and nothing is recorded) while the harness has it down."""
        port = self._bank.port(server)
        if port is None:
            return None
        number = self._history.invoke(operation, process=self._process, server=server)
        answer = self._answer(operation, port)
        self._history.complete(number, operation, answer)
        return answer

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _answer(self, operation: Operation, port: int) -> Answer:
        connection = self._connections.get(port)
        if connection is None:
            connection = self._connections[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
        try:
            method, target, body = _request(operation)
            headers = self._parties.by_account[operation.account].headers
            if body is not None:
                headers |= {"Content-Type": "application/json", "Idempotency-Key": operation.key}
            self._sent[port] += 1
            is_last = not self._keeps or self._sent[port] % KEPT_FOR == 0
            if is_last:
                headers |= {"Connection": "close"}
            connection.request(method, target, body=body, headers=headers)
            answer = read_answer(operation, connection.getresponse())
            if is_last:
                connection.close()  # it opens itself anew
            return answer
        except (OSError, http.client.HTTPException) as failure:
            self._connections.pop(port).close()
            return Answer(code=type(failure).__name__)


def _request(operation: Operation) -> tuple[str, str, str | None]:
    """Return method, path and body of an operation. Its key is also the description that its lines keep."""
    if operation.kind == BALANCE:
        return "GET", f"/balance?{urlencode({'account': operation.account})}", None
    if operation.kind == LINES:
        return "GET", f"/transactions?{urlencode({'account': operation.account, 'limit': PAGE})}", None
    body = {"amount": f"{operation.amount // 100}.{operation.amount % 100:02}", "description": operation.key}
    body |= (
        {"from": operation.account, "to": operation.to}
        if operation.kind == TRANSFER
        else {"account": operation.account}
    )
    return "POST", _PATHS[operation.kind], json.dumps(body)


def read_answer(operation: Operation, response: http.client.HTTPResponse) -> Answer:
    """Read an answer to its end."""
    raw, media_type = response.read(), response.headers.get_content_type()
    try:
        told = json.loads(raw)
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    if response.status >= 400:
        return Answer(response.status, media_type, str(told.get("code", "")))
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    return Answer(response.status, media_type, "", replayed, _content(operation, told))


def _content(operation: Operation, told: dict[str, Any]) -> dict[str, Any]:
    if operation.kind == BALANCE:
        return {"balance": minor(told["balance"])}
    if operation.kind == LINES:
        return {"lines": [line(each) for each in told["items"]]}
    return line(told)


def line(told: dict[str, Any]) -> dict[str, Any]:
    """Return what counts of a line of an account, its amount signed."""
    amount = minor(told["amount"]) * (1 if told["direction"] == "credit" else -1)
    kept = {name: told[name] for name in ("id", "transaction_id", "seq")}
    return kept | {"amount": amount, "balance_after": minor(told["balance_after"]), "key": told["description"]}


def minor(text: str) -> int:
    """Read an amount with two decimals as minor units."""
    sign = -1 if text.startswith("-") else 1
    whole, _, decimals = text.removeprefix("-").partition(".")
    assert len(decimals) == 2, text
    return sign * int(whole + decimals)


def open_accounts(bank: Bank, parties: Parties, history: History) -> None:
    """Pay something into every account but the counter, as recorded operations."""
    pay_in = (
        Operation(f"opening-{customer.account}", DEPOSIT, customer.account, OPENING)
        for customer in (parties.hot, *parties.others)
    )
    resolve(bank, parties, history, list(pay_in))


class Workload:
    """Many clients at once, until they are told to stop. What each does follows from the seed and its number."""

    def __init__(
        self,
        bank: Bank,
        parties: Parties,
        history: History,
        *,
        seed: int,
        clients: int = 16,
        think_s: float = 0.08,
        keeps_connections: bool = True,
    ) -> None:
        self._bank = bank
        self._parties = parties
        self._history = history
        self._seed = seed
        self._think_s = think_s
        self._keeps = keeps_connections
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"client-{number}") for number in range(clients)
        ]
        self._failures: list[BaseException] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every client have its last answer, then end them; raise what one of them stumbled over."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _run(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")
        teller = Teller(
            self._bank, self._parties, self._history, process=f"client-{number}", keeps_connections=self._keeps
        )
        try:
            again: Operation | None = None
            for step in itertools.count():
                if self._stop.wait(chance.uniform(0, 2 * self._think_s)):
                    return
                server, key = chance.choice(self._bank.numbers), f"{self._seed}-{number}-{step}"
                operation = replace(again, key=key) if again else choose(chance, self._parties, key)
                answer = teller.send(operation, server)
                # like a person: who got no answer asks the same once more
                again = operation if answer is not None and answer.outcome == INFO else None
                if answer is None or answer.status == 0:
                    time.sleep(DOWN_PAUSE_S)
        except BaseException as failure:  # of the harness: it must not end in silence
            self._failures.append(failure)
        finally:
            teller.close()


def choose(chance: random.Random, parties: Parties, key: str) -> Operation:
    """Return what a client does next."""
    kind = chance.choices((DEPOSIT, WITHDRAW, TRANSFER, BALANCE, LINES), (30, 20, 30, 12, 8))[0]
    if kind == DEPOSIT and chance.random() < 0.25:
        return Operation(key, DEPOSIT, parties.counter.account, 1_00)
    account = _any(chance, parties)
    if kind in (BALANCE, LINES):
        return Operation(key, kind, account if chance.random() < 0.8 else parties.counter.account)
    amount = chance.randint(1, 40_00)
    if kind == TRANSFER:
        to = _any(chance, parties)
        while to == account:
            to = _any(chance, parties)
        return Operation(key, TRANSFER, account, amount, to)
    return Operation(key, kind, account, amount)


def _any(chance: random.Random, parties: Parties) -> str:
    return parties.hot.account if chance.random() < 0.3 else chance.choice(parties.others).account


def unresolved(operations: Iterable[tuple[Operation, str]]) -> list[Operation]:
    """Return the writes of which nobody knows what became, each once. Given are operations with outcomes, in order."""
    open_: dict[str, Operation] = {}
    for operation, outcome in operations:
        if operation.is_write and outcome == INFO:
            open_[operation.key] = operation
        else:
            open_.pop(operation.key, None)
    return list(open_.values())


def resolve(
    bank: Bank,
    parties: Parties,
    history: History,
    operations: Sequence[Operation],
    *,
    timeout_s: float = 90.0,
    threads: int = 4,
) -> None:
    """Send operations again, each with its key, until each is answered or the time is over."""
    deadline = time.monotonic() + timeout_s

    def work(number: int) -> None:
        teller = Teller(bank, parties, history, process=f"resolver-{number}")
        for operation in operations[number::threads]:
            for turn in itertools.count(number):
                answer = teller.send(operation, turn % len(bank.numbers))
                if (answer is not None and answer.outcome != INFO) or time.monotonic() > deadline:
                    break
                time.sleep(DOWN_PAUSE_S)
        teller.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
