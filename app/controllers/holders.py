"""Who holds an account: any holder may move money on it, and what each did names them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.account_views import Holder
from app.domain.accounts import Account
from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import BankError, NotFound
from app.domain.ids import random_id
from app.domain.ledger.account_rules import holders_after
from app.domain.ledger.book import Recorded
from app.domain.operations.holders_change import HoldersChange, Member
from app.domain.requests import intent_facts
from app.models.four_eyes import find_earlier, submit
from app.models.opening import require_room, until_settled

if TYPE_CHECKING:
    from app.models.store import Store


def list_holders(store: Store, number: str) -> list[Holder]:
    """Return who holds an account, in the order in which they joined it.

    Raises:
        NotFound: there is no such account.
    """
    return _holders(store, store.accounts.get_customer_account(number))


def add_holder(
    store: Store, actor: Actor, number: str, customer_id: str, *, idempotency_key: str | None
) -> Recorded | Answered:
    """Let a customer hold an account, too, or ask for approval of it; once they do they may move its money.

    Raises:
        NotFound: there is no such account, or no such customer.
        CustomerNotActive: they are suspended or closed.
        TooManyAccounts: they have as many as one may.
        StateConflict: they hold it already, or as many do as may.
        AccountClosed: it is closed.
    """
    account = store.accounts.get_customer_account(number)
    operation = replace(_present(store, account), joins=_member(store, customer_id))
    return _once(store, actor, account, operation, idempotency_key or random_id())


def remove_holder(
    store: Store, actor: Actor, number: str, customer_id: str, *, idempotency_key: str | None
) -> Recorded | Answered:
    """Let a holder leave an account, or ask for approval of it; once they left they move and see nothing on it.

    Raises:
        NotFound: there is no such account, or they don't hold it.
        StateConflict: they are the last holder, or suspended.
        AccountClosed: it is closed.
    """
    account = store.accounts.get_customer_account(number)
    operation = replace(_present(store, account), leaves=_member(store, customer_id))
    return _once(store, actor, account, operation, idempotency_key or random_id())


def _once(store: Store, actor: Actor, account: Account, operation: HoldersChange, key: str) -> Recorded | Answered:
    """Submit a change that makes sense as things stand; what its key has led to before stays as it was."""
    facts = intent_facts(actor, key, operation.NAME, operation.sent())
    try:
        if operation.leaves is not None and operation.leaves.customer not in account.holders:
            raise NotFound
        if operation.joins is not None:
            require_room(store, store.customers.get(operation.joins.customer))
        holders_after(account, operation.intent(facts, approval=None))
        return until_settled(lambda: submit(store, actor, operation, idempotency_key=key))
    except BankError as refusal:
        earlier = find_earlier(store, facts) if refusal.status < 500 else None
        if earlier is None:
            raise
        return earlier


def _present(store: Store, account: Account) -> HoldersChange:
    numbers = tuple(holder.number for holder in _holders(store, account))
    return HoldersChange(account=account.id, holders=account.names_of_holders, customer_numbers=numbers)


def _member(store: Store, customer_id: str) -> Member:
    customer = store.customers.get(customer_id)
    return Member(customer=customer.id, customer_number=customer.number, full_name=customer.full_name)


def _holders(store: Store, account: Account) -> list[Holder]:
    found = store.holders.of_accounts([account])
    return [found[customer_id] for customer_id in account.holders]
