"""What must be true of a ledger that was written down: pure checks over records, each naming the difference it finds.

Every check yields what it finds and finds nothing in a sound ledger. `app/models/reconcile.py` feeds them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.accounts import Account, AccountStatus, base_account, is_internal
from app.domain.ledger.records import Entry, Posting, Transaction, TransactionType


class Kind(StrEnum):
    """What can be wrong with a ledger."""

    MALFORMED = "malformed document"
    NUMBERING = "entry numbering"
    ENTRY_BALANCE = "entry balance"
    ENTRY_CURRENCY = "entry currency"
    ENTRY_TIME = "entry time"
    BUSINESS_DATE = "business date"
    STRAY_ENTRY = "entry without account"
    ENTRY_SOURCE = "entry without posting"
    ENTRY_DETAIL = "entry detail"
    ACCOUNT_BALANCE = "account balance"
    LAST_ENTRY = "last entry"
    AVAILABLE = "available balance"
    HELD = "held amount"
    STRAY_HOLD = "hold without account"
    UNBALANCED = "unbalanced transaction"
    POSTING = "posting without entry"
    SUBJECT = "account acted upon"
    REVERSAL = "reversal"
    SECOND_REVERSAL = "second reversal"
    TOTAL = "total of all accounts"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be. Amounts are minor units."""

    kind: Kind
    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: expected {self.expected}, found {self.found}"


class AccountWalk:
    """Follows an account from its first entry to its last and compares the end with what the account says."""

    def __init__(self, account: Account, *, held: int) -> None:
        """Start before the first entry. `held` is the sum of the account's open holds when the account was read."""
        self.account = account
        self._held = held
        self._last: Entry | None = None
        self._last_debit_forced: bool | None = None

    def step(self, entry: Entry, transaction: Transaction | None) -> Iterator[Difference]:
        """Take the next entry, with the transaction it names (None: there is no such transaction)."""
        yield from self._chain(entry)
        yield from _source(entry, transaction)
        if entry.amount < 0 and entry.type is not TransactionType.HOLD_CAPTURE:
            self._last_debit_forced = transaction is not None and transaction.forced_by is not None
        self._last = entry

    def end(self) -> Iterator[Difference]:
        """Compare the account with its last entry, and what is held with its open holds.

        Every unforced debit and every new hold leaves the available balance at zero or above; only a forced debit
        takes it further down, and the capture of a hold leaves it where it was. So where it is below zero, the last
        debit that was no capture must have been forced; or there was none, and a new account has not reached its
        minimum balance yet.
        """
        account, last = self.account, self._last
        name = f"account {account.id}"
        yield from _compare(Kind.NUMBERING, f"{name} last entry", account.seq, last.seq if last else 0)
        yield from _compare(Kind.ACCOUNT_BALANCE, name, last.balance_after if last else 0, account.balance)
        yield from _compare(Kind.LAST_ENTRY, f"{name} time", last and last.created_at, account.last_entry_at)
        yield from _compare(
            Kind.LAST_ENTRY, f"{name} business date", last and last.business_date, account.business_date
        )
        yield from _compare(Kind.HELD, name, self._held, account.held)
        if account.status is AccountStatus.CLOSED:
            yield from _compare(Kind.AVAILABLE, f"{name}, closed", (0, 0), (account.balance, account.held))
        elif account.available < 0 and not self._may_be_short():
            yield Difference(Kind.AVAILABLE, name, "0 or more, or a forced debit", str(account.available))

    def _may_be_short(self) -> bool:
        if self._last_debit_forced is None:
            return self.account.available + self.account.minimum_balance >= 0
        return self._last_debit_forced

    def _chain(self, entry: Entry) -> Iterator[Difference]:
        last, subject = self._last, _subject(entry)
        yield from _compare(Kind.NUMBERING, subject, (last.seq if last else 0) + 1, entry.seq)
        balance = (last.balance_after if last else 0) + entry.amount
        yield from _compare(Kind.ENTRY_BALANCE, subject, balance, entry.balance_after)
        yield from _compare(Kind.ENTRY_CURRENCY, subject, self.account.currency, entry.currency)
        if last and entry.created_at < last.created_at:
            yield Difference(Kind.ENTRY_TIME, subject, f"{last.created_at} or later", str(entry.created_at))
        if last and entry.business_date < last.business_date:
            yield Difference(Kind.BUSINESS_DATE, subject, f"{last.business_date} or later", entry.business_date)


