"""The bank's exchange rates, for everybody who is logged in."""

from __future__ import annotations

from typing import Any

from app.controllers import fx
from app.domain.fx import FxRate
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.fx import FxRateOut, FxRatesQuery
from app.views.blueprint import Blueprint
from app.views.guards import LOGGED_IN, guard
from app.views.http import store

bp = Blueprint("fx_rates", __name__, url_prefix="/fx-rates", description="The exchange rates that count now.")
guard(bp, LOGGED_IN)


@bp.get("")
@bp.arguments(FxRatesQuery, location="query")
@bp.response(200, page_of(FxRateOut))
def list_fx_rates_in_force(query: dict[str, Any]) -> Page[FxRate]:
    """List the rates that count now, by pair; each serves both directions."""
    return fx.list_rates_in_force(store(), **query)
