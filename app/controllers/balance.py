"""What an account holds now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.money import Money

if TYPE_CHECKING:
    from app.models.store import Store


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's money at an instant; `available` is what a debit may take."""

    account: str
    currency: str
    balance: Money
    available: Money
    held: Money
    as_of: datetime


def get_balance(store: Store, actor: Actor, number: str | None = None) -> Balance:
    """Return the balance of the customer's account of this number; without one, of their primary account.

    `as_of` is taken before the read: every posting answered by then is in it.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    as_of = store.clock.now()
    account = store.accounts.get_reachable(actor, number)
    return Balance(
        account=account.id,
        currency=account.currency,
        balance=account.money(account.balance),
        available=account.money(account.available),
        held=account.money(account.held),
        as_of=as_of,
    )
