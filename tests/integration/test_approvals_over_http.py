"""Decisions against each other over HTTP, through several server processes at once, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.callers import Caller, log_in, new_caller, reconciled
from tests.factories.users import PASSWORD
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until

CHECKERS = 5
MANY = 50


@dataclass(frozen=True)
class Staff:
    """Somebody who asks, and several who decide."""

    maker: Caller
    checkers: list[Caller]

    def ask(self, number: str, amount: str = "10000", verb: str = "deposit") -> str:
        asked = self.maker.post(f"/banker/accounts/{number}/{verb}", amount=amount)
        assert asked.status_code == 202, asked.text
        return str(asked.json()["id"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Two server processes on a database of their own, with staff to log in as."""
    folder = tmp_path_factory.mktemp("approvals")
    with serving(folder, FLASK_ENV="testing", WORKERS=2, DEMO_DATA="true") as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))


@pytest.fixture(scope="module")
def staff(server: LiveServer) -> Staff:
    admin = log_in(server, "admin", server.demo_password("admin"))
    names = [f"checker{number}" for number in range(CHECKERS - 1)]
    for name in names:
        assert admin.post("/admin/users", username=name, password=PASSWORD, role="banker").status_code == 201
    maker = log_in(server, "banker", server.demo_password("banker"))
    return Staff(maker, [admin, *(log_in(server, name, PASSWORD) for name in names)])


@pytest.mark.security("S09")
def test_fifty_parallel_approvals_by_several_people_execute_once(server: LiveServer, staff: Staff) -> None:
    alice = new_caller(server)
    approval = staff.ask(alice.number)
    path = f"/banker/approvals/{approval}/approve"
    answers = at_once(MANY, lambda number: staff.checkers[number % CHECKERS].post(path))
    codes = [answer.json().get("code", answer.json()["status"]) for answer in answers]
    assert (codes.count("executed"), codes.count("approval_decided")) == (1, MANY - 1)
    assert alice.balance() == 10_000
    assert reconciled(server).difference is None


@pytest.mark.security("S09")
def test_approvals_and_rejections_at_once_end_each_request_once(server: LiveServer, staff: Staff) -> None:
    alice = new_caller(server)
    executed = 0
    for _ in range(8):
        approval = staff.ask(alice.number)

        def decide(number: int, approval: str = approval) -> int:
            checker, verdict = staff.checkers[number % CHECKERS], ("approve", "reject")[number % 2]
            return checker.post(f"/banker/approvals/{approval}/{verdict}", comment="seen").status_code

        statuses = at_once(10, decide)
        assert (statuses.count(200), statuses.count(409)) == (1, 9)
        executed += staff.maker.get(f"/banker/approvals/{approval}")["status"] == "executed"
    assert alice.balance() == Decimal(10_000) * executed
    assert reconciled(server).difference is None


def test_many_requests_to_reverse_one_transaction_reverse_it_once(server: LiveServer, staff: Staff) -> None:
    alice = new_caller(server)
    paid = staff.maker.post(f"/banker/accounts/{alice.number}/deposit", amount="50").json()["transaction_id"]
    staff.maker.post(f"/banker/accounts/{alice.number}/deposit", amount="500")
    askers = [staff.maker, *staff.checkers]

    def reverse(number: int) -> str:
        asker, checker = askers[number % len(askers)], askers[(number + 1) % len(askers)]
        asked = asker.post(f"/banker/transactions/{paid}/reversal", reason="Twice")
        if asked.status_code == 409:  # another one was executed before this one was asked for
            return str(asked.json()["code"])
        decided = checker.post(f"/banker/approvals/{asked.json()['id']}/approve")
        return str(decided.json()["failure"])

    failures = at_once(18, reverse)
    assert (failures.count("None"), failures.count("already_reversed")) == (1, 17)
    assert alice.balance() == 500
    assert reconciled(server).difference is None


def test_withdrawals_approved_at_once_take_no_more_than_is_there(server: LiveServer, staff: Staff) -> None:
    alice = new_caller(server, balance="30000")
    approvals = [staff.ask(alice.number, verb="withdraw") for _ in range(8)]
    answers = at_once(8, lambda n: staff.checkers[n % CHECKERS].post(f"/banker/approvals/{approvals[n]}/approve"))
    ends = [answer.json()["failure"] or answer.json()["status"] for answer in answers]
    assert (ends.count("executed"), ends.count("insufficient_funds")) == (3, 5)
    assert alice.balance() == 0
    assert reconciled(server).difference is None
