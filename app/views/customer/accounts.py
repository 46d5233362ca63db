"""The customer's accounts."""

from __future__ import annotations

from typing import Any

from app.controllers import accounts
from app.domain.account_views import AccountView
from app.domain.errors import NotFound
from app.schemas.accounts import AccountListOut, AccountOut
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
