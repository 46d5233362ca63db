"""Confirming payments by a code, and from which amount that is asked for."""

from __future__ import annotations

from typing import Any

from app.controllers import confirmation_limit, confirmations
from app.domain.confirmations import Confirmation
from app.domain.errors import (
    CodeLocked,
    ConfirmationEnded,
    InvalidCode,
    MfaNotEnrolled,
    NotFound,
    RateLimited,
    SameAccount,
    StateConflict,
    StepUpRequired,
    UnknownPayee,
)
from app.schemas.confirmations import ConfirmationIn, ConfirmationLimitIn, ConfirmationLimitOut, ConfirmationOut
from app.schemas.mfa import CodeIn
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint("confirmations", __name__, url_prefix="/confirmations", description="Payments confirmed by a code.")
guard(bp, CUSTOMER)

limit_bp = Blueprint(
    "confirmation_limit",
    __name__,
    url_prefix="/me/confirmation-limit",
    description="The amount above which a transfer needs a code.",
)
guard(limit_bp, CUSTOMER)


@bp.post("")
@bp.arguments(ConfirmationIn)
@bp.response(201, ConfirmationOut)
@bp.refuses(MfaNotEnrolled, NotFound, RateLimited, SameAccount, UnknownPayee)
def ask_for_confirmation(body: dict[str, Any]) -> Confirmation:
    """Begin to confirm a transfer: the answer shows what a code will be good for, for five minutes."""
    return confirmations.ask(store(), actor(), source=body.get("source"), to=body["to"], amount=body["amount"])


@bp.post("/<confirmation_id>/confirm")
@bp.arguments(CodeIn)
@bp.response(200, ConfirmationOut)
@bp.refuses(CodeLocked, ConfirmationEnded, InvalidCode, MfaNotEnrolled, NotFound)
def confirm(body: dict[str, Any], confirmation_id: str) -> Confirmation:
    """Confirm with a code exactly what is shown; a transfer that names this confirmation uses it up."""
    return confirmations.confirm(store(), actor(), confirmation_id, body["code"])


@limit_bp.get("")
@limit_bp.response(200, ConfirmationLimitOut)
def show_limit() -> dict[str, Any]:
    """Show above which amount a transfer needs a confirmation."""
    return {"limit": confirmation_limit.get_limit(store(), actor())}


@limit_bp.put("")
@limit_bp.arguments(ConfirmationLimitIn)
@limit_bp.response(200, ConfirmationLimitOut)
@limit_bp.refuses(CodeLocked, InvalidCode, MfaNotEnrolled, StateConflict, StepUpRequired)
def change_limit(body: dict[str, Any]) -> dict[str, Any]:
    """Lower the limit, or raise it with a code."""
    return {"limit": confirmation_limit.change_limit(store(), actor(), body["limit"], body.get("code"))}
