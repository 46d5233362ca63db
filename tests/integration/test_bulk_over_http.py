"""Files of payments through several server processes: killed in the middle, stopped in the middle, sent by many."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.bulk import CHUNK_LINES
from app.domain.operations.base import OperationName
from app.models.connection import connect
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from config import Config
from tests.answered import answered
from tests.factories.approvals import without_second_person
from tests.factories.ledger import an_account, some_accounts
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import TIMEOUT_S, processes_of, wait_until

LINES = 10_000
PAYEES = 50
TAKEN_UP_S_MAX = 120.0
"""Workers start anew, the job is due within ten seconds, and most of the file is still to be posted."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that nothing runs on any more when the test ends."""
    yield tmp_path
    wait_until(lambda: not processes_of(tmp_path))


@contextmanager
def looking_at(server: LiveServer) -> Iterator[Store]:
    """Look at a server's database from beside it."""
    unused = "long enough, and never used for anything"
    config = Config(env="testing", secret_key=unused, password_peppers={1: unused})
    store = Store(connect(server.database_uri(), timeout_ms=2_000), config)
    try:
        yield store
    finally:
        store.close()


@dataclass
class Payroll:
    """A file that pays 0.01 in each of its lines, dealt out to some payees, and the banker who sends it."""

    source: str
    payees: list[str]
    password: str

    @classmethod
    def on(cls, server: LiveServer) -> Payroll:
        with looking_at(server) as store:
            without_second_person(store, OperationName.BULK_POSTING)
            source = an_account(store, balance=LINES)
            return cls(source, some_accounts(store, PAYEES), server.demo_password("banker"))

    @property
    def csv(self) -> str:
        return "to,amount\n" + "".join(f"{self.payees[line % PAYEES]},0.01\n" for line in range(LINES))

    def log_in(self, server: LiveServer) -> dict[str, str]:
        login = {"username": "banker", "password": self.password}
        answer = answered(lambda: httpx.post(f"{server.url}/auth/login", json=login, timeout=TIMEOUT_S))
        token = answer.json()["access_token"]
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": "may", "Content-Type": "text/csv"}

    def send(self, server: LiveServer, headers: dict[str, str]) -> dict[str, Any]:
        """Send the file and return the bulk payment as it stands then."""
        url = f"{server.url}/banker/bulk?from={self.source}"
        answer = answered(lambda: httpx.post(url, content=self.csv, headers=headers, timeout=TIMEOUT_S))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def assert_paid_once(self, server: LiveServer) -> None:
        with looking_at(server) as store:
            balances = {number: account.balance for number, account in store.accounts.find_many(self.payees).items()}
            assert balances == dict.fromkeys(self.payees, LINES // PAYEES)
            (bulk,) = store.bulks.page(limit=2, before=None)
            assert (bulk.status, bulk.posted, bulk.posted_total, bulk.refused) == ("completed", LINES, LINES, 0)
            assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def is_half_posted(store: Store) -> bool:
    """Tell whether some chunks are posted; fail where all of them are."""
    bulks = store.bulks.page(limit=1, before=None)
    assert not bulks or bulks[0].done < LINES // CHUNK_LINES, "too late"
    return bool(bulks) and bulks[0].done >= 2


def test_a_file_goes_on_after_everything_was_killed_and_nobody_is_paid_twice(folder: Path) -> None:
    with serving(folder, WORKERS=2) as first, ThreadPoolExecutor(1) as pool:
        payroll = Payroll.on(first)
        sending = pool.submit(payroll.send, first, payroll.log_in(first))
        with looking_at(first) as store:
            wait_until(lambda: is_half_posted(store))
        first.kill_everything()
        with pytest.raises(httpx.TransportError):
            sending.result()
    with serving(folder, WORKERS=2) as second:
        headers = payroll.log_in(second)
        wait_until(lambda: payroll.send(second, headers)["status"] == "completed")
        payroll.assert_paid_once(second)
        assert second.stop() == 0


def test_a_file_left_behind_by_a_killed_worker_is_taken_up_by_another(folder: Path) -> None:
    with serving(folder, WORKERS=2) as server, ThreadPoolExecutor(1) as pool:
        payroll = Payroll.on(server)
        sending = pool.submit(payroll.send, server, payroll.log_in(server))
        with looking_at(server) as store:
            wait_until(lambda: is_half_posted(store))
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                sending.result()
            long_ago = datetime.now(UTC) - timedelta(minutes=1)
            store.database["bulks"].update_many({}, {"$set": {"progressed_at": long_ago}})
            store.database["jobs"].update_many({"lease_until": {"$exists": True}}, {"$set": {"lease_until": long_ago}})
            wait_until(lambda: store.bulks.page(limit=1, before=None)[0].ended_at is not None, timeout_s=TAKEN_UP_S_MAX)
        payroll.assert_paid_once(server)
        assert server.stop() == 0


def test_a_stop_in_the_middle_of_a_file_is_prompt_and_the_file_goes_on_later(folder: Path) -> None:
    with serving(folder, WORKERS=2) as first, ThreadPoolExecutor(1) as pool:
        payroll = Payroll.on(first)
        sending = pool.submit(payroll.send, first, payroll.log_in(first))
        with looking_at(first) as store:
            wait_until(lambda: is_half_posted(store))
        assert first.stop() == 0
        assert sending.result()["status"] in ("running", "completed")  # what was accepted is answered
    with serving(folder, WORKERS=2) as second:
        headers = payroll.log_in(second)
        wait_until(lambda: payroll.send(second, headers)["status"] == "completed")
        payroll.assert_paid_once(second)
        assert second.stop() == 0


def test_one_file_sent_by_many_to_several_processes_at_once_is_paid_once(folder: Path) -> None:
    with serving(folder, WORKERS=2) as server:
        payroll = Payroll.on(server)
        headers = payroll.log_in(server)
        answers = at_once(8, lambda _: payroll.send(server, headers))
        assert len({answer["id"] for answer in answers}) == 1
        wait_until(lambda: payroll.send(server, headers)["status"] == "completed")
        payroll.assert_paid_once(server)
        assert server.stop() == 0
