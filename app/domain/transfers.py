"""Transfers: what a request to move money from account to account becomes for the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.accounts import AccountRef
from app.domain.actor import Actor
from app.domain.fx import Quote
from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.requests import intent_facts

ROUTE = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """A request for a transfer, as it was sent: `amount` in plain decimals, `source` if one was named.

    `reference` goes from end to end: both sides see it beside their lines. `quote` is the id of what the
    bank promised in the target's currency, `confirmation` that of the customer's word for exactly this.
    """

    to: str
    amount: str
    source: str | None = None
    description: str | None = None
    reference: str | None = None
    quote: str | None = None
    confirmation: str | None = None
    idempotency_key: str | None = None


def transfer_intent(
    order: TransferOrder, source: AccountRef, target: str, actor: Actor, *, quote: Quote | None = None
) -> Post:
    """Return the intent of a transfer in the currency of its source, or by the quote that it names.

    Raises:
        ValidationFailed: the amount is not one of the source's currency.
    """
    money = Money.parse(order.amount, source.currency)
    sent = {
        "from": order.source,
        "to": order.to,
        "amount_minor": money.amount_minor,
        "description": order.description,
        "reference": order.reference,
        "quote": order.quote,
        "confirmation": order.confirmation,
    }
    told = {"reference": order.reference, "confirmation": order.confirmation}
    straight = (
        Leg(source.id, -money.amount_minor, source.currency),
        Leg(target, money.amount_minor, source.currency),
    )
    return Post(
        **intent_facts(actor, order.idempotency_key, ROUTE, sent),
        description=order.description,
        metadata={name: text for name, text in told.items() if text} | (quote.metadata() if quote else {}),
        type=TransactionType.TRANSFER,
        account_id=source.id,
        legs=quote.legs() if quote else straight,
    )
