"""The customer's own record."""

from __future__ import annotations

from typing import Any

from app.controllers import me
from app.domain.errors import (
    CodeLocked,
    InvalidCode,
    InvalidCredentials,
    LoginLocked,
    RateLimited,
    ServerBusy,
    StateConflict,
    StepUpRequired,
)
from app.schemas.customers import ContactIn, MeOut
from app.views.blueprint import Blueprint
from app.views.etags import if_match, tagged
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store
from app.views.rate_limits import rate_limited_for_user

bp = Blueprint("me", __name__, url_prefix="/me", description="The customer's own record.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.versioned
@bp.response(200, MeOut)
def show_me() -> Any:
    """Show what the bank knows of the caller."""
    return tagged(me.get_me(store(), actor()))


@bp.patch("")
@rate_limited_for_user("login")
@bp.arguments(ContactIn)
@bp.changes_version
@bp.refuses(InvalidCredentials, LoginLocked, InvalidCode, CodeLocked, StepUpRequired, RateLimited, ServerBusy)
@bp.refuses(StateConflict)
@bp.response(200, MeOut)
def change_me(body: dict[str, Any]) -> Any:
    """Change how the caller is reached; for e-mail address and phone number the password is needed, and whoever has an
    authenticator sends a code of it, too."""
    proof = {"current_password": body.pop("current_password", None), "code": body.pop("code", None)}
    return tagged(me.change_contact(store(), actor(), body, version=if_match(), **proof))
