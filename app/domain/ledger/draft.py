"""One transaction in the making: legs posted to copies of the accounts, then recorded whole or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.accounts import NO_LIMITS, NOTHING_SPENT, Account, AccountKind, Spent, base_account
from app.domain.errors import BalanceOutOfRange, InsufficientFunds
from app.domain.ids import entry_id
from app.domain.ledger.book import Book, Recorded
from app.domain.ledger.checks import require_holder, require_open_for, require_within_limits
from app.domain.ledger.intents import Intent, Leg
from app.domain.ledger.records import Entry, Posting, Transaction, TransactionType
from app.domain.money import AMOUNT_MINOR_MAX, BALANCE_MINOR_MAX


@dataclass(frozen=True, slots=True)
class Moment:
    """When a batch is posted: the instant, and the bank's calendar day of it."""

    now: datetime
    business_date: str


@dataclass(slots=True)
class _Copy:
    """An account as this transaction leaves it, so far; the figures that every leg changes stand apart.

    `spent` is what this transaction takes. `terms` are the fields that it changes and postings don't.
    """

    account: Account
    balance: int
    held: int
    seq: int
    spent: Spent = NOTHING_SPENT
    terms: dict[str, Any] | None = None
    has_moved: bool = False

    @property
    def available(self) -> int:
        account = self.account
        return self.balance - self.held + account.overdraft_limit - account.minimum_balance

    def spent_on(self, business_date: str) -> Spent:
        """Return what has left the account on a day, this transaction included.

        What goes round all day may pass the ledger's range; no limit is that high, and the count stops there.
        """
        before, now = self.account.spent, self.spent
        if self.account.business_date != business_date or before is NOTHING_SPENT:
            return now
        if now is NOTHING_SPENT:
            return before
        withdrawn = min(before.withdrawn + now.withdrawn, BALANCE_MINOR_MAX)
        return Spent(withdrawn, min(before.transferred + now.transferred, BALANCE_MINOR_MAX))


