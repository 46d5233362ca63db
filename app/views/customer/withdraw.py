"""Cash paid out."""

from __future__ import annotations

from typing import Any

from app.controllers.withdraw import withdraw
from app.domain.errors import AccountBlocked, AccountClosed, AccountFrozen, InsufficientFunds, NotFound
from app.domain.movements import Movement
from app.schemas.transactions import MovementIn, MovementOut
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, idempotency_key, recorded, store

bp = Blueprint("withdraw", __name__, url_prefix="/withdraw", description="Cash paid out.")
guard(bp, CUSTOMER)


@bp.post("")
@bp.arguments(MovementIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountFrozen, InsufficientFunds, NotFound)
@bp.response(201, MovementOut)
def create_withdrawal(body: dict[str, str]) -> Any:
    """Pay cash out of one of the caller's accounts; where none is named, out of the primary one."""
    return recorded(withdraw(store(), actor(), Movement(**body, idempotency_key=idempotency_key())))
