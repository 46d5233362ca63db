"""All customers' history, and transactions with both their sides."""

from __future__ import annotations

from typing import Any

from app.controllers import oversight
from app.domain.errors import NotFound
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.transactions import OverseenHistoryQuery, OverseenMovementOut, TransactionOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import store

bp = Blueprint(
    "banker_transactions", __name__, url_prefix="/banker/transactions", description="All customers' history."
)
guard(bp, BANKER)


@bp.get("")
@bp.arguments(OverseenHistoryQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(OverseenMovementOut))
def list_transactions(query: dict[str, Any]) -> Page[oversight.OverseenLine]:
    """List the lines of customers' accounts, newest first, each with its customer."""
    return oversight.list_transactions(store(), **query)


@bp.get("/<transaction_id>")
@bp.refuses(NotFound)
@bp.response(200, TransactionOut)
def show_transaction(transaction_id: str) -> oversight.WholeTransaction:
    """Show a whole transaction: every leg, the bank's own included."""
    return oversight.get_transaction(store(), transaction_id)
