"""A customer's own accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.account_views import AccountView
from app.domain.actor import Actor

if TYPE_CHECKING:
    from app.models.store import Store


def list_accounts(store: Store, actor: Actor) -> list[AccountView]:
    """Return all accounts that the customer holds, by number."""
    customer_id = actor.as_customer()
    return [AccountView.for_holder(account, customer_id) for account in store.accounts.list_owned(customer_id)]


def get_account(store: Store, actor: Actor, number: str) -> AccountView:
    """Return one of the customer's accounts.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    customer_id = actor.as_customer()
    return AccountView.for_holder(store.accounts.get_owned(number, customer_id), customer_id)
