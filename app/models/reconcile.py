"""Prove that the ledger in the database is sound, while it is in use, in constant memory; name the first difference.

What is proved, of the ledger's invariants:

1. Every transaction's postings sum to zero per currency, and postings and entries match one to one: each posting has an
   entry that says the same and names the transaction, each entry is named by exactly one posting of its transaction
   and tells the same story: time, dates, type, description, counterparty.
2. Every account's entries are numbered 1..seq without a gap, none lies beyond, each `balance_after` is the one before
   plus its amount, the account's balance is the last. Neither time nor business date falls; there is one currency.
3. No account's available balance is below zero now, save where its last debit, captures of holds aside, was forced.
   (Past values of `held` and of the overdraft limit are not recorded, so the past available balance can't be proved.)
4. `held` is the sum of what remains of the account's open holds, and every hold has its account.
5. Each reversal names an existing transaction, has exactly the opposite postings, and is its only one. (A rewritten
   entry or transaction shows in 1 and 2, unless it was rewritten in all the places that must agree.)
6. One key has one effect: its transaction's id is derived from it, `_id` is unique in any MongoDB collection, and by 1
   all entries that were made under that id are those of that one document.
8. All accounts of a currency sum to zero, the bank's own included: one aggregate over one snapshot, in decimals.

Before all this every document must have the form that its collection's validator asks for.

Postings go on meanwhile. A page of accounts is read with its holds and last numbers from one snapshot, then its entries
up to there; those that came later are left to the next run. A transaction and its entries are committed together: what
one of them names is there when it is looked up after it was read, or it is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.domain.accounts import is_internal, stripe_ids
from app.domain.errors import NotFound
from app.domain.ledger.audit import (
    AccountWalk,
    Difference,
    Kind,
    check_reversal,
    check_total,
    check_transaction,
)
from app.domain.ledger.records import Transaction
from app.models import accounts, entries, holds, transactions
from app.models.collection import CollectionSpec, Document
from app.models.ledger_reader import LEDGER, LedgerReader, Page


@dataclass(slots=True)
class Report:
    """How much has been checked, and the first difference, if there is one."""

    accounts: int = 0
    entries: int = 0
    transactions: int = 0
    difference: Difference | None = None


class Reconciliation:
    """One run over a ledger. `on_progress` hears after every batch what has been checked so far."""

    def __init__(self, reader: LedgerReader, *, on_progress: Callable[[Report], None] = lambda _: None) -> None:
        self._reader = reader
        self._on_progress = on_progress
        self._report = Report()

    def run(self) -> Report:
        """Check the whole ledger, up to the first difference."""
        self._report.difference = next(self._differences(), None)
        return self._report

    def run_account(self, account_id: str) -> Report:
        """Check one account (an internal one as all its stripes) and the transactions that its entries name.

        Raises:
            NotFound: there is neither an account nor an entry of this id.
        """
        ids = stripe_ids(account_id) if is_internal(account_id) and "#" not in account_id else [account_id]
        self._report.difference = next((found for each in ids for found in self._account_differences(each)), None)
        return self._report

    def _differences(self) -> Iterator[Difference]:
        for spec in LEDGER:
            yield from self._malformed(spec, {})
        for currency, total in self._reader.totals().items():
            yield from check_total(currency, total)
        for page in self._reader.pages():
            yield from self._check_page(page)
        for batch in self._reader.transactions():
            yield from self._check_transactions(batch)

    def _account_differences(self, account_id: str) -> Iterator[Difference]:
        yield from self._malformed(accounts.SPEC, {"_id": account_id})
        for spec in (entries.SPEC, holds.SPEC):
            yield from self._malformed(spec, {"account_id": account_id})
        page = self._reader.page({"$eq": account_id}, limit=1)
        if not page.accounts and not page.last_seq:
            raise NotFound
        yield from self._check_page(page, with_transactions=True)

    def _malformed(self, spec: CollectionSpec, where: Document) -> Iterator[Difference]:
        malformed = self._reader.find_malformed(spec, where)
        if malformed is not None:
            yield Difference(Kind.MALFORMED, f"{spec.name} {malformed}", "the form its validator asks for", "another")

    def _check_page(self, page: Page, *, with_transactions: bool = False) -> Iterator[Difference]:
        """Follow the accounts of a page through their entries; look for entries and holds that have no account."""
        walks = {each.id: AccountWalk(each, held=page.held.get(each.id, 0)) for each in page.accounts}
        yield from _strays(page)
        for batch in self._reader.entries(page.account_ids):
            lines = [entry for entry in batch if entry.seq <= page.last_seq.get(entry.account_id, 0)]
            source_ids = {entry.transaction_id for entry in lines}
            if with_transactions:
                yield from self._malformed(transactions.SPEC, {"_id": {"$in": list(source_ids)}})
            sources = self._reader.transactions_of(source_ids)
            if with_transactions:
                yield from self._check_transactions(sources.values())
            for entry in lines:
                yield from walks[entry.account_id].step(entry, sources.get(entry.transaction_id))
            self._report.entries += len(lines)
            self._on_progress(self._report)
        for walk in walks.values():
            yield from walk.end()
        self._report.accounts += len(walks)

    def _check_transactions(self, batch: Iterable[Transaction]) -> Iterator[Difference]:
        """Check transactions against their entries, and reversals against what they reverse."""
        found = {each.id: each for each in batch}
        named = self._reader.entries_of(found.values())
        reversals = [each for each in found.values() if each.reverses is not None]
        originals = self._reader.transactions_of(each.reverses for each in reversals if each.reverses)
        for transaction in found.values():
            yield from check_transaction(transaction, named)
        for reversal in reversals:
            yield from check_reversal(reversal, originals.get(reversal.reverses or ""))
        for reversed_id, times in Counter(self._reader.reversed_ids(found)).items():
            if times > 1:
                yield Difference(Kind.SECOND_REVERSAL, f"transaction {reversed_id}", "at most 1", str(times))
        self._report.transactions += len(found)
        self._on_progress(self._report)


def _strays(page: Page) -> Iterator[Difference]:
    known = {account.id for account in page.accounts}
    for kind, owners in ((Kind.STRAY_ENTRY, page.last_seq), (Kind.STRAY_HOLD, page.held)):
        for account_id in sorted(owners.keys() - known):
            yield Difference(kind, f"account {account_id}", "an account", "none")
