"""Registering, logging in and out, and the caller's own login and sessions."""

from __future__ import annotations

from typing import Any

from flask import request

from app.controllers import credentials, profile, registration, sessions
from app.domain.errors import (
    CodeLocked,
    DatabaseUnavailable,
    InvalidCode,
    InvalidCredentials,
    InvitationNotValid,
    LoginLocked,
    MfaRequired,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ResetCodeNotValid,
    ServerBusy,
    StateConflict,
    UsernameTaken,
)
from app.domain.paging import Page
from app.domain.sessions import Device, Grant
from app.domain.users import Profile
from app.schemas.auth import (
    LoginIn,
    PasswordIn,
    PasswordResetIn,
    RefreshIn,
    RegisterIn,
    RegistrationOut,
    SessionOut,
    SessionsQuery,
    TokensOut,
    UserOut,
    VerifyOut,
)
from app.schemas.base import page_of
from app.schemas.mfa import MfaLoginIn
from app.views.authentication import bearer_token, verified_token
from app.views.blueprint import Blueprint
from app.views.guards import LOGGED_IN, PUBLIC, guard
from app.views.http import actor, client_address, config, store
from app.views.rate_limits import rate_limited, rate_limited_for_user
from app.views.tokens import REFRESH, sign, verified_claims

USER_AGENT_LENGTH_MAX = 200

entrance = Blueprint("entrance", __name__, url_prefix="/auth", description="Register, log in, carry a session on.")
guard(entrance, PUBLIC)

bp = Blueprint("auth", __name__, url_prefix="/auth", description="The caller's own login and sessions.")
guard(bp, LOGGED_IN)


@entrance.post("/register")
@rate_limited("register")
@entrance.arguments(RegisterIn)
@entrance.response(201, RegistrationOut)
@entrance.refuses(UsernameTaken, InvitationNotValid, RateLimited, ServerBusy, DatabaseUnavailable)
def register(body: dict[str, Any]) -> registration.Registration:
    """Become a customer, with a first checking account."""
    return registration.register(store(), **body)


@entrance.post("/login")
@rate_limited("login")
@entrance.arguments(LoginIn)
@entrance.response(200, TokensOut)
@entrance.refuses(InvalidCredentials, LoginLocked, MfaRequired, RateLimited, ServerBusy, DatabaseUnavailable)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Begin a session: a short-lived access token, and a refresh token to carry it on. Whoever has an authenticator
    gets a ticket first (`mfa_required`), to send to /auth/login/mfa within five minutes."""
    return _signed(credentials.log_in(store(), body["username"], body["password"], _device()))


@entrance.post("/login/mfa")
@rate_limited("login")
@entrance.arguments(MfaLoginIn)
@entrance.response(200, TokensOut)
@entrance.refuses(NotAuthenticated, InvalidCode, CodeLocked, RateLimited, DatabaseUnavailable)
def log_in_with_code(body: dict[str, Any]) -> dict[str, Any]:
    """Begin a session with the ticket of a login and a code of the authenticator, or a recovery code."""
    return _signed(credentials.log_in_with_code(store(), body["ticket"], body["code"], _device()))


@entrance.post("/refresh")
@rate_limited("refresh")
@entrance.arguments(RefreshIn)
@entrance.response(200, TokensOut)
@entrance.refuses(NotAuthenticated, RateLimited, DatabaseUnavailable)
def refresh(body: dict[str, Any]) -> dict[str, Any]:
    """Exchange the refresh token (as the bearer token or in the body) for a new pair; using a spent one ends the
    session, save that the same exchange may be repeated for ten seconds."""
    claims = verified_claims(
        body.get("refresh_token") or bearer_token(),
        REFRESH,
        now=store().clock.now(),
        lifetime_max=config().refresh_token_lifetime,
    )
    grant = sessions.refresh(store(), session_id=claims["sid"], user_id=claims["sub"], jti=claims["jti"])
    return _signed(grant)


@entrance.post("/password/reset")
@rate_limited("login")
@entrance.arguments(PasswordResetIn)
@entrance.response(204)
@entrance.refuses(ResetCodeNotValid, LoginLocked, RateLimited, ServerBusy, DatabaseUnavailable)
def reset_password(body: dict[str, Any]) -> None:
    """Set a new password with a code from the bank, good once and for ten minutes, and end every session of the user.
    A second factor stays and is asked for at the next login."""
    credentials.reset_password(store(), **body)


@bp.post("/logout")
@bp.response(204)
def log_out() -> None:
    """End this session: its tokens count no more."""
    sessions.log_out(store(), actor())


@bp.post("/password")
@rate_limited_for_user("login")
@bp.arguments(PasswordIn)
@bp.response(204)
@bp.refuses(InvalidCredentials, LoginLocked, RateLimited, StateConflict, ServerBusy)
def change_password(body: dict[str, Any]) -> None:
    """Change the password and end every session of this user."""
    credentials.change_password(store(), actor(), **body)


@bp.get("/me")
@bp.response(200, UserOut)
def show_me() -> Profile:
    """Show who the caller is."""
    return profile.get_profile(store(), actor())


@bp.get("/verify")
@bp.response(200, VerifyOut)
def verify() -> dict[str, Any]:
    """Tell a gateway whom the token stands for, and until when."""
    who = actor()
    exp = verified_token().expires_at_s
    return {"active": True, "sub": who.user_id, "username": who.username, "role": who.role, "exp": exp}


@bp.get("/sessions")
@bp.arguments(SessionsQuery, location="query")
@bp.response(200, page_of(SessionOut))
def list_sessions(query: dict[str, Any]) -> Page[sessions.ListedSession]:
    """List where this user is logged in, newest first."""
    return sessions.list_sessions(store(), actor(), limit=query["limit"], cursor=query.get("cursor"))


@bp.delete("/sessions/<session_id>")
@bp.response(204)
@bp.refuses(NotFound)
def end_session(session_id: str) -> None:
    """Log this user out in one place."""
    sessions.end_session(store(), actor(), session_id)


def _device() -> Device:
    return Device(client_address(), request.user_agent.string[:USER_AGENT_LENGTH_MAX])


def _signed(grant: Grant) -> dict[str, Any]:
    return sign(grant, now=store().clock.now(), lifetime=config().access_token_lifetime)
