"""What bankers see: every customer's account and history, and both sides of every transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.account_views import AccountFilter, AccountView, Holder
from app.domain.history import HistoryFilter
from app.domain.ledger.records import Entry, Transaction
from app.domain.lines import ALL_NUMBERS, Exchange, Line, exchange_of
from app.domain.paging import Page

if TYPE_CHECKING:
    from app.models.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class OverseenLine(Line):
    """A line of a customer's account, with the customer (the first of its holders)."""

    customer: Holder


@dataclass(frozen=True, slots=True)
class WholeTransaction:
    """A transaction with all its entries, in the order of its postings, and what reversed it, if anything did."""

    transaction: Transaction
    entries: Sequence[Entry]
    reversed_by: str | None

    @property
    def exchange(self) -> Exchange | None:
        """Return the exchange as seen from the account acted upon; None where the currency stayed the same."""
        acted_upon = (each for each in self.entries if each.account_id == self.transaction.account_id)
        return next((exchange_of(self.transaction.metadata, each.currency) for each in acted_upon), None)


def list_accounts(store: Store, wanted: AccountFilter, *, limit: int, cursor: str | None) -> Page[AccountView]:
    """Return a page of customers' accounts with their holders, by number."""
    page = store.account_pages.page(wanted, limit=limit, cursor=cursor)
    holders = store.holders.of_accounts(page.items)
    shown = [AccountView.for_staff(account, holders, iban=store.ibans.of(account.id)) for account in page.items]
    return Page(shown, page.next_cursor)


def list_accounts_of(store: Store, customer_id: str, *, limit: int, cursor: str | None) -> Page[AccountView]:
    """Return a page of one customer's accounts.

    Raises:
        NotFound: there is no such customer.
    """
    customer = store.customers.get(customer_id)
    return list_accounts(store, AccountFilter(customer=customer.id), limit=limit, cursor=cursor)


def get_account(store: Store, number: str) -> AccountView:
    """Return any customer's account with its holders.

    Raises:
        NotFound: there is none of this number.
    """
    account = store.accounts.get_customer_account(number)
    return AccountView.for_staff(account, store.holders.of_accounts([account]), iban=store.ibans.of(number))


def list_transactions(
    store: Store,
    wanted: HistoryFilter,
    *,
    account: str | None = None,
    customer: str | None = None,
    limit: int,
    cursor: str | None,
) -> Page[OverseenLine]:
    """Return a page of customers' history, newest first: of all, of one account, of one customer's accounts.

    Raises:
        NotFound: there is no customer's account of the number given.
    """
    if account is None and customer is None:
        return _with_customers(store, store.entry_pages.of_customers(wanted, limit=limit, cursor=cursor))
    if account is None:
        numbers = [owned.id for owned in store.accounts.list_owned(str(customer))]
    else:
        found = store.accounts.get_customer_account(account)
        numbers = [found.id] if customer is None or customer in found.holders else []
    return _with_customers(store, store.entry_pages.of_accounts(numbers, wanted, limit=limit, cursor=cursor))


def list_transactions_of(
    store: Store, customer_id: str, wanted: HistoryFilter, *, limit: int, cursor: str | None
) -> Page[OverseenLine]:
    """Return a page of the history of one customer's accounts, newest first.

    Raises:
        NotFound: there is no such customer.
    """
    customer = store.customers.get(customer_id)
    return list_transactions(store, wanted, customer=customer.id, limit=limit, cursor=cursor)


def get_transaction(store: Store, either_id: str) -> WholeTransaction:
    """Return a whole transaction, by its id or that of one of its entries: every leg, the bank's own included.

    Raises:
        NotFound: there is none of this id.
    """
    transaction = store.transactions.get(store.entries.transaction_of(either_id))
    entries = store.entries.find_many(posting.entry_id for posting in transaction.postings)
    reversal = store.transactions.find_reversal(transaction.id)
    in_order = [entries[posting.entry_id] for posting in transaction.postings]
    return WholeTransaction(transaction, in_order, reversal.id if reversal else None)


def _with_customers(store: Store, page: Page[Entry]) -> Page[OverseenLine]:
    accounts = store.accounts.find_many({entry.account_id for entry in page.items})
    holders = store.holders.of_accounts(accounts.values())
    told = store.transactions.told_of(page.items)
    lines = [
        OverseenLine.of(
            entry,
            told.get(entry.transaction_id, {}),
            shown=ALL_NUMBERS,
            customer=holders[accounts[entry.account_id].holders[0]],
        )
        for entry in page.items
    ]
    return Page(lines, page.next_cursor)
