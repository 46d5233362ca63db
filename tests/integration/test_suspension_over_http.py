"""A suspension against withdrawals over HTTP, through several server processes at once, on a real database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import pytest

from tests.callers import Caller, log_in, new_caller, reconciled
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until

ROUNDS = 5
WITHDRAWERS = 12


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Two server processes on a database of their own, with a banker to log in as."""
    folder = tmp_path_factory.mktemp("suspension")
    with serving(folder, FLASK_ENV="testing", WORKERS=2, DEMO_DATA="true") as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))


def customer_id_of(customer: Caller, banker: Caller) -> str:
    (holder,) = banker.get(f"/banker/accounts/{customer.number}")["holders"]
    return str(holder["id"])


@dataclass
class Race:
    """Many withdrawals of one customer while a banker suspends them; `answers` tell each with whether it was late."""

    customer: Caller
    suspended: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[bool, str]] = field(default_factory=list)

    def withdraw_until_suspended(self) -> None:
        """Withdraw again and again, and once more when the suspension has been answered."""
        is_late = False
        while not is_late:
            is_late = self.suspended.is_set()
            answer = self.customer.post("/withdraw", amount="0.01")
            self.answers.append((is_late, str(answer.json().get("code", "posted"))))

    def suspend(self, banker: Caller, customer_id: str) -> None:
        """Suspend the customer in the middle of the withdrawals."""
        try:
            wait_until(lambda: len(self.answers) >= 2 * WITHDRAWERS)
            answer = banker.post(f"/banker/customers/{customer_id}/suspend", reason="Card stolen.")
        finally:
            self.suspended.set()
        assert (answer.status_code, answer.json()["status"]) == (200, "suspended"), answer.text


def test_no_withdrawal_succeeds_that_was_sent_after_the_suspension_was_answered(server: LiveServer) -> None:
    banker = log_in(server, "banker", server.demo_password("banker"))
    for _ in range(ROUNDS):
        customer = new_caller(server, balance="1000.00")
        customer_id = customer_id_of(customer, banker)
        race = Race(customer)
        works = [race.withdraw_until_suspended] * WITHDRAWERS + [partial(race.suspend, banker, customer_id)]
        at_once(len(works), lambda number, works=works: works[number]())
        assert {code for is_late, code in race.answers if is_late} == {"account_blocked"}
        assert {code for _, code in race.answers} == {"account_blocked", "posted"}
        posted = sum(code == "posted" for _, code in race.answers)
        assert customer.balance() == Decimal(1000) - Decimal(posted) / 100
        banker.post(f"/banker/customers/{customer_id}/reactivate", reason="Found again.")
        assert customer.post("/withdraw", amount="0.01").status_code == 201
    assert reconciled(server).difference is None
