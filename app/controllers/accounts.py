"""A customer's own accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.domain.account_views import AccountView
from app.domain.accounts import Account
from app.domain.actor import Actor

if TYPE_CHECKING:
    from app.models.store import Store


def list_accounts(store: Store, actor: Actor) -> list[AccountView]:
    """Return all accounts that the customer holds, by number."""
    customer_id = actor.as_customer()
    return [_shown(store, account, customer_id) for account in store.accounts.list_owned(customer_id)]


def get_account(store: Store, actor: Actor, number: str) -> AccountView:
    """Return one of the customer's accounts.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    customer_id = actor.as_customer()
    return _shown(store, store.accounts.get_owned(number, customer_id), customer_id)


def change_account(store: Store, actor: Actor, number: str, facts: Mapping[str, str | None]) -> AccountView:
    """Give one of the customer's accounts another nickname, or none.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    if "nickname" not in facts:
        return get_account(store, actor, number)
    customer_id = actor.as_customer()
    return _shown(store, store.accounts.set_nickname(number, customer_id, facts["nickname"]), customer_id)


def choose_primary(store: Store, actor: Actor, number: str) -> AccountView:
    """Let this account serve the customer where they name none, instead of the one before.

    Raises:
        NotFound: there is none, or it is somebody else's.
        AccountClosed: it is closed.
    """
    customer_id = actor.as_customer()
    chosen = store.transaction(lambda session: store.accounts.set_primary(number, customer_id, session=session))
    return _shown(store, chosen, customer_id)


def _shown(store: Store, account: Account, customer_id: str) -> AccountView:
    return AccountView.for_holder(account, customer_id, iban=store.ibans.of(account.id))
