"""An account as the ledger sees it, and the numbers that accounts go by."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.domain.masking import masked_name
from app.domain.money import BALANCE_MINOR_MAX, Money

ACCOUNT_NUMBER_LENGTH = 12
ACCOUNT_NUMBER_LENGTH_MIN = 6
ACCOUNT_NUMBER_LENGTH_MAX = 20
HOLDERS_MAX = 10
STRIPES = 16
_CHECK_DIGITS = 2


class AccountKind(StrEnum):
    CUSTOMER = "customer"
    INTERNAL = "internal"


class AccountType(StrEnum):
    CHECKING = "checking"
    SAVINGS = "savings"
    TERM = "term"
    INTERNAL = "internal"


class AccountStatus(StrEnum):
    """What an account may do: dormant or frozen for debits it still takes credits; frozen it takes none."""

    ACTIVE = "active"
    FROZEN_DEBITS = "frozen_debits"
    FROZEN = "frozen"
    DORMANT = "dormant"
    CLOSED = "closed"


class InternalAccount(StrEnum):
    """The bank's own accounts: the other leg of whatever enters or leaves the customers' accounts."""

    CASH = "cash"
    FX = "fx"
    ADJUSTMENT = "adjustment"


class Limits(NamedTuple):
    """What may leave an account at most, by one transaction and in one business day; None sets no bound."""

    withdrawal: int | None = None
    withdrawal_daily: int | None = None
    transfer: int | None = None
    transfer_daily: int | None = None


class Spent(NamedTuple):
    """What has left an account on its last business date, as its limits count it."""

    withdrawn: int = 0
    transferred: int = 0


NO_LIMITS, NOTHING_SPENT = Limits(), Spent()
"""What most accounts have: told by identity in the ledger, which spares them all arithmetic."""


class StatusDecision(NamedTuple):
    """Why an account got its present status, by whose request and when; a holder who closes it gives no reason."""

    reason: str | None
    by: str
    at: datetime


class AccountRef(NamedTuple):
    """An account by what never changes of it."""

    id: str
    currency: str


class Account(NamedTuple):
    """A customer's account or one stripe of an internal one. Amounts are minor units of `currency`; credit is positive.

    `seq` numbers the last entry, `held` is the sum of the open holds, and `primary_for` names the customers who get
    this account when they name none. `holder_names` stands beside `holders`, name by name, as far as they are known.
    """

    id: str
    kind: AccountKind
    type: AccountType
    currency: str
    opened_at: datetime
    holders: tuple[str, ...] = ()
    holder_names: tuple[str | None, ...] = ()
    suspended_holders: tuple[str, ...] = ()
    primary_for: tuple[str, ...] = ()
    status: AccountStatus = AccountStatus.ACTIVE
    balance: int = 0
    held: int = 0
    overdraft_limit: int = 0
    minimum_balance: int = 0
    limits: Limits = NO_LIMITS
    spent: Spent = NOTHING_SPENT
    seq: int = 0
    last_entry_at: datetime | None = None
    business_date: str | None = None
    product: str | None = None
    branch: str | None = None
    nickname: str | None = None
    status_decision: StatusDecision | None = None

    @property
    def ref(self) -> AccountRef:
        return AccountRef(self.id, self.currency)

    @property
    def available(self) -> int:
        """What a debit may take: balance, less open holds and what must stay, plus the agreed overdraft."""
        return self.balance - self.held + self.overdraft_limit - self.minimum_balance

    @property
    def blocked(self) -> bool:
        """Tell whether a holder is suspended: nothing leaves the account, and no holder moves anything on it."""
        return bool(self.suspended_holders)

    @property
    def names_of_holders(self) -> tuple[str | None, ...]:
        """Return the name of each holder, None for one whose name is not known."""
        return self.holder_names or (None,) * len(self.holders)

    @property
    def masked_holders(self) -> str | None:
        """Return the holders' names as others may see them, or None where none is known."""
        return " & ".join(masked_name(name) for name in self.holder_names if name) or None

    def money(self, amount_minor: int) -> Money:
        return Money(amount_minor, self.currency)


def new_account_number(length: int = ACCOUNT_NUMBER_LENGTH) -> str:
    """Return a random account number with ISO 7064 MOD 97-10 check digits: any typo of one digit or swap is caught."""
    body_length = length - _CHECK_DIGITS
    body = str(secrets.randbelow(9 * 10 ** (body_length - 1)) + 10 ** (body_length - 1))
    return f"{body}{98 - int(body) * 100 % 97:02d}"


def is_account_number(text: str) -> bool:
    """Tell whether `text` has the form and the check digits of an account number, of whatever country's length."""
    if not ACCOUNT_NUMBER_LENGTH_MIN <= len(text) <= ACCOUNT_NUMBER_LENGTH_MAX:
        return False
    return text.isascii() and text.isdigit() and int(text) % 97 == 1


def stripe_id(account: str, currency: str, stripe: int) -> str:
    """Name one stripe of an internal account: `cash-USD#07`."""
    return f"{account}-{currency}#{stripe:02d}"


def is_internal(account_id: str) -> bool:
    """Tell an internal account's name (`cash-USD`, `cash-USD#07`) from a customer's number (digits)."""
    return "-" in account_id


def stripe_ids(account: str) -> list[str]:
    """Name all the stripes of an internal account, such as `cash-USD`."""
    return [f"{account}#{stripe:02d}" for stripe in range(STRIPES)]


def base_account(account_id: str) -> str:
    """Return an internal account's name without its stripe; a customer's number as it is."""
    return account_id.split("#", 1)[0]


def new_stripes(account: InternalAccount, currency: str, *, now: datetime) -> list[Account]:
    """Return an internal account as its stripes. The bank's own side has no floor but the ledger's range."""
    return [
        Account(
            id=stripe_id(account, currency, stripe),
            kind=AccountKind.INTERNAL,
            type=AccountType.INTERNAL,
            currency=currency,
            overdraft_limit=BALANCE_MINOR_MAX,
            opened_at=now,
        )
        for stripe in range(STRIPES)
    ]
