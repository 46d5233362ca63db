"""Whom a customer sends money to: looked up before, and saved for the next time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.domain.accounts import Account, AccountStatus
from app.domain.actor import Actor
from app.domain.errors import AccountClosed, OwnAccount
from app.domain.payees import PayeeCheck, PayeeView, SavedPayee
from app.models.payee_search import look_up_payee

if TYPE_CHECKING:
    from app.models.store import Store


def check_payee(store: Store, actor: Actor, number: str) -> PayeeCheck:
    """Return whose account this is, as far as anyone may know, before money is sent to it.

    Raises:
        UnknownPayee: there is none of this number.
        AccountClosed: it takes no money any more.
        RateLimited: the customer has asked too often.
    """
    account = _payable(look_up_payee(store, actor.as_customer(), number))
    return PayeeCheck(account.id, account.masked_holders, account.currency)


def list_payees(store: Store, actor: Actor) -> list[PayeeView]:
    """Return the payees that the customer has saved, in the order they were saved."""
    return _views(store, store.payees.list_saved(actor.as_customer()))


def save_payee(store: Store, actor: Actor, account: str, label: str) -> PayeeView:
    """Save somebody else's account to send money to.

    Raises:
        UnknownPayee: there is none of this number.
        AccountClosed: it takes no money any more.
        RateLimited: the customer has asked for too many accounts.
        OwnAccount: it is one of the customer's own.
        PayeeExists: it is saved already.
        TooManyPayees: as many as may be are saved.
    """
    customer_id = actor.as_customer()
    found = _payable(look_up_payee(store, customer_id, account))
    if customer_id in found.holders:
        raise OwnAccount
    store.payees.add(customer_id, account, label, now=store.clock.now())
    return _view(store.payees.get(customer_id, account), found)


def rename_payee(store: Store, actor: Actor, account: str, label: str) -> PayeeView:
    """Give a saved payee another label.

    Raises:
        NotFound: the customer has not saved this account.
    """
    customer_id = actor.as_customer()
    store.payees.rename(customer_id, account, label)
    (renamed,) = _views(store, [store.payees.get(customer_id, account)])
    return renamed


def remove_payee(store: Store, actor: Actor, account: str) -> None:
    """Forget a saved payee, and that payments to it needed no confirmation any more.

    Raises:
        NotFound: the customer has not saved this account.
    """
    store.payees.remove(actor.as_customer(), account)


def _payable(account: Account) -> Account:
    if account.status is AccountStatus.CLOSED:
        raise AccountClosed
    return account


def _views(store: Store, saved: Sequence[SavedPayee]) -> list[PayeeView]:
    accounts = store.accounts.find_many(payee.account for payee in saved)
    return [_view(payee, accounts[payee.account]) for payee in saved]


def _view(payee: SavedPayee, account: Account) -> PayeeView:
    return PayeeView(
        account=payee.account,
        label=payee.label,
        trusted=payee.trusted,
        created_at=payee.created_at,
        name=account.masked_holders,
        currency=account.currency,
    )
