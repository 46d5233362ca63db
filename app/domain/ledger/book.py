"""The part of the ledger that a batch of intents touches, in memory, and what the batch adds to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from app.domain.accounts import Account, base_account, is_internal
from app.domain.errors import BankError, NotFound
from app.domain.ledger.intents import Intent
from app.domain.ledger.records import Entry, Hold, Transaction


@dataclass(frozen=True, slots=True)
class Recorded:
    """An intent's transaction. `replayed`: an earlier request with the same key had made it; nothing moved now."""

    transaction: Transaction
    entries: tuple[Entry, ...]
    replayed: bool = False

    def entry_of(self, account_id: str) -> Entry:
        """Return the first entry that the transaction made on an account."""
        return next(entry for entry in self.entries if entry.account_id == account_id)


Outcome = Recorded | BankError


@dataclass(slots=True)
class Book:
    """States read from storage, changed as intents are applied, and lists of what is new.

    `stripe` is the stripe of every internal account that this writer posts to. `reversals` maps a transaction's id to
    its reversal's. An account in `changed_terms` has changed in more than what postings change.
    """

    stripe: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    reversals: dict[str, str] = field(default_factory=dict)
    new_accounts: set[str] = field(default_factory=set)
    changed_accounts: set[str] = field(default_factory=set)
    changed_terms: set[str] = field(default_factory=set)
    changed_holds: set[str] = field(default_factory=set)
    new_transactions: list[Transaction] = field(default_factory=list)
    new_entries: list[Entry] = field(default_factory=list)

    def copy(self) -> Book:
        """Return a book to try an intent on, which leaves this one as it is."""
        return Book(
            stripe=self.stripe,
            accounts=dict(self.accounts),
            holds=dict(self.holds),
            transactions=dict(self.transactions),
            reversals=dict(self.reversals),
            new_accounts=set(self.new_accounts),
            changed_accounts=set(self.changed_accounts),
            changed_terms=set(self.changed_terms),
            changed_holds=set(self.changed_holds),
            new_transactions=list(self.new_transactions),
            new_entries=list(self.new_entries),
        )

    def become(self, trial: Book) -> None:
        """Take over all that a copy of this book has come to."""
        for each in fields(self):
            setattr(self, each.name, getattr(trial, each.name))

    def account(self, account_id: str) -> Account:
        """Return an account's present state; an internal one as this writer's stripe.

        Raises:
            NotFound: there is none.
        """
        account = self.accounts.get(self.resolve(account_id))
        if account is None:
            raise NotFound
        return account

    def hold(self, hold_id: str) -> Hold:
        """Return a hold's present state, or raise NotFound."""
        hold = self.holds.get(hold_id)
        if hold is None:
            raise NotFound
        return hold

    def resolve(self, account_id: str) -> str:
        """Return the document id behind an account's name: the number itself, or this writer's stripe."""
        return f"{base_account(account_id)}#{self.stripe:02d}" if is_internal(account_id) else account_id

    def record(
        self,
        transaction: Transaction,
        entries: tuple[Entry, ...],
        accounts: Iterable[Account],
        *,
        changed_terms: Iterable[str],
    ) -> Recorded:
        """Take over one accepted transaction: from here on it is what the next intent sees."""
        self.transactions[transaction.id] = transaction
        self.new_transactions.append(transaction)
        self.new_entries.extend(entries)
        if transaction.reverses is not None:
            self.reversals[transaction.reverses] = transaction.id
        for account in accounts:
            if account.id not in self.accounts:
                self.new_accounts.add(account.id)
            self.accounts[account.id] = account
            self.changed_accounts.add(account.id)
        self.changed_terms.update(changed_terms)
        return Recorded(transaction, entries)

    def put_hold(self, hold: Hold) -> None:
        self.holds[hold.id] = hold
        self.changed_holds.add(hold.id)

    def accounts_needed(self, intent: Intent) -> set[str]:
        """Name the account documents that the rules will read for an intent, its hold or original being known."""
        names = set(intent.accounts)
        if intent.refers_to in self.holds:
            names.add(self.holds[intent.refers_to].account_id)
        elif intent.refers_to in self.transactions:
            original = self.transactions[intent.refers_to]
            names |= {original.account_id, *(each.account_id for each in original.postings)}
        return {self.resolve(name) for name in names}
