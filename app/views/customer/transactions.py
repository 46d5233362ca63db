"""The history of the customer's accounts."""

from __future__ import annotations

from typing import Any

from app.controllers import history
from app.domain.errors import NotFound
from app.domain.lines import Line, LineInFull
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.transactions import LineOut, MovementOut, OwnHistoryQuery
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint("transactions", __name__, url_prefix="/transactions", description="What happened, newest first.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.arguments(OwnHistoryQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(MovementOut))
def list_transactions(query: dict[str, Any]) -> Page[Line]:
    """List the lines of the caller's accounts, newest first, or what an idempotency key of theirs did."""
    key = query.pop("idempotency_key", None)
    return history.find_by_key(store(), actor(), key) if key else history.list_transactions(store(), actor(), **query)


@bp.get("/<entry_id>")
@bp.refuses(NotFound)
@bp.response(200, LineOut)
def show_transaction(entry_id: str) -> LineInFull:
    """Show a line of the caller's accounts, by its id or its transaction's, with what that reverses or reversed it."""
    return history.get_transaction(store(), actor(), entry_id)
