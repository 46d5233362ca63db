"""What happened on a customer's accounts, newest first."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.errors import NotFound
from app.domain.history import HistoryFilter
from app.domain.ids import is_entry_id, transaction_id
from app.domain.ledger.records import Entry, Transaction
from app.domain.lines import Line, LineInFull
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
) -> Page[Line]:
    """Return a page of the customer's lines: of one account of theirs, or of all of them merged by time.

    Raises:
        NotFound: the account does not exist, or is somebody else's.
    """
    owned = _numbers_of(store, actor)
    if account is not None and account not in owned:
        raise NotFound
    page = store.entry_pages.of_accounts([account] if account else owned, wanted, limit=limit, cursor=cursor)
    return Page(_lines(store, page.items, owned), page.next_cursor)


def find_by_key(store: Store, actor: Actor, key: str) -> Page[Line]:
    """Return what the caller's idempotency key did on their own accounts: one line, several, or none at all."""
    owned = _numbers_of(store, actor)
    transaction = store.transactions.find(transaction_id(actor.user_id, key))
    if transaction is None:
        return Page((), None)
    entries = store.entries.find_many(posting.entry_id for posting in transaction.postings)
    return Page(_lines(store, [each for each in entries.values() if each.account_id in owned], owned), None)


def get_transaction(store: Store, actor: Actor, either_id: str) -> LineInFull:
    """Return one line of the customer's accounts, with what its transaction reverses or what reversed it.

    By a transaction's id it is their own line of it: that of the account acted upon, where both sides are theirs.

    Raises:
        NotFound: there is none, or it is on somebody else's account.
    """
    owned = _numbers_of(store, actor)
    transaction = store.transactions.get(store.entries.transaction_of(either_id))
    entry = _own_entry(store, transaction, either_id, owned)
    reversal = store.transactions.find_reversal(transaction.id)
    reversed_by = reversal.id if reversal else None
    return LineInFull.of(
        entry, transaction.metadata, shown=owned, reverses=transaction.reverses, reversed_by=reversed_by
    )


def _own_entry(store: Store, transaction: Transaction, either_id: str, owned: Container[str]) -> Entry:
    own = [posting for posting in transaction.postings if posting.account_id in owned]
    if is_entry_id(either_id):
        own = [posting for posting in own if posting.entry_id == either_id]
    if not own:
        raise NotFound
    chosen = next((posting for posting in own if posting.account_id == transaction.account_id), own[0])
    return store.entries.get(chosen.entry_id)


def _numbers_of(store: Store, actor: Actor) -> list[str]:
    return [owned.id for owned in store.accounts.list_owned(actor.as_customer())]


def _lines(store: Store, entries: Iterable[Entry], owned: Container[str]) -> list[Line]:
    found = list(entries)
    told = store.transactions.told_of(found)
    return [Line.of(entry, told.get(entry.transaction_id, {}), shown=owned) for entry in found]
