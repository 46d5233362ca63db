"""Accounts opened at the counter."""

from __future__ import annotations

from typing import Any

from app.controllers.opening import OpeningOrder, open_for_customers
from app.domain.errors import (
    AccountNumberTaken,
    BalanceOutOfRange,
    CustomerNotActive,
    NotFound,
    ProductNotAvailable,
    StateConflict,
    TooManyAccounts,
)
from app.schemas.accounts import HeldAccountOut, OpeningIn
from app.schemas.approvals import ApprovalOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, idempotency_key, opened, store

bp = Blueprint("banker_openings", __name__, url_prefix="/banker/accounts", description="Every customer's account.")
guard(bp, BANKER)


@bp.post("")
@bp.arguments(OpeningIn)
@bp.moves_money
@bp.refuses(AccountNumberTaken, BalanceOutOfRange, CustomerNotActive, NotFound, ProductNotAvailable)
@bp.refuses(StateConflict, TooManyAccounts)
@bp.response(201, HeldAccountOut, instead={202: ApprovalOut})
def open_account(body: dict[str, Any]) -> Any:
    """Open an account for customers, with cash on it where they bring some; much cash needs a second person."""
    return opened(open_for_customers(store(), actor(), OpeningOrder(**body, idempotency_key=idempotency_key())))
