"""Deposits and withdrawals: what a request for one becomes for the ledger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from app.domain.accounts import Account, InternalAccount
from app.domain.actor import Actor
from app.domain.ids import random_id, transaction_id
from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A request to pay cash in or out, as it was sent: `amount` in plain decimals, `account` if one was named."""

    amount: str
    description: str | None = None
    account: str | None = None
    idempotency_key: str | None = None


def cash_movement(type_: TransactionType, movement: Movement, account: Account, actor: Actor) -> Post:
    """Return the intent of paying cash into an account (DEPOSIT) or out of it (WITHDRAWAL).

    Without a key one is made up, so that even then a caller can be told how to retry. A customer acts for themselves;
    staff act at the counter with the bank's authority, and are recorded as who initiated it.

    Raises:
        ValidationFailed: the amount is not one of the account's currency.
    """
    money = Money.parse(movement.amount, account.currency)
    amount = money.amount_minor if type_ is TransactionType.DEPOSIT else -money.amount_minor
    key = movement.idempotency_key or random_id()
    return Post(
        id=transaction_id(actor.user_id, key),
        fingerprint=_fingerprint(type_, movement, money, actor),
        idempotency_key=key,
        initiated_by=actor.user_id,
        channel="counter" if actor.is_staff else "api",
        customer_id=actor.customer_id,
        description=movement.description,
        type=type_,
        account_id=account.id,
        legs=(
            Leg(account.id, amount, account.currency),
            Leg(f"{InternalAccount.CASH}-{account.currency}", -amount, account.currency),
        ),
    )


def _fingerprint(type_: TransactionType, movement: Movement, money: Money, actor: Actor) -> str:
    """Digest the route and the body as sent, the amount in minor units, before any default is filled in."""
    request = {
        "type": type_,
        "counter": actor.is_staff,
        "account": movement.account,
        "amount_minor": money.amount_minor,
        "description": movement.description,
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
