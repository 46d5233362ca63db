"""Builders of accounts and intents: what a test is about is said in its call, the rest comes from here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.domain.accounts import Account, AccountKind, AccountStatus, AccountType, Limits, new_account_number
from app.domain.ids import random_id, transaction_id
from app.domain.ledger.book import Outcome
from app.domain.ledger.intents import (
    Block,
    CaptureHold,
    ChangeHolders,
    ChangeStatus,
    ChangeTerms,
    Close,
    ExpireHold,
    Intent,
    Leg,
    Open,
    PlaceHold,
    Post,
    ReleaseHold,
    Reverse,
)
from app.domain.ledger.records import TransactionType
from app.models.posting import Request
from app.models.store import Store

OPENED_AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CASH = "cash"
ALICE = "alice"
BOB = "bob"


def account_state(**facts: Any) -> Account:
    """Return an account as the rules see it: a customer's, open, empty, in USD, with a new number; held by Alice."""
    defaults: dict[str, Any] = {
        "id": new_account_number(),
        "kind": AccountKind.CUSTOMER,
        "holders": (ALICE,),
        "type": AccountType.CHECKING,
        "currency": "USD",
        "opened_at": OPENED_AT,
    }
    return Account(**defaults | facts)


def an_account(store: Store, *, balance: int = 0, **facts: Any) -> str:
    """Open an account in the database, deposit `balance` minor units, and return its number."""
    account = account_state(**facts)
    store.accounts.insert(account, session=None)
    if balance:
        store.journal.post(deposit(account.id, balance, currency=account.currency))
    return account.id


def some_accounts(store: Store, count: int, *, balance: int = 0) -> list[str]:
    """Open many accounts with a deposit each, in few commands."""
    numbers = [an_account(store) for _ in range(count)]
    if balance:
        post_all(store, [deposit(number, balance) for number in numbers])
    return numbers


def post_all(store: Store, intents: Iterable[Intent]) -> list[Outcome]:
    """Post intents together."""
    return store.journal.post_many([Request(intent) for intent in intents])


def asked_by(initiator: str = ALICE, *, key: str | None = None, **facts: Any) -> dict[str, Any]:
    """Return what all intents tell, on the bank's own authority; `key` derives the id as an idempotency key does."""
    identity = transaction_id(initiator, key) if key else random_id()
    return {"id": identity, "fingerprint": "as sent", "initiated_by": initiator, "channel": "test", **facts}


def deposit(account_id: str, amount: int, *, currency: str = "USD", forced_by: str | None = None, **facts: Any) -> Post:
    """Return the intent of a deposit in cash."""
    legs = (Leg(account_id, amount, currency), Leg(f"{CASH}-{currency}", -amount, currency))
    return _post(TransactionType.DEPOSIT, account_id, legs, forced_by=forced_by, **facts)


def withdrawal(
    account_id: str, amount: int, *, currency: str = "USD", forced_by: str | None = None, **facts: Any
) -> Post:
    """Return the intent of a withdrawal in cash."""
    legs = (Leg(account_id, -amount, currency), Leg(f"{CASH}-{currency}", amount, currency))
    return _post(TransactionType.WITHDRAWAL, account_id, legs, forced_by=forced_by, **facts)


def transfer(source: str, target: str, amount: int, *, currency: str = "USD", **facts: Any) -> Post:
    """Return the intent of a transfer between two accounts."""
    legs = (Leg(source, -amount, currency), Leg(target, amount, currency))
    return _post(TransactionType.TRANSFER, source, legs, **facts)


def posting_of(account_id: str, *legs: Leg, **facts: Any) -> Post:
    """Return the intent of a posting with these legs."""
    return _post(TransactionType.TRANSFER, account_id, legs, **facts)


def hold(account_id: str, amount: int, *, expires_at: datetime | None = None, **facts: Any) -> PlaceHold:
    """Return the intent of setting money aside."""
    currency = facts.pop("currency", "USD")
    return PlaceHold(
        account_id=account_id, amount=amount, currency=currency, type="card", reason="a purchase",
        expires_at=expires_at, **asked_by(**facts),
    )  # fmt: skip


def capture(hold_id: str, amount: int | None, *, to: str = "cash-USD", final: bool = True, **facts: Any) -> CaptureHold:
    """Return the intent of taking money out of a hold."""
    return CaptureHold(hold_id=hold_id, amount=amount, to_account_id=to, final=final, **asked_by(**facts))


def release(hold_id: str, **facts: Any) -> ReleaseHold:
    """Return the intent of ending a hold."""
    return ReleaseHold(hold_id=hold_id, **asked_by(**facts))


def expiry(hold_id: str, **facts: Any) -> ExpireHold:
    """Return the intent of ending a hold whose time has passed."""
    return ExpireHold(hold_id=hold_id, **asked_by(**facts))


def reversal(transaction: str, *, forced_by: str | None = None, **facts: Any) -> Reverse:
    """Return the intent of undoing a transaction."""
    return Reverse(transaction_id=transaction, forced_by=forced_by, **asked_by(**facts))


def status_change(
    account_id: str, status: AccountStatus, *, only_from: tuple[AccountStatus, ...] = (), **facts: Any
) -> ChangeStatus:
    """Return the intent of freezing or unfreezing an account."""
    return ChangeStatus(account_id=account_id, status=status, only_from=only_from, **asked_by(**facts))


def opening(account: Account, *, amount: int = 0, **facts: Any) -> Open:
    """Return the intent of opening an account, with so much cash on it."""
    return Open(account=account, opening_amount=amount, **asked_by(**facts))


def closing(account_id: str, *, transfer_to: str | None = None, **facts: Any) -> Close:
    """Return the intent of closing an account."""
    return Close(account_id=account_id, transfer_to=transfer_to, **asked_by(**facts))


def new_terms(
    account_id: str,
    *,
    limits: Limits | None = None,
    overdraft_limit: int | None = None,
    minimum_balance: int | None = None,
    **facts: Any,
) -> ChangeTerms:
    """Return the intent of giving an account other terms."""
    terms = {"limits": limits, "overdraft_limit": overdraft_limit, "minimum_balance": minimum_balance}
    return ChangeTerms(account_id=account_id, **terms, **asked_by(**facts))


def new_holders(
    account_id: str, *, add: tuple[tuple[str, str | None], ...] = (), remove: tuple[str, ...] = (), **facts: Any
) -> ChangeHolders:
    """Return the intent of letting customers join an account or leave it."""
    return ChangeHolders(account_id=account_id, add=add, remove=remove, **asked_by(**facts))


def block(*account_ids: str, holder: str = ALICE, blocked: bool = True, **facts: Any) -> Block:
    """Return the intent of blocking a suspended holder's accounts, or of unblocking them."""
    return Block(account_ids=account_ids, holder=holder, blocked=blocked, **asked_by(**facts))


def _post(
    type_: TransactionType, account_id: str, legs: tuple[Leg, ...], *, forced_by: str | None = None, **facts: Any
) -> Post:
    value_date = facts.pop("value_date", None)
    return Post(
        type=type_, account_id=account_id, legs=legs, forced_by=forced_by, value_date=value_date, **asked_by(**facts)
    )
