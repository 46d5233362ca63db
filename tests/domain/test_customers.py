"""What may become of a customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from app.domain.accounts import is_account_number
from app.domain.customers import Customer, CustomerStatus, Decision, Invitation, KycStatus, new_customer_number
from app.domain.errors import KycIncomplete, StateConflict, ValidationFailed
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


def test_only_an_active_customer_changes_their_own_facts() -> None:
    changed = in_status(ACTIVE).with_own_facts({"email": "x@example.com"}, now=LATER)
    assert (changed.email, changed.version, changed.updated_at) == ("x@example.com", 2, LATER)
    for status in (SUSPENDED, CLOSED):
        with pytest.raises(StateConflict, match=f"is {status}"):
            in_status(status).with_own_facts({"email": "x@example.com"}, now=LATER)


def test_a_new_customer_has_what_was_said_of_them_and_a_number_of_their_own() -> None:
    customer = customer_record(full_name="Carol Carter", email="carol@example.com")
    assert (customer.full_name, customer.email, customer.version) == ("Carol Carter", "carol@example.com", 1)
    assert customer.created_at == customer.updated_at == OPENED_AT
    assert len({customer.id, customer_record().id}) == len({customer.number, customer_record().number}) == 2
    assert (customer.status, customer.kyc_status, customer.kyc_rejection) == (ACTIVE, KycStatus.PENDING, None)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"full_name": "Another"}, KycStatus.PENDING),
        ({"date_of_birth": date(1991, 1, 1)}, KycStatus.PENDING),
        ({"nationality": "FR"}, KycStatus.PENDING),
        ({"email": "x@example.com"}, KycStatus.VERIFIED),
        ({"full_name": "Carol Carter"}, KycStatus.VERIFIED),
    ],
)
def test_who_is_somebody_else_by_their_facts_is_to_be_verified_anew(facts: dict[str, Any], status: KycStatus) -> None:
    verified = customer_record().with_kyc(KycStatus.VERIFIED, BECAUSE)
    changed = verified.with_facts(facts, now=LATER)
    assert (changed.kyc_status, changed.version) == (status, 3)
    assert changed.kyc_decision == (BECAUSE if status is KycStatus.VERIFIED else None)


def test_who_was_rejected_stays_so_whatever_they_change() -> None:
    rejected = customer_record().with_kyc(KycStatus.REJECTED, BECAUSE)
    changed = rejected.with_facts({"full_name": "Another"}, now=LATER)
    assert (changed.kyc_status, changed.kyc_decision) == (KycStatus.REJECTED, BECAUSE)


@pytest.mark.parametrize("missing", ["full_name", "date_of_birth"])
def test_nobody_is_verified_of_whom_the_record_does_not_say_who_they_are(missing: str) -> None:
    customer = customer_record(**{missing: None})
    with pytest.raises(KycIncomplete) as refusal:
        customer.with_kyc(KycStatus.VERIFIED, BECAUSE)
    assert list(refusal.value.errors or {}) == [missing]
    assert customer.with_kyc(KycStatus.REJECTED, BECAUSE).updated_at == LATER


def test_a_registration_uses_the_invitation_up_and_counts_as_an_opening() -> None:
    invitation = Invitation("digest", LATER)
    invited = customer_record().with_invitation(invitation, now=LATER)
    assert (invited.invitation, invited.version, invited.updated_at) == (invitation, 2, LATER)
    registered = invited.with_login(now=LATER)
    assert (registered.invitation, registered.openings, registered.version) == (None, 1, 3)
    assert invited.with_login(now=LATER + timedelta(days=1)).updated_at == LATER + timedelta(days=1)
    with pytest.raises(StateConflict):
        in_status(SUSPENDED).with_login(now=LATER)
    assert not customer_record().is_invited(OPENED_AT)
    assert not replace(invited, status=CLOSED).is_invited(OPENED_AT)


def test_somebody_may_be_a_hundred_and_thirty_years_old_and_no_older() -> None:
    oldest = date(OPENED_AT.year - 130, 1, 1)
    assert customer_record(date_of_birth=oldest).date_of_birth == oldest
    with pytest.raises(ValidationFailed) as refusal:
        customer_record(date_of_birth=oldest - timedelta(days=1))
    assert list(refusal.value.errors or {}) == ["date_of_birth"]
