"""Confirmations: a customer's word, by a one-time code, that exactly this is meant. After PSD2's dynamic linking.

A confirmation shows what it is for, is good for that alone, once, and for a few minutes (RTS on SCA, articles 4 and 5).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.money import Money

LIFETIME = timedelta(minutes=5)
TRIES_MAX = 5


class ConfirmationStatus(StrEnum):
    """Pending until a code was given for it, confirmed until it is used up."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What the customer is shown and confirms; `payee_name` is masked."""

    source: str
    payee: str
    payee_name: str | None
    amount: Money

    @property
    def digest(self) -> str:
        return transfer_digest(self.source, self.payee, self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A payment that waits for its code, or has got it."""

    id: str
    user_id: str
    payment: Payment
    status: ConfirmationStatus = ConfirmationStatus.PENDING
    tries: int = 0
    created_at: datetime
    expires_at: datetime

    @property
    def tries_left(self) -> int:
        return TRIES_MAX - self.tries


class Need(Enum):
    """What a payment needs of its customer before it is made."""

    NOTHING = auto()
    CONFIRMATION = auto()
    AUTHENTICATOR = auto()  # there is none yet, and without it nothing can be confirmed


def transfer_digest(source: str, target: str, amount: Money) -> str:
    """Digest what a confirmation of a transfer is bound to: change any of it, and it is another."""
    facts = ["transfer", source, target, amount.amount_minor, amount.currency]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def need_of_payment(
    amount: Money, *, limit: Money, is_trusted: bool, is_enrolled: bool, is_always_needed: bool
) -> Need:
    """Tell what a payment to somebody else needs; money that stays the customer's own needs nothing.

    A customer without an authenticator can't pay above the limit, but may pay somebody new up to it, unless the bank
    insists (`is_always_needed`).
    """
    if exceeds(amount, limit):
        return Need.CONFIRMATION if is_enrolled else Need.AUTHENTICATOR
    if is_trusted:
        return Need.NOTHING
    if is_enrolled:
        return Need.CONFIRMATION
    return Need.AUTHENTICATOR if is_always_needed else Need.NOTHING


def exceeds(amount: Money, limit: Money) -> bool:
    """Compare by number, whatever the currencies: a limit of 1000.00 USD is one of 1000 JPY and of 1000.000 KWD."""
    amount_scale, limit_scale = (10 ** CURRENCY_EXPONENTS[money.currency] for money in (amount, limit))
    return bool(amount.amount_minor * limit_scale > limit.amount_minor * amount_scale)
