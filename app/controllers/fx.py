"""Exchange rates, and quotes of what an amount gives in another currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import FxRateUnavailable, SameAccount, ValidationFailed
from app.domain.fx import FxRate, Quote, pair_of, refuse_untimely
from app.domain.ids import random_id, session_id
from app.domain.money import Money
from app.domain.operations.fx_rate_change import FxRateChange
from app.domain.paging import Page
from app.models.four_eyes import submit
from app.models.payee_search import payee_of_payment
from app.models.payment_facts import read_payment_facts

if TYPE_CHECKING:
    from app.models.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteOrder:
    """A request for a quote, as it was sent: `amount` in plain decimals of the source's currency."""

    to: str
    amount: str
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOrder:
    """A request for a new rate, as it was sent; without `valid_from` it counts at once."""

    base: str
    quote: str
    rate: str
    spread: str
    valid_from: datetime | None = None
    idempotency_key: str | None = None


def set_rate(store: Store, actor: Actor, order: RateOrder) -> FxRate | Answered:
    """Add a rate, or ask for approval of it. It counts from its time on, until another of the pair does.

    A time that has passed when it is added becomes the present: what counted at a past instant never changes.

    Raises:
        ValidationFailed: `valid_from` lies too far back or ahead.
    """
    now = store.clock.now()
    refuse_untimely(order.valid_from, now=now)
    for currency in (order.base, order.quote):
        store.accounts.ensure_internal(currency, now=now)
    change = FxRateChange(
        rate_id=session_id(now),
        base=order.base,
        quote=order.quote,
        rate=order.rate,
        spread=order.spread,
        valid_from=order.valid_from,
        set_by=actor.user_id,
    )
    asked = submit(store, actor, change, idempotency_key=order.idempotency_key)
    return asked or store.fx_rates.get(change.rate_id)


def list_rates(store: Store, *, pair: str | None, limit: int, cursor: str | None) -> Page[FxRate]:
    """Return a page of all rates ever set, or of a pair's, the one set last first."""
    return store.fx_rates.page(pair=pair_of(*pair.split("-")) if pair else None, limit=limit, cursor=cursor)


def list_rates_in_force(store: Store, *, limit: int, cursor: str | None) -> Page[FxRate]:
    """Return a page of the rates that count now, by pair."""
    return store.fx_rates.page_in_force(now=store.clock.now(), limit=limit, cursor=cursor)


def give_quote(store: Store, actor: Actor, order: QuoteOrder) -> Quote:
    """Promise the customer what an amount gives in another currency; without a source, from the primary account.

    Raises:
        NotFound: the source does not exist, or is somebody else's.
        UnknownPayee: there is no account to pay to.
        RateLimited: the customer has named too many that nobody has.
        SameAccount: the two are one.
        FxRateUnavailable: the bank has no rate between their currencies.
        ValidationFailed: the currencies are one, or the amount is none of the source's currency, too small or too big.
    """
    customer_id = actor.as_customer()
    source = store.accounts.get_reachable(actor, order.source)
    if order.to == source.id:
        raise SameAccount
    target = payee_of_payment(store, customer_id, read_payment_facts(store, actor, order.to))
    if source.currency == target.currency:
        raise ValidationFailed(errors={"to": [f"Both accounts are in {source.currency}: no quote is needed."]})
    now = store.clock.now()
    rate = store.fx_rates.find_in_force(source.currency, target.currency, now=now)
    if rate is None:
        raise FxRateUnavailable
    money = Money.parse(order.amount, source.currency)
    accounts = (source.id, target.id)
    quote = Quote.of(rate, money, quote_id=random_id(), customer_id=customer_id, accounts=accounts, now=now)
    store.fx_quotes.insert(quote)
    return quote
