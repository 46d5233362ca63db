"""The balance of an account."""

from __future__ import annotations

from app.controllers.balance import Balance, get_balance
from app.domain.errors import NotFound
from app.schemas.accounts import BalanceOut, BalanceQuery
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint("balance", __name__, url_prefix="/balance", description="What an account holds now.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.arguments(BalanceQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, BalanceOut)
def show_balance(query: dict[str, str]) -> Balance:
    """Show the balance of one of the caller's accounts; where none is named, of the primary one."""
    return get_balance(store(), actor(), query.get("account"))
