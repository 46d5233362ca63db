"""Builders of exchange rates."""

from __future__ import annotations

from app.domain.fx import FxRate
from app.domain.ids import session_id
from app.models.store import Store


def a_rate(store: Store, base: str = "EUR", quote: str = "USD", rate: str = "1.25", spread: str = "0.01") -> FxRate:
    """Let a rate count from now on."""
    now = store.clock.now()
    for currency in (base, quote):
        store.accounts.ensure_internal(currency, now=now)
    made = FxRate(
        id=session_id(now),
        base=base,
        quote=quote,
        rate=rate,
        spread=spread,
        valid_from=now,
        set_by="admin",
        set_at=now,
    )
    store.fx_rates.insert(made)
    return made
