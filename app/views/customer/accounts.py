"""The customer's accounts."""

from __future__ import annotations

from typing import Any

from app.controllers import accounts
from app.controllers.balance import Balance, get_balance, get_balance_at
from app.domain.account_views import AccountView
from app.domain.errors import AccountClosed, NotFound, TimeNotSettled
from app.schemas.accounts import AccountBalanceOut, AccountChangeIn, AccountListOut, AccountOut, BalanceAtQuery
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint("accounts", __name__, url_prefix="/accounts", description="The customer's accounts.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.response(200, AccountListOut)
def list_accounts() -> dict[str, Any]:
    """List the caller's accounts."""
    return {"items": accounts.list_accounts(store(), actor()), "next_cursor": None}


@bp.get("/<number>")
@bp.refuses(NotFound)
@bp.response(200, AccountOut)
def show_account(number: str) -> AccountView:
    """Show one of the caller's accounts."""
    return accounts.get_account(store(), actor(), number)


@bp.patch("/<number>")
@bp.arguments(AccountChangeIn)
@bp.refuses(NotFound)
@bp.response(200, AccountOut)
def change_account(body: dict[str, Any], number: str) -> AccountView:
    """Give one of the caller's accounts a name, which all its holders see."""
    return accounts.change_account(store(), actor(), number, body)


@bp.post("/<number>/primary")
@bp.refuses(NotFound, AccountClosed)
@bp.response(200, AccountOut)
def choose_primary(number: str) -> AccountView:
    """Let this account serve where the caller names none."""
    return accounts.choose_primary(store(), actor(), number)


@bp.get("/<number>/balance")
@bp.arguments(BalanceAtQuery, location="query")
@bp.refuses(NotFound, TimeNotSettled)
@bp.response(200, AccountBalanceOut)
def show_balance(query: dict[str, Any], number: str) -> Balance:
    """Show the balance of one of the caller's accounts: now, at a past instant, or at the end of a business day."""
    at = query.get("at")
    return get_balance_at(store(), actor(), number, at) if at else get_balance(store(), actor(), number)
