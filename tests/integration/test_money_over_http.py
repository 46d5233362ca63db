"""Money over HTTP, through several server processes at once, on a real database: races, retries and kills."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

import httpx
import pytest

from app.domain.ids import random_id
from app.models.connection import connect
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation, Report
from tests.answered import answered
from tests.callers import register
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until

HTTP = httpx.Client(timeout=30, limits=httpx.Limits(max_connections=None, max_keepalive_connections=100))
"""One client for all threads: to make one costs more than a request. Its sockets end with the test run."""
PASSWORD = "violet harbour 27 lanterns"
TIMEOUT_S = 30
ANSWER_S_MAX = 6.0
ALL_SETTLED_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Two server processes on a database of their own."""
    folder = tmp_path_factory.mktemp("money")
    with serving(folder, FLASK_ENV="testing", WORKERS=2) as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))


@dataclass
class Customer:
    """A customer over HTTP: every call is made with their token, retried while the answer is "try again"."""

    url: str
    username: str
    token: str = ""
    account: str = ""

    @classmethod
    def register(cls, url: str) -> Customer:
        registered = answered(lambda: register(url))
        assert registered.status_code == 201, registered.text
        login = {"username": registered.json()["user"]["username"], "password": PASSWORD}
        token = answered(lambda: HTTP.post(f"{url}/auth/login", json=login)).json()["access_token"]
        return cls(url, login["username"], token, registered.json()["account"]["number"])

    def get(self, path: str, **options: object) -> httpx.Response:
        return HTTP.get(f"{self.url}{path}", headers=self._headers(), timeout=TIMEOUT_S, **options)  # type: ignore[arg-type]

    def move(self, verb: str, amount: str, key: str | None = None) -> httpx.Response:
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return HTTP.post(f"{self.url}/{verb}", json={"amount": amount}, headers=headers)

    def move_until_answered(self, verb: str, amount: str, key: str) -> httpx.Response:
        """Repeat the same request with the same key until it is neither lost nor told to try again."""
        deadline = time.monotonic() + ALL_SETTLED_S
        while True:
            assert time.monotonic() < deadline
            try:
                answer = self.move(verb, amount, key)
            except httpx.TransportError:
                continue
            if answer.status_code != 503:
                return answer

    def balance(self) -> Decimal:
        return Decimal(answered(lambda: self.get("/balance")).json()["balance"])

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def reconciled(server: LiveServer) -> Report:
    client = connect(server.database_uri(), timeout_ms=2_000)
    try:
        return Reconciliation(LedgerReader(client, client["bank"])).run()
    finally:
        client.close()


def test_fifty_parallel_withdrawals_of_a_tenth_succeed_exactly_ten_times(server: LiveServer) -> None:
    alice = Customer.register(server.url)
    alice.move("deposit", "100.00")
    answers = at_once(50, lambda number: alice.move_until_answered("withdraw", "10.00", f"w-{number}"))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(409)) == (10, 40)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"insufficient_funds"}
    assert alice.balance() == 0


