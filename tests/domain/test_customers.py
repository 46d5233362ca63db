"""What may become of a customer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.domain.accounts import is_account_number
from app.domain.customers import Customer, CustomerStatus, Decision, Invitation, KycStatus, new_customer_number
from app.domain.errors import StateConflict, ValidationFailed
from app.domain.invitations import invitation_digest
from app.domain.typed_codes import new_typed_code
from tests.factories.customers import customer_record
from tests.factories.ledger import OPENED_AT

LATER = OPENED_AT + timedelta(days=1)
BECAUSE = Decision("As agreed.", "bella", LATER)
ACTIVE, SUSPENDED, CLOSED = CustomerStatus


def in_status(status: CustomerStatus) -> Customer:
    return customer_record() if status is ACTIVE else customer_record().with_status(status, BECAUSE)


def test_customer_numbers_can_not_be_guessed_and_show_a_typo() -> None:
    numbers = {new_customer_number() for _ in range(200)}
    assert len(numbers) == 200
    assert all(number[0] == "C" and len(number) == 13 and is_account_number(number[1:]) for number in numbers)


@pytest.mark.parametrize(
    ("before", "after"), [(ACTIVE, SUSPENDED), (SUSPENDED, ACTIVE), (ACTIVE, CLOSED), (SUSPENDED, CLOSED)]
)
def test_a_step_that_makes_sense_is_kept_with_who_when_and_why(before: CustomerStatus, after: CustomerStatus) -> None:
    customer = in_status(before)
    changed = customer.with_status(after, BECAUSE)
    assert (changed.status, changed.status_decision, changed.updated_at) == (after, BECAUSE, LATER)
    assert changed.version == customer.version + 1


@pytest.mark.parametrize(
    ("before", "after"),
    [(ACTIVE, ACTIVE), (SUSPENDED, SUSPENDED), (CLOSED, CLOSED), (CLOSED, ACTIVE), (CLOSED, SUSPENDED)],
)
def test_any_other_step_is_refused(before: CustomerStatus, after: CustomerStatus) -> None:
    with pytest.raises(StateConflict, match=f"is {before}"):
        in_status(before).with_status(after, BECAUSE)


def test_kyc_is_verified_rejected_and_verified_again_but_never_the_same_twice() -> None:
    rejected = customer_record().with_kyc(KycStatus.REJECTED, BECAUSE)
    assert rejected.kyc_rejection == "As agreed."
    verified = rejected.with_kyc(KycStatus.VERIFIED, BECAUSE)
    assert (verified.kyc_status, verified.kyc_rejection) == (KycStatus.VERIFIED, None)
    with pytest.raises(StateConflict):
        verified.with_kyc(KycStatus.VERIFIED, BECAUSE)


def test_nothing_about_a_closed_customer_changes() -> None:
    closed = in_status(CLOSED)
    with pytest.raises(StateConflict):
        closed.with_facts({"email": "x@example.com"}, now=LATER)
    with pytest.raises(StateConflict):
        closed.with_kyc(KycStatus.VERIFIED, BECAUSE)


def test_an_invitation_ends_with_its_time_and_with_a_suspension() -> None:
    invited = customer_record().with_invitation(Invitation("digest", LATER), now=OPENED_AT)
    assert invited.is_invited(LATER - timedelta(milliseconds=1))
    assert not invited.is_invited(LATER)
    assert not invited.with_login(now=OPENED_AT).is_invited(OPENED_AT)
    suspended = invited.with_status(SUSPENDED, BECAUSE)
    assert suspended.invitation is None
    with pytest.raises(StateConflict):
        suspended.with_invitation(Invitation("digest", LATER), now=OPENED_AT)


def test_a_code_is_the_same_however_it_is_typed_and_every_code_is_another() -> None:
    code = new_typed_code()
    assert len({new_typed_code() for _ in range(100)}) == 100
    assert {
        invitation_digest(text) for text in (code, code.lower(), code.replace("-", ""), code.replace("-", " "))
    } == {invitation_digest(code.replace("0", "o").replace("1", "l"))}


@pytest.mark.parametrize("day", [OPENED_AT.date() + timedelta(days=1), date(1850, 1, 1), date(9999, 12, 31)])
def test_nobody_is_born_tomorrow_or_in_another_age(day: date) -> None:
    with pytest.raises(ValidationFailed):
        customer_record(date_of_birth=day)
    with pytest.raises(ValidationFailed):
        customer_record().with_facts({"date_of_birth": day}, now=OPENED_AT)
    assert customer_record(date_of_birth=OPENED_AT.date()).date_of_birth == OPENED_AT.date()
