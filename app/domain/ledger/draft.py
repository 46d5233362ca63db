"""One transaction in the making: legs posted to copies of the accounts, then recorded whole or dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.accounts import Account, AccountKind, base_account
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


class Draft:
    """A transaction being worked out on copies of the accounts: dropped on a refusal, recorded at the end."""

    def __init__(self, book: Book, intent: Intent, moment: Moment) -> None:
        self._book = book
        self._intent = intent
        self._moment = moment
        self._accounts: dict[str, Account] = {}
        self._moves: list[tuple[Account, Leg]] = []

    def account(self, account_id: str) -> Account:
        return self._accounts.get(self._book.resolve(account_id)) or self._book.account(account_id)

    def put(self, account: Account) -> None:
        self._accounts[account.id] = account

    def move(self, leg: Leg, *, forced: bool = False) -> None:
        """Post one leg: number it, and refuse what the account or its balance does not allow."""
        account = self.account(leg.account_id)
        require_open_for(account, leg.amount, self._intent, leg.currency)
        if leg.amount == 0 or abs(leg.amount) > AMOUNT_MINOR_MAX:
            raise BalanceOutOfRange
        if leg.amount < 0 and account.kind is AccountKind.CUSTOMER:
            require_holder(account, self._intent)
        moved = replace(account, balance=account.balance + leg.amount, seq=account.seq + 1)
        if abs(moved.balance) > BALANCE_MINOR_MAX:
            raise BalanceOutOfRange
        if leg.amount < 0 and moved.available < 0 and not forced:
            raise InsufficientFunds
        self.put(moved)
        self._moves.append((moved, leg))

    def record(
        self,
        type_: TransactionType,
        account_id: str,
        *,
        description: str | None,
        hold_id: str | None = None,
        reverses: str | None = None,
        forced_by: str | None = None,
        value_date: str | None = None,
    ) -> Recorded:
        """Give the moves their time, entries and transaction, and hand everything to the book.

        The time never falls behind an earlier entry of an account, nor the business date behind its last one.
        """
        touched = self._accounts.values()
        created_at = max([self._moment.now, *(a.last_entry_at for a in touched if a.last_entry_at)])
        business_date = max([self._moment.business_date, *(a.business_date for a in touched if a.business_date)])
        intent = self._intent
        entries = tuple(
            Entry(
                id=entry_id(created_at, account.seq),
                account_id=account.id,
                seq=account.seq,
                transaction_id=intent.id,
                amount=leg.amount,
                currency=leg.currency,
                balance_after=account.balance,
                type=type_,
                description=description,
                counterparty=self._counterparty(account),
                business_date=business_date,
                value_date=value_date or business_date,
                created_at=created_at,
            )
            for account, leg in self._moves
        )
        transaction = Transaction(
            id=intent.id,
            type=type_,
            account_id=account_id,
            postings=tuple(Posting(e.account_id, e.amount, e.currency, e.id) for e in entries),
            description=description,
            initiated_by=intent.initiated_by,
            channel=intent.channel,
            fingerprint=intent.fingerprint,
            branch=intent.branch,
            hold_id=hold_id,
            reverses=reverses,
            forced_by=forced_by,
            metadata=intent.metadata,
            business_date=business_date,
            value_date=value_date or business_date,
            created_at=created_at,
        )
        moved = {account.id for account, _ in self._moves}
        return self._book.record(
            transaction,
            entries,
            [
                replace(account, last_entry_at=created_at, business_date=business_date)
                if account.id in moved
                else account
                for account in touched
            ],
        )

    def _counterparty(self, account: Account) -> str | None:
        """Name the other account, where there is exactly one."""
        others = {base_account(other.id) for other, _ in self._moves if other.id != account.id}
        return others.pop() if len(others) == 1 else None
