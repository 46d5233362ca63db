"""Whom the customer sends money to."""

from __future__ import annotations

from typing import Any

from app.controllers import payees
from app.domain.errors import (
    AccountClosed,
    NotFound,
    OwnAccount,
    PayeeExists,
    RateLimited,
    TooManyPayees,
    UnknownPayee,
)
from app.domain.payees import PayeeCheck, PayeeView
from app.schemas.payees import PayeeChangeIn, PayeeCheckOut, PayeeIn, PayeeListOut, PayeeOut, PayeeQuery
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint("payees", __name__, url_prefix="/payees", description="Whom the customer sends money to.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.response(200, PayeeListOut)
def list_payees() -> dict[str, Any]:
    """List the caller's saved payees."""
    return {"items": payees.list_payees(store(), actor()), "next_cursor": None}


@bp.post("")
@bp.arguments(PayeeIn)
@bp.refuses(AccountClosed, OwnAccount, PayeeExists, RateLimited, TooManyPayees, UnknownPayee)
@bp.response(201, PayeeOut)
def save_payee(body: dict[str, str]) -> PayeeView:
    """Save somebody else's account as a payee."""
    return payees.save_payee(store(), actor(), body["account"], body["label"])


@bp.get("/check")
@bp.arguments(PayeeQuery, location="query")
@bp.refuses(AccountClosed, RateLimited, UnknownPayee)
@bp.response(200, PayeeCheckOut)
def check_payee(query: dict[str, str]) -> PayeeCheck:
    """Tell whose account a number is, masked, before money is sent to it. A customer may ask so many times an hour."""
    return payees.check_payee(store(), actor(), query["account"])


@bp.patch("/<number>")
@bp.arguments(PayeeChangeIn)
@bp.refuses(NotFound)
@bp.response(200, PayeeOut)
def rename_payee(body: dict[str, str], number: str) -> PayeeView:
    """Give a saved payee another label."""
    return payees.rename_payee(store(), actor(), number, body["label"])


@bp.delete("/<number>")
@bp.refuses(NotFound)
@bp.response(204)
def remove_payee(number: str) -> None:
    """Forget a saved payee; the next payment to it needs to be confirmed like a first one."""
    payees.remove_payee(store(), actor(), number)
