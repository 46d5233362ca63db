"""One transaction in the making: legs posted to copies of the accounts, then recorded whole or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.accounts import Account, AccountKind, AccountStatus, base_account
from app.domain.errors import BalanceOutOfRange, InsufficientFunds
from app.domain.ids import entry_id
from app.domain.ledger.book import Book, Recorded
from app.domain.ledger.checks import require_holder, require_open_for
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
    """An account's figures as this transaction leaves them, so far."""

    account: Account
    balance: int
    held: int
    seq: int
    has_moved: bool = False

    @property
    def available(self) -> int:
        return self.balance - self.held + self.account.overdraft_limit


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

    def hold(self, account_id: str, amount: int) -> None:
        """Set money aside on an account or, where `amount` is negative, let it go."""
        copy = self._copy(account_id)
        if amount > 0 and amount > copy.available:
            raise InsufficientFunds
        copy.held += amount

    def status(self, account_id: str, status: AccountStatus) -> None:
        copy = self._copy(account_id)
        copy.account = copy.account._replace(status=status)

    def move(self, leg: Leg, *, forced: bool = False, is_covered: bool = False) -> None:
        """Post one leg: number it, and refuse what the account or its balance does not allow.

        `is_covered` says that the money had been set aside: such a debit leaves what is available as it was.
        """
        copy = self._copy(leg.account_id)
        account, amount = copy.account, leg.amount
        if amount < 0 and account.kind is AccountKind.CUSTOMER:
            require_holder(account, self._intent)
        require_open_for(account, amount, self._intent, leg.currency)
        if amount == 0 or abs(amount) > AMOUNT_MINOR_MAX:
            raise BalanceOutOfRange
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
            Entry(
                id=entry_id(created_at, seq, intent.id, index),
                account_id=account.id,
                seq=seq,
                transaction_id=intent.id,
                amount=leg.amount,
                currency=leg.currency,
                balance_after=balance,
                type=type_,
                description=intent.description,
                counterparty=self._counterparty(account),
                business_date=business_date,
                value_date=value_date,
                created_at=created_at,
            )
            for index, (account, leg, seq, balance) in enumerate(self._moves)
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
        return self._book.record(transaction, entries, accounts)

    def _copy(self, account_id: str) -> _Copy:
        name = self._book.resolve(account_id)
        copy = self._copies.get(name)
        if copy is None:
            account = self._book.account(name)
            copy = self._copies[name] = _Copy(account, account.balance, account.held, account.seq)
        return copy

    def _when(self) -> tuple[datetime, str]:
        created_at, business_date = self._moment.now, self._moment.business_date
        for copy in self._copies.values():
            if copy.account.last_entry_at is not None:
                created_at = max(created_at, copy.account.last_entry_at)
            if copy.account.business_date is not None:
                business_date = max(business_date, copy.account.business_date)
        return created_at, business_date

    def _counterparty(self, account: Account) -> str | None:
        """Name the other account, where there is exactly one."""
        others = [other for other in self._copies.values() if other.account is not account]
        return base_account(others[0].account.id) if len(others) == 1 else None

    @staticmethod
    def _final(copy: _Copy, created_at: datetime, business_date: str) -> Account:
        if not copy.has_moved:
            return copy.account._replace(held=copy.held)
        return copy.account._replace(
            balance=copy.balance,
            held=copy.held,
            seq=copy.seq,
            last_entry_at=created_at,
            business_date=business_date,
        )
