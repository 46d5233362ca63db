"""Exchange rates: set by administrators, kept for ever."""

from __future__ import annotations

from typing import Any

from app.controllers import fx
from app.domain.approvals import Answered
from app.domain.fx import FxRate
from app.domain.paging import Page
from app.schemas.approvals import ApprovalOut
from app.schemas.base import page_of
from app.schemas.fx import FxHistoryQuery, FxRateIn, SetFxRateOut
from app.views.blueprint import Blueprint
from app.views.guards import ADMIN, guard
from app.views.http import actor, asked, idempotency_key, store

bp = Blueprint("admin_fx_rates", __name__, url_prefix="/admin/fx-rates", description="The bank's exchange rates.")
guard(bp, ADMIN)


@bp.get("")
@bp.arguments(FxHistoryQuery, location="query")
@bp.response(200, page_of(SetFxRateOut))
def list_fx_rates(query: dict[str, Any]) -> Page[FxRate]:
    """List every rate that was ever set, the newest first."""
    return fx.list_rates(store(), **query)


@bp.post("")
@bp.arguments(FxRateIn)
@bp.moves_money
@bp.response(201, SetFxRateOut, instead={202: ApprovalOut})
def set_fx_rate(body: dict[str, Any]) -> Any:
    """Set the rate between two currencies, in both directions, from a time on; a second person approves it."""
    answer = fx.set_rate(store(), actor(), fx.RateOrder(**body, idempotency_key=idempotency_key()))
    return asked(answer) if isinstance(answer, Answered) else answer
