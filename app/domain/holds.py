"""Holds: what requests to place or release one become for the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.accounts import Account
from app.domain.actor import Actor
from app.domain.ledger.intents import PlaceHold, ReleaseHold
from app.domain.money import Money
from app.domain.requests import intent_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOrder:
    """A request to set money aside, as it was sent: `amount` in plain decimals."""

    amount: str
    type: str
    reason: str
    expires_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOrder:
    """A request to take money out of a hold: all that is left of it and into the bank's cash, unless it says other."""

    amount: str | None = None
    to: str | None = None
    final: bool | None = None
    idempotency_key: str | None = None


def place_intent(order: HoldOrder, account: Account, actor: Actor) -> PlaceHold:
    """Return the intent of setting money aside.

    Raises:
        ValidationFailed: the amount is not one of the account's currency.
    """
    money = Money.parse(order.amount, account.currency)
    sent = {
        "account": account.id,
        "amount_minor": money.amount_minor,
        "type": order.type,
        "reason": order.reason,
        "expires_at": order.expires_at.isoformat() if order.expires_at else None,
    }
    return PlaceHold(
        **intent_facts(actor, order.idempotency_key, "hold", sent),
        account_id=account.id,
        amount=money.amount_minor,
        currency=account.currency,
        type=order.type,
        reason=order.reason,
        expires_at=order.expires_at,
    )


def release_intent(hold_id: str, reason: str | None, actor: Actor, idempotency_key: str | None) -> ReleaseHold:
    """Return the intent of ending a hold without taking anything more."""
    sent = {"hold": hold_id, "reason": reason}
    facts = intent_facts(actor, idempotency_key, "hold release", sent)
    return ReleaseHold(**facts, hold_id=hold_id, description=reason)
