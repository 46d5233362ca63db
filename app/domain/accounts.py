"""An account as the ledger sees it, and the numbers that accounts go by."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.domain.money import BALANCE_MINOR_MAX, Money

ACCOUNT_NUMBER_LENGTH = 12
ACCOUNT_NUMBER_LENGTH_MIN = 6
ACCOUNT_NUMBER_LENGTH_MAX = 20
STRIPES = 16
_CHECK_DIGITS = 2


class AccountKind(StrEnum):
    CUSTOMER = "customer"
    INTERNAL = "internal"


class AccountType(StrEnum):
    CHECKING = "checking"
    SAVINGS = "savings"
    INTERNAL = "internal"


class AccountStatus(StrEnum):
    ACTIVE = "active"
    FROZEN_DEBITS = "frozen_debits"
    FROZEN = "frozen"
    CLOSED = "closed"


class InternalAccount(StrEnum):
    """The bank's own accounts: the other leg of whatever enters or leaves the customers' accounts."""

    CASH = "cash"


class Account(NamedTuple):
    """A customer's account or one stripe of an internal one. Amounts are minor units of `currency`; credit is positive.

    `seq` numbers the last entry, `held` is the sum of the open holds, `blocked` says that a holder is suspended, and
    `primary_for` names the customers who get this account when they name none.
    """

    id: str
    kind: AccountKind
    type: AccountType
    currency: str
    opened_at: datetime
    holders: tuple[str, ...] = ()
    primary_for: tuple[str, ...] = ()
    status: AccountStatus = AccountStatus.ACTIVE
    blocked: bool = False
    balance: int = 0
    held: int = 0
    overdraft_limit: int = 0
    seq: int = 0
    last_entry_at: datetime | None = None
    business_date: str | None = None

    @property
    def available(self) -> int:
        """What a debit may take: balance, less open holds, plus the agreed overdraft."""
        return self.balance - self.held + self.overdraft_limit

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
