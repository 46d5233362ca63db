"""Payees: the accounts of others that a customer keeps to send money to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PAYEES_MAX = 100
TRUSTED_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPayee:
    """An account under a name of the customer's own; `trusted` since a payment to it was confirmed."""

    account: str
    label: str
    trusted: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeView(SavedPayee):
    """A saved payee with what anyone may know of the account: its holders' masked names and its currency."""

    name: str | None
    currency: str


@dataclass(frozen=True, slots=True)
class PayeeCheck:
    """Whose account it is that money would go to, as far as anyone may know."""

    account: str
    name: str | None
    currency: str
