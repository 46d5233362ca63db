"""What the rules ask of an account before anything is posted to it."""

from __future__ import annotations

from collections import defaultdict

from app.domain.accounts import Account, AccountKind, AccountStatus, Limits, Spent
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    CurrencyMismatch,
    DailyLimitExceeded,
    NotFound,
    PayeeUnavailable,
    TransactionLimitExceeded,
)
from app.domain.ledger.intents import Intent, Post


def require_holder(account: Account, intent: Intent) -> None:
    """A customer reaches only what they hold; anything else doesn't exist for them."""
    if intent.customer_id is not None and intent.customer_id not in account.holders:
        raise NotFound


def require_customers(account: Account) -> None:
    """Holds and statuses are for customers' accounts: of an internal one each writer knows its own stripe alone."""
    if account.kind is not AccountKind.CUSTOMER:
        raise NotFound


def require_sound(intent: Post) -> None:
    """Guard against programming errors, not against callers.

    Legs that do not sum to zero are no transaction; and what the rules read of the account acted upon must stand on a
    document that the posting writes, else a change of it could pass unseen.
    """
    sums: defaultdict[str, int] = defaultdict(int)
    for leg in intent.legs:
        sums[leg.currency] += leg.amount
    if not sums or any(sums.values()):
        raise ValueError("the legs of a transaction must sum to zero in every currency")
    if all(leg.account_id != intent.account_id for leg in intent.legs):
        raise ValueError("the account acted upon must have a leg")


def require_open_for(account: Account, amount: int, intent: Intent, currency: str) -> None:
    if account.currency != currency:
        raise CurrencyMismatch
    if account.status is AccountStatus.CLOSED:
        raise AccountClosed
    if account.status is AccountStatus.FROZEN or (account.status is AccountStatus.FROZEN_DEBITS and amount < 0):
        raise AccountFrozen if _may_know(intent, account) else PayeeUnavailable
    if account.status is AccountStatus.DORMANT and amount < 0:
        raise AccountDormant
    if account.blocked and (amount < 0 or intent.customer_id in account.holders):
        raise AccountBlocked


def _may_know(intent: Intent, account: Account) -> bool:
    """Tell whether somebody may be told that an account is frozen: its holders and the bank, not who pays to it."""
    return intent.customer_id is None or intent.customer_id in account.holders


def require_within_limits(limits: Limits, by_this: Spent, today: Spent) -> None:
    """Refuse a debit above a limit: of one transaction, or of the day, on which `today` counts this one too."""
    bounds = (
        (limits.withdrawal, limits.withdrawal_daily, by_this.withdrawn, today.withdrawn),
        (limits.transfer, limits.transfer_daily, by_this.transferred, today.transferred),
    )
    for once, daily, spent, spent_today in bounds:
        if spent and once is not None and spent > once:
            raise TransactionLimitExceeded
        if spent and daily is not None and spent_today > daily:
            raise DailyLimitExceeded
