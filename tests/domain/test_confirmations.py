"""When a payment needs a confirmation, and what a confirmation is bound to."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from app.domain.confirmations import TRIES_MAX, Confirmation, Need, Payment, exceeds, need_of_payment, transfer_digest
from app.domain.money import Money

LIMIT = Money(100_000, "USD")


@pytest.mark.parametrize(
    ("amount", "trusted", "enrolled", "always", "need"),
    [
        (100_000, True, True, False, Need.NOTHING),
        (100_001, True, True, False, Need.CONFIRMATION),
        (100_001, True, False, False, Need.AUTHENTICATOR),
        (1, False, True, False, Need.CONFIRMATION),
        (1, False, False, False, Need.NOTHING),
        (1, False, False, True, Need.AUTHENTICATOR),
        (1, True, False, True, Need.NOTHING),
    ],
)
def test_a_payment_needs_what_its_amount_and_its_payee_ask_for(
    amount: int, trusted: bool, enrolled: bool, always: bool, need: Need
) -> None:
    found = need_of_payment(
        Money(amount, "USD"), limit=LIMIT, is_trusted=trusted, is_enrolled=enrolled, is_always_needed=always
    )
    assert found is need


@pytest.mark.security("S39")
@pytest.mark.parametrize(
    ("amount", "above"),
    [
        (Money(100_000, "USD"), False),
        (Money(100_001, "EUR"), True),
        (Money(1_000, "JPY"), False),
        (Money(1_001, "JPY"), True),
        (Money(1_000_000, "KWD"), False),
        (Money(1_000_001, "KWD"), True),
    ],
)
def test_a_limit_is_the_same_number_in_every_currency(amount: Money, above: bool) -> None:
    assert exceeds(amount, LIMIT) is above


def test_a_digest_changes_with_every_part_of_a_transfer() -> None:
    digests = {
        transfer_digest("1", "2", Money(100, "USD")),
        transfer_digest("2", "1", Money(100, "USD")),
        transfer_digest("1", "3", Money(100, "USD")),
        transfer_digest("3", "2", Money(100, "USD")),
        transfer_digest("1", "2", Money(101, "USD")),
        transfer_digest("1", "2", Money(100, "EUR")),
        transfer_digest("12", "", Money(100, "USD")),
    }
    assert len(digests) == 7


PAYMENT = Payment(source="1", payee="2", payee_name="B*** B***", amount=Money(100, "USD"))


def test_a_payment_is_digested_as_the_transfer_that_it_will_be_alike_in_every_release() -> None:
    digest = hashlib.sha256(b'["transfer", "1", "2", 100, "USD"]').hexdigest()
    assert PAYMENT.digest == transfer_digest("1", "2", Money(100, "USD")) == digest


def test_a_confirmation_takes_five_tries() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    made = Confirmation(id="f1", user_id="u1", payment=PAYMENT, tries=2, created_at=now, expires_at=now)
    assert TRIES_MAX == 5
    assert made.tries_left == 3
