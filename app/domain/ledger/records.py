"""What the ledger writes down. Transactions and entries are never changed or deleted; a correction is a reversal.

What a posting makes many of is a named tuple: as immutable as a frozen dataclass, at a third of its cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from app.domain.accounts import base_account
from app.domain.money import Money


class TransactionType(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    REVERSAL = "reversal"
    HOLD = "hold"
    HOLD_CAPTURE = "hold_capture"
    HOLD_RELEASE = "hold_release"
    HOLD_EXPIRY = "hold_expiry"
    ADJUSTMENT = "adjustment"
    ACCOUNT_OPENING = "account_opening"
    ACCOUNT_CLOSING = "account_closing"
    STATUS_CHANGE = "status_change"
    TERMS_CHANGE = "terms_change"
    HOLDERS_CHANGE = "holders_change"
    BLOCK_CHANGE = "block_change"
    APPROVAL_REQUEST = "approval_request"
    BULK_POSTING = "bulk_posting"


TYPES_WITH_ENTRIES = (
    TransactionType.DEPOSIT,
    TransactionType.WITHDRAWAL,
    TransactionType.TRANSFER,
    TransactionType.REVERSAL,
    TransactionType.HOLD_CAPTURE,
    TransactionType.ADJUSTMENT,
    TransactionType.ACCOUNT_OPENING,
    TransactionType.ACCOUNT_CLOSING,
)
"""Those that move money, or may; the others never make a line."""


class HoldType(StrEnum):
    CARD = "card"
    LEGAL = "legal"
    CHEQUE = "cheque"
    OTHER = "other"


class HoldStatus(StrEnum):
    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Posting(NamedTuple):
    """One leg of a recorded transaction: minor units, credit positive, and the entry that it became."""

    account_id: str
    amount: int
    currency: str
    entry_id: str


class Transaction(NamedTuple):
    """One effect on the ledger, with who asked for it. What moves no money (a hold, a freeze) has no postings.

    The id is derived from the initiator's idempotency key, so one key can never have two effects; `fingerprint` tells
    a repeated request from another one under the same key. `account_id` is the account acted upon.
    """

    id: str
    type: TransactionType
    account_id: str
    postings: tuple[Posting, ...]
    description: str | None
    initiated_by: str
    channel: str
    fingerprint: str
    business_date: str
    value_date: str
    created_at: datetime
    branch: str | None = None
    hold_id: str | None = None
    reverses: str | None = None
    forced_by: str | None = None
    metadata: Mapping[str, str] = MappingProxyType({})


class Entry(NamedTuple):
    """One line of an account: the `seq`-th, its signed amount, and the balance after it (minor units).

    `counterparty` is the other account, where there is exactly one, and `counterparty_name` its holders, masked.
    """

    id: str
    account_id: str
    seq: int
    transaction_id: str
    amount: int
    currency: str
    balance_after: int
    type: TransactionType
    description: str | None
    counterparty: str | None
    business_date: str
    value_date: str
    created_at: datetime
    counterparty_name: str | None = None

    @property
    def account_name(self) -> str:
        """Return the customer's account number, or the bank's own account's name without its stripe."""
        return base_account(self.account_id)

    @property
    def direction(self) -> str:
        """Say which way the money went on this account: `credit` in, `debit` out."""
        return "debit" if self.amount < 0 else "credit"

    @property
    def absolute_amount(self) -> Money:
        return abs(Money(self.amount, self.currency))

    @property
    def money_after(self) -> Money:
        return Money(self.balance_after, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Money set aside on an account: `remaining` counts against the available balance while the hold is open.

    `captured` is what was taken out of it, in one part or several.
    """

    id: str
    account_id: str
    amount: int
    remaining: int
    captured: int = 0
    currency: str
    type: str
    reason: str
    status: HoldStatus = HoldStatus.OPEN
    expires_at: datetime | None
    placed_by: str
    placed_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def money_remaining(self) -> Money:
        return Money(self.remaining, self.currency)

    @property
    def money_captured(self) -> Money:
        return Money(self.captured, self.currency)

    def as_placed(self) -> Hold:
        """Return the hold as it was when it was placed, whatever has become of it."""
        begun = replace(self, remaining=self.amount, captured=0, status=HoldStatus.OPEN)
        return replace(begun, ended_by=None, ended_at=None, end_reason=None)
