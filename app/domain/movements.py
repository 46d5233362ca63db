"""Deposits and withdrawals: what a request for one becomes for the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.accounts import AccountRef, InternalAccount
from app.domain.actor import Actor
from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.requests import intent_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A request to pay cash in or out, as it was sent: `amount` in plain decimals, `account` if one was named."""

    amount: str
    description: str | None = None
    account: str | None = None
    idempotency_key: str | None = None


def cash_movement(type_: TransactionType, movement: Movement, account: AccountRef, actor: Actor) -> Post:
    """Return the intent of paying cash into an account (DEPOSIT) or out of it (WITHDRAWAL).

    Raises:
        ValidationFailed: the amount is not one of the account's currency.
    """
    money = Money.parse(movement.amount, account.currency)
    amount = money.amount_minor if type_ is TransactionType.DEPOSIT else -money.amount_minor
    sent = {"account": movement.account, "amount_minor": money.amount_minor, "description": movement.description}
    return Post(
        **intent_facts(actor, movement.idempotency_key, str(type_), sent),
        description=movement.description,
        type=type_,
        account_id=account.id,
        legs=(
            Leg(account.id, amount, account.currency),
            Leg(f"{InternalAccount.CASH}-{account.currency}", -amount, account.currency),
        ),
    )
