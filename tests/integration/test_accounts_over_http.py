"""Freezing, closing and opening accounts against postings over HTTP, through several server processes at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.callers import Caller, log_in, new_caller, reconciled
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until

ROUNDS = 3
MOVERS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Two server processes on a database of their own, with a banker to log in as."""
    folder = tmp_path_factory.mktemp("accounts")
    settings = {
        "POSTING_DEADLINE_MS": 2_000,
        "CLOCK_SKEW_SECONDS_MAX": 1,
        "SETTLING_SECONDS": 6,
        "ACCOUNTS_PER_CUSTOMER_MAX": 4,
    }
    with serving(folder, FLASK_ENV="testing", WORKERS=2, DEMO_DATA="true", **settings) as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))


@pytest.fixture(scope="module")
def banker(server: LiveServer) -> Caller:
    return log_in(server, "banker", server.demo_password("banker"))


def verified(customer: Caller, banker: Caller) -> Caller:
    (holder,) = banker.get(f"/banker/accounts/{customer.number}")["holders"]
    path = f"/banker/customers/{holder['id']}"
    banker.change(path, full_name="Carol Carter", date_of_birth="1990-05-17")
    answer = banker.post(f"{path}/kyc/verify", reason="Passport shown.")
    assert answer.status_code == 200, answer.text
    return customer


@dataclass
class Race:
    """Many movements of one customer while a banker does something to their account.

    `answers` tell the code of each (or `posted`), and whether it was sent after the banker had been answered.
    """

    customer: Caller
    move: Callable[[Caller], httpx.Response]
    done: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[bool, str]] = field(default_factory=list)

    def run(self, act: Callable[[], httpx.Response]) -> httpx.Response:
        """Move again and again, act in the middle of it, and return how that was answered."""
        return next(filter(None, at_once(MOVERS + 1, lambda turn: self._move() if turn else self._act(act))))

    @property
    def posted(self) -> int:
        return sum(code == "posted" for _, code in self.answers)

    def _move(self) -> None:
        is_late = False
        while not is_late:
            is_late = self.done.is_set()
            self.answers.append((is_late, str(self.move(self.customer).json().get("code", "posted"))))

    def _act(self, act: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            wait_until(lambda: len(self.answers) >= 2 * MOVERS)
            return act()
        finally:
            self.done.set()


def last_seq(banker: Caller, number: str) -> int:
    (line,) = banker.get(f"/banker/accounts/{number}/transactions?limit=1")["items"]
    return int(line["seq"])


def test_nothing_is_posted_after_a_freeze_was_answered(server: LiveServer, banker: Caller) -> None:
    for _ in range(ROUNDS):
        customer = new_caller(server, balance="1000.00")
        race = Race(customer, lambda who: who.post("/withdraw", amount="0.01"))
        seqs: list[int] = []

        def freeze(number: str = customer.number, seqs: list[int] = seqs) -> httpx.Response:
            answer = banker.post(f"/banker/accounts/{number}/freeze", kind="all", reason="As the court orders.")
            seqs.append(last_seq(banker, number))
            return answer

        assert race.run(freeze).json()["status"] == "frozen"
        assert {code for is_late, code in race.answers if is_late} == {"account_frozen"}
        assert {code for _, code in race.answers} == {"account_frozen", "posted"}
        assert seqs == [last_seq(banker, customer.number)] == [race.posted + 1]
        assert customer.balance() == Decimal(1000) - Decimal(race.posted) / 100
    assert reconciled(server).difference is None


def test_no_money_is_ever_on_a_closed_account(server: LiveServer, banker: Caller) -> None:
    for by_banker in (False, True, False):
        customer = verified(new_caller(server, balance="10.00"), banker)
        opened = customer.post("/accounts", product="CHECKING-USD")
        assert opened.status_code == 201, opened.text
        closing, target = opened.json()["number"], customer.number
        race = Race(customer, lambda who, number=closing: who.post("/deposit", amount="0.01", account=number))
        path = f"/banker/accounts/{closing}/close" if by_banker else f"/accounts/{closing}/close"
        closed = race.run(
            lambda who=banker if by_banker else customer, path=path, target=target: who.post(path, transfer_to=target)
        )
        assert (closed.status_code, closed.json()["status"], closed.json()["balance"]) == (200, "closed", "0.00")
        assert {code for is_late, code in race.answers if is_late} == {"account_closed"}
        account = customer.get(f"/accounts/{closing}")
        assert (account["status"], account["balance"]) == ("closed", "0.00")
        assert customer.balance() == Decimal(10) + Decimal(race.posted) / 100
    assert reconciled(server).difference is None


def test_a_customer_gets_as_many_accounts_as_one_may_have_and_not_one_more(server: LiveServer, banker: Caller) -> None:
    customer = verified(new_caller(server), banker)
    answers = at_once(12, lambda _: customer.post("/accounts", product="CHECKING-USD"))
    codes = [answer.json().get("code", "opened") for answer in answers]
    assert (codes.count("opened"), codes.count("too_many_accounts")) == (3, 9)
    assert len(customer.get("/accounts")["items"]) == 4
    assert [account["primary"] for account in customer.get("/accounts")["items"]].count(True) == 1


def test_a_past_balance_stays_what_it_was_told_to_be(server: LiveServer, banker: Caller) -> None:
    customer = new_caller(server, balance="1.00")
    answered: dict[str, str] = {}
    begun = datetime.now(UTC)

    def ask() -> None:
        at = (datetime.now(UTC) - timedelta(seconds=6.1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        answered[at] = customer.get(f"/accounts/{customer.number}/balance?at={at}")["balance"]

    def work(turn: int) -> None:
        while datetime.now(UTC) - begun < timedelta(seconds=10):
            if turn:
                customer.post("/deposit", amount="0.01")
            else:
                ask()

    at_once(5, work)
    lines: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = customer.get(f"/transactions?limit=100{cursor and f'&cursor={cursor}'}")
        lines, cursor = lines + page["items"], page["next_cursor"]
    assert len(set(answered.values())) > 2
    for at, balance in answered.items():
        naive = sum((Decimal(line["amount"]) for line in lines if line["created_at"] <= at), Decimal())
        assert Decimal(balance) == naive
        assert customer.get(f"/accounts/{customer.number}/balance?at={at}")["balance"] == balance