def test_fifty_parallel_calls_with_one_key_have_one_effect_and_one_answer(server: LiveServer) -> None:
    alice = Customer.register(server.url)
    answers = at_once(50, lambda _: alice.move_until_answered("deposit", "10.00", "one"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count(None) == 1
    assert alice.balance() == 10


def test_one_key_for_two_requests_is_refused_and_moves_nothing(server: LiveServer) -> None:
    alice = Customer.register(server.url)
    assert alice.move("deposit", "10.00", "k").status_code == 201
    for verb, amount in (("deposit", "10.01"), ("withdraw", "10.00")):
        refused = alice.move(verb, amount, "k")
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")
    assert alice.move("deposit", "10.0", "k").status_code == 201
    assert alice.balance() == 10


def test_two_hundred_parallel_registrations_of_one_name_make_one_customer(server: LiveServer) -> None:
    name = f"n{random_id()[:12]}"
    login = {"username": name, "password": PASSWORD}
    with ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(HTTP.post, f"{server.url}/auth/register", json=login) for _ in range(200)]
        answers = [call.result() for call in calls]
    made = [answer.json() for answer in answers if answer.status_code == 201]
    refused = {(answer.status_code, answer.json()["code"]) for answer in answers if answer.status_code != 201}
    assert len(made) == 1
    assert refused <= {(409, "username_taken"), (503, "server_busy")}
    client = connect(server.database_uri(), timeout_ms=2_000)
    assert client["bank"]["users"].count_documents({"username": name}) == 1
    client.close()


@dataclass
class Book:
    """What was acknowledged, by many threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_account: dict[str, Decimal] = field(default_factory=dict)

    def note(self, customer: Customer, verb: str, answer: httpx.Response) -> None:
        if answer.status_code == 201:
            amount = Decimal(answer.json()["amount"]) * (1 if verb == "deposit" else -1)
            with self.lock:
                self.by_account[customer.account] = self.by_account.get(customer.account, Decimal(0)) + amount


def test_two_thousand_mixed_operations_add_up_to_what_was_acknowledged(server: LiveServer) -> None:
    customers = [Customer.register(server.url) for _ in range(20)]
    book = Book()

    def work(number: int) -> None:
        chance = random.Random(number)
        for step in range(63):
            customer = chance.choice(customers)
            what = chance.choice(["deposit", "deposit", "withdraw", "balance", "history"])
            if what == "balance":
                assert customer.balance() >= 0
            elif what == "history":
                page = answered(partial(customer.get, "/transactions", params={"limit": 100})).json()["items"]
                assert [line["seq"] for line in page] == sorted((line["seq"] for line in page), reverse=True)
            else:
                amount = f"{chance.randint(1, 5000) / 100:.2f}"
                answer = customer.move_until_answered(what, amount, f"{number}-{step}")
                assert answer.status_code in (201, 409), answer.text
                book.note(customer, what, answer)

    at_once(32, work)
    for customer in customers:
        assert customer.balance() == book.by_account.get(customer.account, 0)
    assert reconciled(server).difference is None


def slowest_refusal_s(server: LiveServer, alice: Customer, mongod: int) -> float:
    """Freeze a database that is in use, ask for everything at once, and let it go on: all was refused as it should."""
    calls = {
        "balance": lambda: alice.get("/balance"),
        "accounts": lambda: alice.get("/accounts"),
        "history": lambda: alice.get("/transactions"),
        "deposit": lambda: alice.move("deposit", "1.00", "gone"),
        "withdraw": lambda: alice.move("withdraw", "1.00"),
        "me": lambda: alice.get("/auth/me"),
        "login": lambda: HTTP.post(
            f"{server.url}/auth/login", json={"username": alice.username, "password": PASSWORD}, timeout=TIMEOUT_S
        ),
        "register": lambda: HTTP.post(
            f"{server.url}/auth/register", json={"username": "latecomer", "password": PASSWORD}, timeout=TIMEOUT_S
        ),
        "ready": lambda: HTTP.get(f"{server.url}/health/ready"),
    }
    alice.balance()
    os.kill(mongod, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(len(calls)) as pool:
            asked = {name: pool.submit(call) for name, call in calls.items()}
            live = HTTP.get(f"{server.url}/health/live")
            refused = {name: each.result() for name, each in asked.items()}
    finally:
        os.kill(mongod, signal.SIGCONT)
    wait_until(server.answers)
    assert live.status_code == 200
    told = {name: (each.status_code, each.headers["Content-Type"]) for name, each in refused.items()}
    assert told == dict.fromkeys(calls, (503, "application/problem+json"))
    return max(answer.elapsed.total_seconds() for answer in (live, *refused.values()))


def test_with_the_database_gone_every_request_is_refused_in_time_and_it_heals(server: LiveServer) -> None:
    alice = Customer.register(server.url)
    (mongod,) = (pid for pid, line in processes_of(server.data_dir).items() if "app.models.keeper" not in line)
    # what the machine stands still for, on top of the bank's own five seconds, is no fault of the bank's
    assert any(slowest_refusal_s(server, alice, mongod) < ANSWER_S_MAX for _ in range(3))
    assert alice.move_until_answered("deposit", "1.00", "gone").status_code == 201
    assert alice.balance() == 1


@dataclass
class Load:
    """Deposits of 1.00 by many threads: what was acknowledged (with the line's id), and what was not."""

    customers: list[Customer]
    acknowledged: dict[tuple[str, str], str] = field(default_factory=dict)
    unanswered: list[tuple[Customer, str]] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, number: int) -> None:
        """Deposit until the server is gone."""
        for step in range(1_000):
            customer, key = self.customers[(number + step) % len(self.customers)], f"{number}-{step}"
            try:
                self.note(customer, key, customer.move("deposit", "1.00", key))
            except httpx.TransportError:
                with self.lock:
                    self.unanswered.append((customer, key))
                return

    def note(self, customer: Customer, key: str, answer: httpx.Response) -> None:
        with self.lock:
            if answer.status_code == 201:
                self.acknowledged[customer.account, key] = answer.json()["id"]
            else:
                self.unanswered.append((customer, key))
            if len(self.acknowledged) >= 200:
                self.enough.set()


def test_a_server_killed_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """All processes are killed, database included; then every unanswered request is sent again with its key."""
    with serving(tmp_path, FLASK_ENV="testing", WORKERS=2) as first:
        load = Load([Customer.register(first.url) for _ in range(8)])
        with ThreadPoolExecutor(16) as pool:
            runs = [pool.submit(load.run, number) for number in range(16)]
            assert load.enough.wait(TIMEOUT_S)
            first.kill_everything()
        for run in runs:
            run.result()
    assert load.unanswered
    with serving(tmp_path, FLASK_ENV="testing", WORKERS=2) as second:
        for customer in load.customers:
            customer.url = second.url
        for customer, key in load.unanswered:
            load.note(customer, key, customer.move_until_answered("deposit", "1.00", key))
        for customer in load.customers:
            mine = {key: line for (account, key), line in load.acknowledged.items() if account == customer.account}
            assert customer.balance() == len(mine)
            for key in random.Random(1).sample(sorted(mine), 10):
                found = customer.get("/transactions", params={"idempotency_key": key}).json()["items"]
                assert [line["id"] for line in found] == [mine[key]]
        assert reconciled(second).difference is None
        assert second.stop() == 0
    wait_until(lambda: not processes_of(tmp_path))