def check_transaction(transaction: Transaction, entries: Mapping[str, Entry]) -> Iterator[Difference]:
    """Check that postings sum to zero per currency, and that each has an entry that says the same and names it.

    That no two share an entry is checked from the entries' side.
    """
    sums: defaultdict[str, int] = defaultdict(int)
    for posting in transaction.postings:
        sums[posting.currency] += posting.amount
    for currency, total in sums.items():
        yield from _compare(Kind.UNBALANCED, f"transaction {transaction.id} in {currency}", 0, total)
    touched = {base_account(posting.account_id) for posting in transaction.postings}
    if touched and base_account(transaction.account_id) not in touched:
        yield Difference(
            Kind.SUBJECT, f"transaction {transaction.id}", f"one of {sorted(touched)}", transaction.account_id
        )
    for posting in transaction.postings:
        subject = f"transaction {transaction.id} entry {posting.entry_id}"
        entry = entries.get(posting.entry_id)
        found = f"{_posting_of(entry)} of transaction {entry.transaction_id}" if entry else None
        yield from _compare(Kind.POSTING, subject, f"{posting} of transaction {transaction.id}", found)


def check_reversal(reversal: Transaction, original: Transaction | None) -> Iterator[Difference]:
    """Check that a reversal names a transaction and posts exactly the opposite of it.

    Internal accounts are compared without their stripe: a reversal is posted by whichever writer it comes to.
    """
    subject = f"transaction {reversal.id} which reverses {reversal.reverses}"
    expected = sorted(_legs(original, sign=-1)) if original else "a transaction to reverse"
    yield from _compare(Kind.REVERSAL, subject, expected, sorted(_legs(reversal)) if original else None)


def check_total(currency: str, total: int) -> Iterator[Difference]:
    """Check that all accounts of a currency, the bank's own included, sum to zero."""
    yield from _compare(Kind.TOTAL, currency, 0, total)


def _source(entry: Entry, transaction: Transaction | None) -> Iterator[Difference]:
    """Check that an entry stems from exactly one posting of the transaction it names, made in the same moment."""
    subject = f"{_subject(entry)} of transaction {entry.transaction_id}"
    if transaction is None:
        yield Difference(Kind.ENTRY_SOURCE, subject, "the transaction", "none")
        return
    postings = [posting for posting in transaction.postings if posting.entry_id == entry.id]
    yield from _compare(Kind.ENTRY_SOURCE, subject, _posting_of(entry), postings[0] if len(postings) == 1 else postings)
    yield from _compare(Kind.ENTRY_TIME, subject, transaction.created_at, entry.created_at)
    yield from _compare(Kind.BUSINESS_DATE, subject, transaction.business_date, entry.business_date)
    yield from _compare(Kind.ENTRY_DETAIL, f"{subject} value date", transaction.value_date, entry.value_date)
    yield from _compare(Kind.ENTRY_DETAIL, f"{subject} type", transaction.type, entry.type)
    yield from _compare(Kind.ENTRY_DETAIL, f"{subject} description", transaction.description, entry.description)
    yield from _compare(
        Kind.ENTRY_DETAIL, f"{subject} counterparty", _other_side(entry, transaction), entry.counterparty
    )


def _other_side(entry: Entry, transaction: Transaction) -> str | None:
    """Return the other customer's account of a transaction, where there is exactly one; else the one other account."""
    others = {posting.account_id for posting in transaction.postings} - {entry.account_id}
    if len(others) > 1:
        others = {account_id for account_id in others if not is_internal(account_id)}
    return base_account(others.pop()) if len(others) == 1 else None


def _posting_of(entry: Entry) -> Posting:
    return Posting(entry.account_id, entry.amount, entry.currency, entry.id)


def _legs(transaction: Transaction, *, sign: int = 1) -> list[tuple[str, int, str]]:
    return [(base_account(each.account_id), sign * each.amount, each.currency) for each in transaction.postings]


def _subject(entry: Entry) -> str:
    return f"account {entry.account_id} entry {entry.seq}"


def _compare(kind: Kind, subject: str, expected: object, found: object) -> Iterator[Difference]:
    if expected != found:
        yield Difference(kind, subject, *("none" if each is None else str(each) for each in (expected, found)))
