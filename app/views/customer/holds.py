"""Money set aside on the customer's accounts."""

from __future__ import annotations

from typing import Any

from app.controllers import holds
from app.domain.errors import NotFound
from app.domain.ledger.records import Hold
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.holds import HoldOut, HoldsQuery
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint("holds", __name__, url_prefix="/accounts", description="Money set aside on the customer's accounts.")
guard(bp, CUSTOMER)


@bp.get("/<number>/holds")
@bp.arguments(HoldsQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(HoldOut))
def list_holds(query: dict[str, Any], number: str) -> Page[Hold]:
    """List the holds on one of the caller's accounts, newest first."""
    return holds.list_holds(store(), actor(), number, **query)
