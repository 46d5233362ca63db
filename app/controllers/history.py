"""What happened on a customer's accounts, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.history import HistoryFilter
from app.domain.ids import transaction_id
from app.domain.ledger.records import Entry
from app.domain.paging import Page

if TYPE_CHECKING:
    from app.models.store import Store


def list_transactions(
    store: Store,
    actor: Actor,
    wanted: HistoryFilter,
    *,
    account: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Entry]:
    """Return a page of the customer's lines: of one account of theirs, or of all of them merged by time.

    Raises:
        NotFound: the account does not exist, or is somebody else's.
    """
    customer_id = actor.as_customer()
    if account is None:
        numbers = [owned.id for owned in store.accounts.list_owned(customer_id)]
    else:
        numbers = [store.accounts.get_owned(account, customer_id).id]
    return store.entry_pages.of_accounts(numbers, wanted, limit=limit, cursor=cursor)


def find_by_key(store: Store, actor: Actor, key: str) -> Page[Entry]:
    """Return what the caller's idempotency key did on their own accounts: one line, several, or none at all."""
    customer_id = actor.as_customer()
    transaction = store.transactions.find(transaction_id(actor.user_id, key))
    if transaction is None:
        return Page((), None)
    entries = store.entries.find_many(posting.entry_id for posting in transaction.postings)
    owned = {account.id for account in store.accounts.list_owned(customer_id)}
    return Page([entry for entry in entries.values() if entry.account_id in owned], None)


def get_transaction(store: Store, actor: Actor, entry_id: str) -> Entry:
    """Return one line of the customer's accounts.

    Raises:
        NotFound: there is none, or it is on somebody else's account.
    """
    entry = store.entries.get(entry_id)
    store.accounts.get_owned(entry.account_id, actor.as_customer())
    return entry
