"""The caller's second factor. Staff who must have one and don't get in here, and nowhere else."""

from __future__ import annotations

from typing import Any

from app.controllers import mfa
from app.domain.errors import (
    CodeLocked,
    InvalidCode,
    InvalidCredentials,
    LoginLocked,
    MfaAlreadyEnrolled,
    MfaNotEnrolled,
    RateLimited,
    ServerBusy,
    StateConflict,
)
from app.domain.second_factor import Enrolment, MfaState
from app.schemas.mfa import CodeIn, EnrolmentOut, MfaDisableIn, MfaOut, PasswordProofIn, RecoveryCodesOut
from app.views.blueprint import Blueprint
from app.views.guards import ENROLLING, guard
from app.views.http import actor, store
from app.views.rate_limits import rate_limited_for_user

bp = Blueprint("mfa", __name__, url_prefix="/auth/mfa", description="The caller's second factor.")
guard(bp, ENROLLING)


@bp.get("")
@bp.response(200, MfaOut)
def show_mfa() -> MfaState:
    """Tell whether the caller has an authenticator, and has to."""
    return mfa.get_state(store(), actor())


@bp.post("/enrol")
@rate_limited_for_user("login")
@bp.arguments(PasswordProofIn)
@bp.response(200, EnrolmentOut)
@bp.refuses(InvalidCredentials, LoginLocked, MfaAlreadyEnrolled, RateLimited, ServerBusy)
def enrol(body: dict[str, str]) -> Enrolment:
    """Begin with an authenticator; it counts once a code of it is sent to /auth/mfa/confirm."""
    return mfa.enrol(store(), actor(), body["password"])


@bp.post("/confirm")
@bp.arguments(CodeIn)
@bp.response(200, RecoveryCodesOut)
@bp.refuses(InvalidCode, CodeLocked, MfaAlreadyEnrolled, MfaNotEnrolled, StateConflict)
def confirm(body: dict[str, str]) -> dict[str, Any]:
    """Let the new authenticator count, and end every session of this user: log in anew, with a code."""
    return {"recovery_codes": mfa.confirm(store(), actor(), body["code"])}


@bp.post("/disable")
@rate_limited_for_user("login")
@bp.arguments(MfaDisableIn)
@bp.response(204)
@bp.refuses(InvalidCredentials, LoginLocked, InvalidCode, CodeLocked, MfaNotEnrolled, RateLimited, StateConflict)
@bp.refuses(ServerBusy)
def disable(body: dict[str, str]) -> None:
    """Do without an authenticator, and end every session of this user."""
    mfa.disable(store(), actor(), body["password"], body["code"])


@bp.post("/recovery-codes")
@bp.arguments(CodeIn)
@bp.response(200, RecoveryCodesOut)
@bp.refuses(InvalidCode, CodeLocked, MfaNotEnrolled, StateConflict)
def renew_recovery_codes(body: dict[str, str]) -> dict[str, Any]:
    """Replace the recovery codes by a new set."""
    return {"recovery_codes": mfa.renew_recovery_codes(store(), actor(), body["code"])}
