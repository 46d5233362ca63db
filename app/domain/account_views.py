"""Accounts as people see them: money instead of minor units, and who holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from app.domain.accounts import Account, AccountStatus, AccountType, StatusDecision
from app.domain.money import Money


@dataclass(frozen=True, slots=True)
class Holder:
    """A customer by id, with the name they log in with, their own and their number, where they have them."""

    id: str
    username: str | None
    full_name: str | None
    number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts are wanted; None asks for any."""

    customer: str | None = None
    status: AccountStatus | None = None
    type: AccountType | None = None
    currency: str | None = None
    product: str | None = None
    branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as its holder sees it: `primary` says that it serves them when they name none.

    `limits` are money by what they bound, None without bound. `blocked` says that a holder is suspended.
    """

    number: str
    iban: str | None
    nickname: str | None
    product: str | None
    branch: str | None
    type: AccountType
    currency: str
    status: AccountStatus
    blocked: bool
    balance: Money
    available: Money
    held: Money
    overdraft_limit: Money
    minimum_balance: Money
    limits: Mapping[str, Money | None]
    opened_at: datetime
    primary: bool
    holder_names: tuple[str | None, ...]
    holders: tuple[Holder, ...] = ()
    status_decision: StatusDecision | None = None

    @classmethod
    def for_holder(cls, account: Account, customer_id: str, *, iban: str | None) -> Self:
        return cls._of(account, iban, primary=customer_id in account.primary_for)

    @classmethod
    def for_staff(cls, account: Account, holders: Mapping[str, Holder], *, iban: str | None) -> Self:
        """Show the account with its holders; `primary` then says that it is the primary one of any of them."""
        named = tuple(holders[customer_id] for customer_id in account.holders)
        return cls._of(account, iban, primary=bool(account.primary_for), holders=named)

    @classmethod
    def _of(cls, account: Account, iban: str | None, *, primary: bool, holders: tuple[Holder, ...] = ()) -> Self:
        bounds = account.limits._asdict().items()
        return cls(
            number=account.id,
            iban=iban,
            nickname=account.nickname,
            product=account.product,
            branch=account.branch,
            blocked=account.blocked,
            type=account.type,
            currency=account.currency,
            status=account.status,
            balance=account.money(account.balance),
            available=account.money(account.available),
            held=account.money(account.held),
            overdraft_limit=account.money(account.overdraft_limit),
            minimum_balance=account.money(account.minimum_balance),
            limits={name: None if bound is None else account.money(bound) for name, bound in bounds},
            holder_names=account.names_of_holders,
            opened_at=account.opened_at,
            primary=primary,
            holders=holders,
            status_decision=account.status_decision,
        )
