"""Cash paid in."""

from __future__ import annotations

from typing import Any

from app.controllers.deposit import deposit
from app.domain.errors import AccountBlocked, AccountClosed, AccountFrozen, BalanceOutOfRange, NotFound
from app.domain.movements import Movement
from app.schemas.transactions import MovementIn, MovementOut
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, idempotency_key, recorded, store

bp = Blueprint("deposit", __name__, url_prefix="/deposit", description="Cash paid in.")
guard(bp, CUSTOMER)


@bp.post("")
@bp.arguments(MovementIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountFrozen, BalanceOutOfRange, NotFound)
@bp.response(201, MovementOut)
def create_deposit(body: dict[str, str]) -> Any:
    """Pay cash into one of the caller's accounts; where none is named, into the primary one."""
    return recorded(deposit(store(), actor(), Movement(**body, idempotency_key=idempotency_key())))
