"""What a caller wants of the ledger. Each intent becomes at most one transaction, or a named refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.accounts import AccountStatus
from app.domain.ledger.records import TransactionType


@dataclass(frozen=True, slots=True)
class Leg:
    """Minor units for one account, credit positive. An internal account is named without its stripe: `cash-USD`."""

    account_id: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What all intents tell: the transaction's id (fixed before the first attempt), the request, and who asks.

    `idempotency_key` is what the id was derived from, for a caller who must retry after an unknown outcome.
    `customer_id` names the customer it acts for: the rules answer NotFound where they hold none of what it touches.
    None stands for the bank's own authority (staff, jobs); the role is checked before.
    """

    id: str
    fingerprint: str
    idempotency_key: str | None = None
    initiated_by: str
    channel: str
    customer_id: str | None = None
    branch: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Intent):
    """Move money: legs that sum to zero in each currency. `account_id` is the account acted upon.

    `forced_by` names the approval that lets a debit pass the available balance. `value_date` back-dates (staff only).
    """

    type: TransactionType
    account_id: str
    legs: tuple[Leg, ...]
    forced_by: str | None = None
    value_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Intent):
    """Undo a transaction by a new one of opposite postings; at most once per transaction, whoever asks."""

    transaction_id: str
    forced_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold(Intent):
    """Set money aside: the available balance falls, the balance doesn't. The hold's id is the intent's."""

    account_id: str
    amount: int
    currency: str
    type: str
    reason: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHold(Intent):
    """Take money out of a hold and post it to `to_account_id`; `final` releases what is left of it."""

    hold_id: str
    amount: int
    to_account_id: str
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold(Intent):
    """End a hold without taking anything more."""

    hold_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireHold(Intent):
    """End a hold whose time has passed; until this is posted it counts."""

    hold_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus(Intent):
    """Freeze, unfreeze or close an account: no posting that the new status forbids comes after it."""

    account_id: str
    status: AccountStatus
