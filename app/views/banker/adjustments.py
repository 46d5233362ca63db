"""Putting a balance right by hand."""

from __future__ import annotations

from typing import Any

from app.controllers import corrections
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    BalanceOutOfRange,
    InsufficientFunds,
    NotFound,
)
from app.schemas.approvals import ApprovalOut
from app.schemas.transactions import AdjustmentIn, MovementOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, idempotency_key, store, submitted

bp = Blueprint("banker_adjustments", __name__, url_prefix="/banker/adjustments", description="Balances put right.")
guard(bp, BANKER)


@bp.post("")
@bp.arguments(AdjustmentIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, BalanceOutOfRange)
@bp.refuses(InsufficientFunds, NotFound)
@bp.response(201, MovementOut, instead={202: ApprovalOut})
def create_adjustment(body: dict[str, str]) -> Any:
    """Put a balance right against the bank's adjustment account; a second person approves it."""
    number = body.pop("account")
    return submitted(corrections.adjust(store(), actor(), number, **body, idempotency_key=idempotency_key()))
