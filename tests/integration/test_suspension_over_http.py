"""A suspension against withdrawals over HTTP, through several server processes at once, on a real database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from app.domain.ids import random_id
from app.models.connection import connect
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until

HTTP = httpx.Client(timeout=30, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))
"""No connection is used twice, so that the calls of one caller go to all the processes."""
PASSWORD = "violet harbour 27 lanterns"
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


@dataclass
class Caller:
    """Somebody who is logged in."""

    url: str
    token: str

    @classmethod
    def log_in(cls, url: str, username: str, password: str) -> Caller:
        answer = HTTP.post(f"{url}/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return cls(url, answer.json()["access_token"])

    def get(self, path: str) -> dict[str, object]:
        answer = HTTP.get(f"{self.url}{path}", headers=self._headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    def post(self, path: str, **body: object) -> httpx.Response:
        """Send a request, and again with the same key as long as the answer is to try again."""
        headers = self._headers | {"Idempotency-Key": random_id()}
        while True:
            answer = HTTP.post(f"{self.url}{path}", json=body, headers=headers)
            if answer.status_code != 503:
                return answer

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def a_customer(server: LiveServer, banker: Caller) -> tuple[Caller, str]:
    """Register somebody who pays in 1,000.00; return them and their customer id."""
    name = f"c{random_id()[:12]}"
    registered = HTTP.post(f"{server.url}/auth/register", json={"username": name, "password": PASSWORD})
    number = registered.json()["account"]["number"]
    customer = Caller.log_in(server.url, name, PASSWORD)
    assert customer.post("/deposit", amount="1000.00").status_code == 201
    (holder,) = banker.get(f"/banker/accounts/{number}")["holders"]  # type: ignore[misc]  # a list
    return customer, holder["id"]


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
    banker = Caller.log_in(server.url, "banker", server.demo_password("banker"))
    for _ in range(ROUNDS):
        customer, customer_id = a_customer(server, banker)
        race = Race(customer)
        works = [race.withdraw_until_suspended] * WITHDRAWERS + [partial(race.suspend, banker, customer_id)]
        at_once(len(works), lambda number, works=works: works[number]())
        assert {code for is_late, code in race.answers if is_late} == {"account_blocked"}
        assert {code for _, code in race.answers} == {"account_blocked", "posted"}
        posted = sum(code == "posted" for _, code in race.answers)
        assert customer.get("/balance")["balance"] == f"{1000 - posted / 100:.2f}"
        banker.post(f"/banker/customers/{customer_id}/reactivate", reason="Found again.")
        assert customer.post("/withdraw", amount="0.01").status_code == 201
    with closing(connect(server.database_uri(), timeout_ms=2_000)) as database:
        assert Reconciliation(LedgerReader(database, database["bank"])).run().difference is None
