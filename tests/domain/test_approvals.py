"""Approvals and policies: when a second person is asked, who may decide, and what a decision relies on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import pytest

from app.domain.actor import Role
from app.domain.approvals import (
    Approval,
    ApprovalStatus,
    Decision,
    Person,
    refuse_decider,
    refuse_departed_maker,
    refuse_undecidable,
)
from app.domain.errors import (
    ApprovalDecided,
    ApprovalExpired,
    BankError,
    Forbidden,
    IdempotencyMismatch,
    MakerIsChecker,
    OwnAccess,
    StateConflict,
    ValidationFailed,
)
from app.domain.money import Money
from app.domain.operations.base import EffectOperation, OperationName, Payload
from app.domain.policies import DEFAULT_THRESHOLD, Policy, Rule, default_policies, refuse_senseless
from app.domain.staff_roles import refuse_senseless_role
from app.domain.users import PasswordHash, User

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERT, BELLA = Person("bert-id", "bert"), Person("bella-id", "bella")
APPROVAL = Approval(
    id="a1",
    request_id="t1",
    operation=OperationName.COUNTER_DEPOSIT,
    subject="111",
    payload={"account": "111", "amount": "10.00"},
    requested_by=BERT,
    requested_at=NOW,
    expires_at=NOW + timedelta(hours=48),
    branch="HQ",
)


def a_user(identity: str = "bella-id", role: Role = Role.BANKER, **facts: Any) -> User:
    return User(
        id=identity,
        username=identity,
        canonical=identity,
        role=role,
        password=PasswordHash("x", 1),
        created_at=NOW,
        **facts,
    )


# ---- who may decide, and until when ----------------------------------------------------------------------------------


def test_another_member_of_staff_decides_and_not_who_asked() -> None:
    refuse_decider(APPROVAL, a_user())
    refuse_decider(APPROVAL, a_user("ada-id", Role.ADMIN))
    for role in Role:
        with pytest.raises(MakerIsChecker):
            refuse_decider(APPROVAL, a_user("bert-id", role))


def test_neither_a_customer_nor_who_is_disabled_decides() -> None:
    for user in (a_user(role=Role.CUSTOMER), a_user(disabled=True), a_user(role=Role.ADMIN, disabled=True)):
        with pytest.raises(Forbidden):
            refuse_decider(APPROVAL, user)


def test_nobody_decides_about_their_own_access() -> None:
    with pytest.raises(OwnAccess):
        refuse_decider(replace(APPROVAL, subject="bella-id"), a_user(role=Role.ADMIN))


def test_what_an_administrator_must_answer_for_no_banker_decides() -> None:
    about_roles = replace(APPROVAL, operation=OperationName.STAFF_ROLE_CHANGE, subject="u1")
    assert about_roles.deciding_roles == {Role.ADMIN}
    assert APPROVAL.deciding_roles == {Role.ADMIN, Role.BANKER}
    refuse_decider(about_roles, a_user(role=Role.ADMIN))
    with pytest.raises(Forbidden):
        refuse_decider(about_roles, a_user())


def test_what_somebody_asked_for_who_may_ask_no_longer_is_not_approved() -> None:
    refuse_departed_maker(APPROVAL, a_user("bert-id"))
    for maker in (a_user("bert-id", disabled=True), a_user("bert-id", Role.CUSTOMER)):
        with pytest.raises(StateConflict):
            refuse_departed_maker(APPROVAL, maker)
    with pytest.raises(StateConflict):
        refuse_departed_maker(replace(APPROVAL, operation=OperationName.POLICY_CHANGE), a_user("bert-id"))


def test_what_nobody_decided_in_time_has_expired() -> None:
    just_before = APPROVAL.expires_at - timedelta(milliseconds=1)
    assert APPROVAL.at(just_before) is ApprovalStatus.PENDING
    refuse_undecidable(APPROVAL, just_before)
    assert APPROVAL.at(APPROVAL.expires_at) is ApprovalStatus.EXPIRED
    with pytest.raises(ApprovalExpired):
        refuse_undecidable(APPROVAL, APPROVAL.expires_at)


@pytest.mark.parametrize("end", sorted(set(ApprovalStatus) - {ApprovalStatus.PENDING}))
def test_what_has_ended_keeps_its_end_and_is_not_decided_again(end: ApprovalStatus) -> None:
    ended = replace(APPROVAL, status=end)
    for now in (NOW, APPROVAL.expires_at):
        assert ended.at(now) is end
        told = ApprovalExpired.title if end is ApprovalStatus.EXPIRED else f"ended: {end}"
        with pytest.raises(ApprovalExpired if end is ApprovalStatus.EXPIRED else ApprovalDecided, match=told):
            refuse_undecidable(ended, now)


# ---- what a decision is, and what it relies on -----------------------------------------------------------------------

DECISION = Decision(by=BELLA, at=NOW, approves=True, comment="seen", key="k")


def test_a_decision_sent_again_is_known_by_who_decided_and_the_key() -> None:
    assert replace(DECISION, at=NOW + timedelta(hours=1)).repeats(DECISION)
    assert not DECISION.repeats(None)
    assert not DECISION.repeats(replace(DECISION, by=BERT))
    assert not DECISION.repeats(replace(DECISION, key="other"))


def test_another_decision_under_the_same_key_is_refused() -> None:
    for other in (replace(DECISION, approves=False), replace(DECISION, comment=None)):
        with pytest.raises(IdempotencyMismatch):
            other.repeats(DECISION)


def test_the_digest_of_what_a_decision_relies_on_is_the_same_in_every_release() -> None:
    relied_upon = (
        '["a1", "t1", "counter_deposit", "111", {"account": "111", "amount": "10.00"}, ["bert-id", "bert"],'
        ' "2026-11-20T12:00:00+00:00", "2026-11-22T12:00:00+00:00", "HQ"]'
    )
    assert APPROVAL.digest == hashlib.sha256(relied_upon.encode()).hexdigest()
    stored = replace(APPROVAL, payload=json.loads('{"amount": "10.00", "account": "111"}'))
    assert stored.digest == APPROVAL.digest


def test_whatever_a_decision_relies_on_changes_the_digest() -> None:
    later = NOW + timedelta(seconds=1)
    changes: list[dict[str, Any]] = [
        {"id": "a2"}, {"request_id": "t2"}, {"operation": OperationName.COUNTER_WITHDRAWAL}, {"subject": "222"},
        {"payload": {"account": "111", "amount": "100.00"}}, {"requested_by": BELLA}, {"requested_at": later},
        {"expires_at": later}, {"branch": None},
    ]  # fmt: skip
    assert len({replace(APPROVAL, **change).digest for change in [{}, *changes]}) == 10
    progress: dict[str, Any] = {"status": ApprovalStatus.EXECUTED, "decision": DECISION, "transaction_id": "t3"}
    assert replace(APPROVAL, **progress, failure="x").digest == APPROVAL.digest


# ---- policies --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked(EffectOperation):
    """Something that staff ask for, of which only this much matters here."""

    NAME: ClassVar[OperationName] = OperationName.COUNTER_DEPOSIT
    of: Money | None
    must: bool = False
    must_not: bool = False

    @property
    def subject(self) -> str:
        return "111"

    @property
    def amount(self) -> Money | None:
        return self.of

    @property
    def always_asks(self) -> bool:
        return self.must

    @property
    def never_asks(self) -> bool:
        return self.must_not

    def payload(self) -> Payload:
        return {}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(None)


def dollars(amount_minor: int) -> Money:
    return Money(amount_minor, "USD")


NAME = OperationName.COUNTER_DEPOSIT
FROM_TEN_DOLLARS = Policy(NAME, Rule.AT_OR_ABOVE, (dollars(1_000), Money(5_000, "JPY")))


@pytest.mark.parametrize(
    ("policy", "operation", "asks"),
    [
        (FROM_TEN_DOLLARS, _Asked(dollars(999)), False),
        (FROM_TEN_DOLLARS, _Asked(dollars(1_000)), True),
        (FROM_TEN_DOLLARS, _Asked(Money(4_999, "JPY")), False),
        (FROM_TEN_DOLLARS, _Asked(Money(5_000, "JPY")), True),
        (FROM_TEN_DOLLARS, _Asked(Money(1, "EUR")), True),
        (FROM_TEN_DOLLARS, _Asked(None), True),
        (FROM_TEN_DOLLARS, _Asked(dollars(9_999), must_not=True), False),
        (FROM_TEN_DOLLARS, _Asked(dollars(1), must=True), True),
        (Policy(NAME, Rule.NEVER), _Asked(dollars(10**9)), False),
        (Policy(NAME, Rule.NEVER), _Asked(None), False),
        (Policy(NAME, Rule.NEVER), _Asked(dollars(1), must=True), True),
        (Policy(NAME, Rule.ALWAYS), _Asked(dollars(1)), True),
        (Policy(NAME, Rule.ALWAYS), _Asked(None), True),
        (Policy(NAME, Rule.ALWAYS), _Asked(dollars(1), must_not=True), False),
        (Policy(NAME, Rule.NEVER), _Asked(dollars(1), must=True, must_not=True), True),
    ],
)
def test_a_policy_asks_for_a_second_person_by_its_rule_and_the_amount(
    policy: Policy, operation: _Asked, asks: bool
) -> None:
    assert policy.asks(operation) is asks


def test_a_new_bank_asks_from_its_threshold_on_and_always_where_there_is_no_amount() -> None:
    policies = default_policies("JPY")
    assert list(policies) == [name for name in OperationName if name is not OperationName.POLICY_CHANGE]
    assert all(policy.operation is name for name, policy in policies.items())
    assert {name for name, policy in policies.items() if policy.rule is Rule.AT_OR_ABOVE} == {
        OperationName.COUNTER_DEPOSIT, OperationName.COUNTER_WITHDRAWAL, OperationName.BANKER_TRANSFER,
        OperationName.ACCOUNT_OPENING, OperationName.BULK_POSTING, OperationName.HOLD_CAPTURE,
    }  # fmt: skip
    for policy in policies.values():
        assert policy.thresholds == ((Money(int(DEFAULT_THRESHOLD), "JPY"),) if policy.rule is Rule.AT_OR_ABOVE else ())
        assert policy.rule in (Rule.AT_OR_ABOVE, Rule.ALWAYS)
        refuse_senseless(policy)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(NAME, Rule.ALWAYS),
        Policy(NAME, Rule.NEVER),
        FROM_TEN_DOLLARS,
        *(
            Policy(name, Rule.AT_OR_ABOVE, (dollars(1),))
            for name in (OperationName.REVERSAL, OperationName.ADJUSTMENT, OperationName.OVERDRAFT_CHANGE)
        ),
    ],
)
def test_a_policy_that_says_what_it_seems_to_say_is_taken(policy: Policy) -> None:
    refuse_senseless(policy)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(NAME, Rule.ALWAYS, (dollars(1),)),
        Policy(NAME, Rule.NEVER, (dollars(1),)),
        Policy(NAME, Rule.AT_OR_ABOVE),
        Policy(NAME, Rule.AT_OR_ABOVE, (dollars(1), Money(1, "JPY"), dollars(2))),
        *(
            Policy(name, Rule.AT_OR_ABOVE, (dollars(1),))
            for name in (
                OperationName.LIMITS_CHANGE, OperationName.HOLDERS_CHANGE, OperationName.FX_RATE_CHANGE,
                OperationName.STAFF_ROLE_CHANGE,
            )
        ),
    ],
)  # fmt: skip
def test_a_policy_that_says_nothing_sensible_is_refused(policy: Policy) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        refuse_senseless(policy)
    ((field, (told,)),) = (refusal.value.errors or {}).items()
    assert field == "thresholds"
    assert told


# ---- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "refusal"),
    [
        (Role.BANKER, Role.ADMIN, None),
        (Role.ADMIN, Role.BANKER, None),
        (Role.CUSTOMER, Role.BANKER, StateConflict),
        (Role.ADMIN, Role.CUSTOMER, StateConflict),
    ],
)
def test_staff_and_customers_never_become_each_other(
    before: Role, after: Role, refusal: type[BankError] | None
) -> None:
    if refusal is None:
        refuse_senseless_role(a_user(role=before), after)
        return
    with pytest.raises(refusal):
        refuse_senseless_role(a_user(role=before), after)


def test_customers_alone_are_no_staff() -> None:
    assert [a_user(role=role).is_staff for role in (Role.CUSTOMER, Role.BANKER, Role.ADMIN)] == [False, True, True]
