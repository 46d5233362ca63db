"""What the rules ask of an account before anything is posted to it."""

from __future__ import annotations

from collections import defaultdict

from app.domain.accounts import Account, AccountKind, AccountStatus
from app.domain.errors import AccountBlocked, AccountClosed, AccountFrozen, CurrencyMismatch, NotFound
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
        raise AccountFrozen
    if account.blocked and (amount < 0 or intent.customer_id in account.holders):
        raise AccountBlocked
