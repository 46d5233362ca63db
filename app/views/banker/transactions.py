"""All customers' history, and transactions with both their sides."""

from __future__ import annotations

from typing import Any

from app.controllers import corrections, oversight
from app.domain.approvals import Answered
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    AlreadyReversed,
    BalanceOutOfRange,
    InsufficientFunds,
    NotFound,
    NotReversible,
)
from app.domain.paging import Page
from app.schemas.approvals import ApprovalOut
from app.schemas.base import page_of
from app.schemas.transactions import OverseenHistoryQuery, OverseenMovementOut, ReversalIn, TransactionOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, asked, idempotency_key, replayed, store

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
    """Show a whole transaction, by its id or a line's: every leg, the bank's own included."""
    return oversight.get_transaction(store(), transaction_id)


@bp.post("/<transaction_id>/reversal")
@bp.arguments(ReversalIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, AlreadyReversed, BalanceOutOfRange)
@bp.refuses(InsufficientFunds, NotFound, NotReversible)
@bp.response(201, TransactionOut, instead={202: ApprovalOut})
def create_reversal(body: dict[str, Any], transaction_id: str) -> Any:
    """Undo a transaction, by its id or a line's, by one of opposite postings; once, and approved by a second person."""
    result = corrections.reverse(store(), actor(), transaction_id, **body, idempotency_key=idempotency_key())
    if isinstance(result, Answered):
        return asked(result)
    return oversight.get_transaction(store(), result.transaction.id), 201, replayed(result)
