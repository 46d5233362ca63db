"""Decisions whose answer got lost: made whole or not at all, and the same request with its key tells which."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo.errors import PyMongoError

from app.controllers.registration import create_staff
from app.domain.actor import Actor, Role
from app.domain.approvals import Answered, ApprovalStatus
from app.domain.errors import ApprovalDecided, BankError, Forbidden, OutcomeUnknown
from app.domain.money import Money
from app.domain.operations.base import OperationName
from app.domain.operations.cash import CounterDeposit
from app.domain.operations.policy_change import PolicyChange
from app.domain.policies import Policy, Rule
from app.models.decisions import approve, reject
from app.models.four_eyes import ask
from app.models.store import Store
from app.models.users import confirming
from config import Config
from tests.factories.ledger import an_account, deposit
from tests.factories.users import PASSWORD
from tests.fail_points import failing, named_store

SETTLED_S = 20
LOST: dict[bool, dict[str, Any]] = {
    True: {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "timed out"}},
    False: {"closeConnection": True},
}
"""How a commit's answer gets lost where the commit happened, and where it did not."""


@pytest.fixture
def named(config: Config, store: Store) -> Iterator[Store]:
    """A second store on the same database whose commands alone a fail point can catch, with a short deadline."""
    other = named_store(replace(config, posting_deadline_ms=1_500, mongo_timeout_ms=1_000))
    yield other
    other.close()


@pytest.fixture
def maker(store: Store) -> Actor:
    return actor_of(store, "adam")


@pytest.fixture
def checker(store: Store) -> Actor:
    return actor_of(store, "ada")


def actor_of(store: Store, username: str) -> Actor:
    user = create_staff(store, username, PASSWORD, Role.ADMIN)
    return Actor(user.id, user.username, user.role, "session")


def deposit_asked_for(store: Store, maker: Actor) -> tuple[str, str]:
    """Ask for a deposit of 100.00; return the account and the approval."""
    number = an_account(store)
    operation = CounterDeposit(account=number, money=Money(10_000, "USD"))
    return number, ask(store, maker, operation, idempotency_key=None).approval.id


def balance(store: Store, number: str) -> int:
    return store.accounts.get_customer_account(number).balance


def until_answered(decide: Callable[[], Answered]) -> Answered:
    """Send the same request again while the answer is "try again": the server gives lost transactions up in seconds."""
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline:
        try:
            return decide()
        except PyMongoError:
            continue
        except BankError as error:
            if error.status != 503:
                raise
    return decide()


@pytest.mark.parametrize("did_happen", [True, False])
def test_an_approval_of_unknown_outcome_is_executed_once_and_the_same_request_tells(
    named: Store, store: Store, maker: Actor, checker: Actor, did_happen: bool
) -> None:
    number, approval = deposit_asked_for(store, maker)
    with failing(named, "commitTransaction", **LOST[did_happen]), pytest.raises(OutcomeUnknown) as unknown:
        approve(named, checker, approval, comment=None, idempotency_key=None)
    key = unknown.value.idempotency_key
    assert key
    again = until_answered(lambda: approve(named, checker, approval, comment=None, idempotency_key=key))
    assert (again.approval.status, again.replayed) == (ApprovalStatus.EXECUTED, did_happen)
    assert balance(store, number) == 10_000


def test_whoever_rejects_after_an_unknown_outcome_is_told_what_happened(
    named: Store, store: Store, maker: Actor, checker: Actor
) -> None:
    third = actor_of(store, "arno")
    number, approval = deposit_asked_for(store, maker)
    with failing(named, "commitTransaction", **LOST[True]), pytest.raises(OutcomeUnknown):
        approve(named, checker, approval, comment=None, idempotency_key="d")
    with pytest.raises(ApprovalDecided):
        until_answered(lambda: reject(store, third, approval, comment="no", idempotency_key=None))
    assert balance(store, number) == 10_000


def test_whoever_rejects_after_a_commit_that_got_lost_has_rejected_it(
    named: Store, store: Store, maker: Actor, checker: Actor
) -> None:
    third = actor_of(store, "arno")
    number, approval = deposit_asked_for(store, maker)
    with failing(named, "commitTransaction", **LOST[False]), pytest.raises(OutcomeUnknown):
        approve(named, checker, approval, comment=None, idempotency_key="d")
    rejected = until_answered(lambda: reject(store, third, approval, comment="no", idempotency_key=None))
    assert rejected.approval.status is ApprovalStatus.REJECTED
    with pytest.raises(ApprovalDecided):
        approve(store, checker, approval, comment=None, idempotency_key="d")
    assert balance(store, number) == 0


@pytest.mark.parametrize("did_happen", [True, False])
def test_an_effect_of_unknown_outcome_is_told_by_the_same_request(
    named: Store, store: Store, maker: Actor, checker: Actor, did_happen: bool
) -> None:
    name = OperationName.REVERSAL
    change = PolicyChange(policy=Policy(name, Rule.NEVER), before=store.policies.get(name))
    approval = ask(store, maker, change, idempotency_key=None).approval.id
    with failing(named, "commitTransaction", **LOST[did_happen]), pytest.raises(PyMongoError):
        approve(named, checker, approval, comment=None, idempotency_key="d")
    again = until_answered(lambda: approve(named, checker, approval, comment=None, idempotency_key="d"))
    assert (again.approval.status, again.replayed) == (ApprovalStatus.EXECUTED, did_happen)
    assert store.policies.get(name).rule is Rule.NEVER


def test_a_decision_is_written_only_while_its_author_is_in_office(store: Store, checker: Actor) -> None:
    """Whatever was read before: what counts is what they are in the transaction itself."""
    number = an_account(store)
    in_office = confirming(checker.user_id, roles={Role.ADMIN}, decided="one")
    store.journal.post(deposit(number, 100), also=[in_office])
    for change in ({"disabled": True}, {"disabled": False, "role": "banker"}):
        store.database["users"].update_one({"_id": checker.user_id}, {"$set": change})
        with pytest.raises(Forbidden):
            store.journal.post(deposit(number, 100), also=[replace(in_office, update={"$set": {"last_decision": "x"}})])
    assert balance(store, number) == 100