class Draft:
    """A transaction being worked out on copies of the accounts: dropped on a refusal, recorded at the end."""

    def __init__(self, book: Book, intent: Intent, moment: Moment) -> None:
        self._book = book
        self._intent = intent
        self._moment = moment
        self._copies: dict[str, _Copy] = {}
        self._moves: list[tuple[Account, Leg, int, int]] = []

    def account(self, account_id: str) -> Account:
        """Return an account as it was before this transaction, or raise NotFound."""
        return self._copy(account_id).account

    def open(self, account: Account) -> None:
        """Add an account that was not there before."""
        self._copies[account.id] = _Copy(account, account.balance, account.held, account.seq)

    def hold(self, account_id: str, amount: int) -> None:
        """Set money aside on an account or, where `amount` is negative, let it go."""
        copy = self._copy(account_id)
        if amount > 0 and amount > copy.available:
            raise InsufficientFunds
        copy.held += amount

    def change_terms(self, account_id: str, **terms: Any) -> None:
        """Change what postings don't: status, limits, holders and the like."""
        copy = self._copy(account_id)
        copy.terms = {**(copy.terms or {}), **terms}

    def move(
        self, leg: Leg, *, forced: bool = False, is_covered: bool = False, limited_as: TransactionType | None = None
    ) -> None:
        """Post one leg: number it, and refuse what the account or its balance does not allow.

        `is_covered` says that the money had been set aside: such a debit leaves what is available as it was.
        `limited_as` names the kind of debit that the account's limits bound.
        """
        copy = self._copy(leg.account_id)
        account, amount = copy.account, leg.amount
        if amount < 0 and account.kind is AccountKind.CUSTOMER:
            require_holder(account, self._intent)
        require_open_for(account, amount, self._intent, leg.currency)
        if amount == 0 or abs(amount) > AMOUNT_MINOR_MAX:
            raise BalanceOutOfRange
        if amount < 0 and limited_as is not None and account.kind is AccountKind.CUSTOMER:
            self._spend(copy, -amount, limited_as)
        copy.balance += amount
        copy.seq += 1
        copy.has_moved = True
        if abs(copy.balance) > BALANCE_MINOR_MAX:
            raise BalanceOutOfRange
        if amount < 0 and copy.available < 0 and not (forced or is_covered):
            raise InsufficientFunds
        self._moves.append((account, leg, copy.seq, copy.balance))

    def record(
        self,
        type_: TransactionType,
        account_id: str,
        *,
        hold_id: str | None = None,
        reverses: str | None = None,
        forced_by: str | None = None,
        value_date: str | None = None,
    ) -> Recorded:
        """Give the moves their time, entries and transaction, and hand everything to the book.

        The time never falls behind an earlier entry of an account, nor the business date behind its last one.
        """
        created_at, business_date = self._when()
        value_date = value_date or business_date
        intent = self._intent
        entries = tuple(
            self._entry(index, move, type_, created_at, business_date, value_date)
            for index, move in enumerate(self._moves)
        )
        transaction = Transaction(
            id=intent.id,
            type=type_,
            account_id=account_id,
            postings=tuple(Posting(each.account_id, each.amount, each.currency, each.id) for each in entries),
            description=intent.description,
            initiated_by=intent.initiated_by,
            channel=intent.channel,
            fingerprint=intent.fingerprint,
            branch=intent.branch,
            hold_id=hold_id,
            reverses=reverses,
            forced_by=forced_by,
            metadata=intent.metadata,
            business_date=business_date,
            value_date=value_date,
            created_at=created_at,
        )
        accounts = [self._final(copy, created_at, business_date) for copy in self._copies.values()]
        changed_terms = [copy.account.id for copy in self._copies.values() if copy.terms]
        return self._book.record(transaction, entries, accounts, changed_terms=changed_terms)

    def _entry(
        self,
        index: int,
        move: tuple[Account, Leg, int, int],
        type_: TransactionType,
        created_at: datetime,
        business_date: str,
        value_date: str,
    ) -> Entry:
        account, leg, seq, balance = move
        other = self._counterparty(account)
        return Entry(
            id=entry_id(created_at, seq, self._intent.id, index),
            account_id=account.id,
            seq=seq,
            transaction_id=self._intent.id,
            amount=leg.amount,
            currency=leg.currency,
            balance_after=balance,
            type=type_,
            description=self._intent.description,
            counterparty=base_account(other.id) if other else None,
            counterparty_name=other.masked_holders if other else None,
            business_date=business_date,
            value_date=value_date,
            created_at=created_at,
        )

    def _copy(self, account_id: str) -> _Copy:
        name = self._book.resolve(account_id)
        copy = self._copies.get(name)
        if copy is None:
            account = self._book.account(name)
            copy = self._copies[name] = _Copy(account, account.balance, account.held, account.seq)
        return copy

    def _spend(self, copy: _Copy, amount: int, kind: TransactionType) -> None:
        withdrawn, transferred = copy.spent
        if kind is TransactionType.WITHDRAWAL:
            copy.spent = Spent(withdrawn + amount, transferred)
        else:
            copy.spent = Spent(withdrawn, transferred + amount)
        if copy.account.limits is not NO_LIMITS:
            business_date = max(self._moment.business_date, copy.account.business_date or "")
            require_within_limits(copy.account.limits, copy.spent, copy.spent_on(business_date))

    def _when(self) -> tuple[datetime, str]:
        created_at, business_date = self._moment.now, self._moment.business_date
        for copy in self._copies.values():
            if copy.account.last_entry_at is not None:
                created_at = max(created_at, copy.account.last_entry_at)
            if copy.account.business_date is not None:
                business_date = max(business_date, copy.account.business_date)
        return created_at, business_date

    def _counterparty(self, account: Account) -> Account | None:
        """Return the other customer's account, where there is exactly one; else the one other account."""
        others = [copy.account for copy in self._copies.values() if copy.account is not account]
        if len(others) > 1:
            others = [other for other in others if other.kind is AccountKind.CUSTOMER]
        return others[0] if len(others) == 1 else None

    @staticmethod
    def _final(copy: _Copy, created_at: datetime, business_date: str) -> Account:
        account = copy.account._replace(**copy.terms) if copy.terms else copy.account
        if not copy.has_moved:
            return account._replace(held=copy.held)
        return account._replace(
            balance=copy.balance,
            held=copy.held,
            spent=copy.spent_on(business_date),
            seq=copy.seq,
            last_entry_at=created_at,
            business_date=business_date,
        )
