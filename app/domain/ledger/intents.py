"""What a caller wants of the ledger. Each intent becomes at most one transaction, or a named refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.accounts import Account, AccountStatus, InternalAccount, Limits
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

    @property
    def accounts(self) -> set[str]:
        """Name the accounts that the intent itself names."""
        raise NotImplementedError

    @property
    def refers_to(self) -> str | None:
        """Name the hold or the transaction that tells which further accounts are meant."""
        return None


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

    @property
    def accounts(self) -> set[str]:
        return {leg.account_id for leg in self.legs} | {self.account_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Intent):
    """Undo a transaction by a new one of opposite postings; at most once per transaction, whoever asks."""

    transaction_id: str
    forced_by: str | None = None

    @property
    def accounts(self) -> set[str]:
        return set()

    @property
    def refers_to(self) -> str:
        return self.transaction_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold(Intent):
    """Set money aside: the available balance falls, the balance doesn't. The hold's id is the intent's."""

    account_id: str
    amount: int
    currency: str
    type: str
    reason: str
    expires_at: datetime | None = None

    @property
    def accounts(self) -> set[str]:
        return {self.account_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfHold(Intent):
    hold_id: str

    @property
    def accounts(self) -> set[str]:
        return set()

    @property
    def refers_to(self) -> str:
        return self.hold_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHold(_OfHold):
    """Take money out of a hold, all that is left where no amount is said, and post it to `to_account_id`.

    `final` releases what is left then.
    """

    amount: int | None
    to_account_id: str
    final: bool = True

    @property
    def accounts(self) -> set[str]:
        return {self.to_account_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold(_OfHold):
    """End a hold without taking anything more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireHold(_OfHold):
    """End a hold whose time has passed; until this is posted it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Intent):
    """Open a customer's account, with `opening_amount` of cash on it: the account is new, complete and empty."""

    account: Account
    opening_amount: int = 0

    @property
    def accounts(self) -> set[str]:
        cash = {f"{InternalAccount.CASH}-{self.account.currency}"} if self.opening_amount else set()
        return {self.account.id} | cash


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAccount(Intent):
    account_id: str

    @property
    def accounts(self) -> set[str]:
        return {self.account_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(_OfAccount):
    """Close an account for good; what is left on it goes to `transfer_to`, a customer's account, in the same step.

    `only_to` names the customers who may hold that account, and nobody else; empty, anybody. To pay somebody else is a
    transfer.
    """

    transfer_to: str | None = None
    only_to: tuple[str, ...] = ()

    @property
    def accounts(self) -> set[str]:
        return {self.account_id} | ({self.transfer_to} if self.transfer_to else set())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus(_OfAccount):
    """Freeze an account, let it rest or wake it: no posting that the new status forbids comes after it.

    `only_from` names the statuses in which that makes sense; empty, any but the new one and closed.
    """

    status: AccountStatus
    only_from: tuple[AccountStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTerms(_OfAccount):
    """Give an account other limits, another overdraft or another minimum balance; None leaves one as it is.

    Where terms are expected, those that the decision was made on, it is refused if the account has others by now.
    """

    limits: Limits | None = None
    overdraft_limit: int | None = None
    minimum_balance: int | None = None
    expected_limits: Limits | None = None
    expected_overdraft_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeHolders(_OfAccount):
    """Let customers join an account, by id and name, and others leave it; somebody always holds it."""

    add: tuple[tuple[str, str | None], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Intent):
    """Block all these accounts because their holder is suspended, or unblock them: all of them or none."""

    account_ids: tuple[str, ...]
    holder: str
    blocked: bool

    @property
    def accounts(self) -> set[str]:
        return set(self.account_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEach(_OfAccount):
    """Post many movements in one transaction of the database: each by itself, or with `all_or_nothing` all or none.

    It is a transaction of its own, which moves nothing and says in its metadata which of them were refused and why: so
    that what became of each is written down together with it, once. Nobody else may post the parts.
    """

    parts: tuple[Post, ...]
    all_or_nothing: bool = False

    @property
    def accounts(self) -> set[str]:
        return {self.account_id}.union(*(part.accounts for part in self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class AskApproval(Intent):
    """Record that somebody asked a second person for something, done to `subject`; it moves nothing by itself.

    As a transaction it uses its key up like any other effect, and what was asked for then can't be changed unseen.
    """

    subject: str

    @property
    def accounts(self) -> set[str]:
        return set()
