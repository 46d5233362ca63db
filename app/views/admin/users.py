"""Everyone who may log in: staff are made and changed here, and anybody is let out or in."""

from __future__ import annotations

from typing import Any

from app.controllers import registration, users
from app.domain.actor import Role
from app.domain.approvals import Answered
from app.domain.errors import LastAdmin, MfaNotEnrolled, NotFound, OwnAccess, ServerBusy, StateConflict, UsernameTaken
from app.domain.paging import Page
from app.domain.reset_codes import ResetCode
from app.domain.sessions import Session
from app.schemas.approvals import ApprovalOut
from app.schemas.auth import ResetCodeOut
from app.schemas.base import page_of
from app.schemas.users import (
    HiredOut,
    ManagedUserOut,
    RoleIn,
    StaffIn,
    UserBranchIn,
    UserSessionOut,
    UserSessionsQuery,
    UsersQuery,
)
from app.views.blueprint import Blueprint
from app.views.guards import ADMIN, guard
from app.views.http import actor, asked, idempotency_key, store

bp = Blueprint("admin_users", __name__, url_prefix="/admin/users", description="Everyone who may log in.")
guard(bp, ADMIN)


@bp.get("")
@bp.arguments(UsersQuery, location="query")
@bp.response(200, page_of(ManagedUserOut))
def list_users(query: dict[str, Any]) -> Page[users.UserView]:
    """List users by name, or find them by the beginning of it."""
    return users.list_users(store(), **query)


@bp.post("")
@bp.arguments(StaffIn)
@bp.moves_money
@bp.refuses(StateConflict, UsernameTaken, ServerBusy)
@bp.response(201, HiredOut)
def create_user(body: dict[str, Any]) -> dict[str, Any]:
    """Make a login for a member of staff. An administrator begins as a banker until a second person has approved."""
    role = Role(body.pop("role"))
    hired = registration.hire(store(), actor(), role=role, idempotency_key=idempotency_key(), **body)
    return {
        "user": users.UserView(hired.user, mfa_enabled=False),
        "password": hired.password,
        "approval": hired.approval,
    }


@bp.get("/<user_id>")
@bp.refuses(NotFound)
@bp.response(200, ManagedUserOut)
def show_user(user_id: str) -> users.UserView:
    """Show a user."""
    return users.get_user(store(), user_id)


@bp.post("/<user_id>/role")
@bp.arguments(RoleIn)
@bp.moves_money
@bp.refuses(LastAdmin, NotFound, OwnAccess, StateConflict)
@bp.response(200, ManagedUserOut, instead={202: ApprovalOut})
def change_role(body: dict[str, str], user_id: str) -> Any:
    """Make a banker an administrator or the reverse; a second administrator approves it."""
    answer = users.change_role(store(), actor(), user_id, Role(body["role"]), idempotency_key=idempotency_key())
    return asked(answer) if isinstance(answer, Answered) else answer


@bp.post("/<user_id>/branch")
@bp.arguments(UserBranchIn)
@bp.refuses(NotFound, OwnAccess, StateConflict)
@bp.response(200, ManagedUserOut)
def change_branch(body: dict[str, Any], user_id: str) -> users.UserView:
    """Let a member of staff belong to another branch, or to none; they log in anew."""
    return users.change_branch(store(), actor(), user_id, body["branch"])


@bp.post("/<user_id>/disable")
@bp.refuses(LastAdmin, NotFound, OwnAccess, StateConflict)
@bp.response(200, ManagedUserOut)
def disable(user_id: str) -> users.UserView:
    """Let a user in no more, and end all their sessions."""
    return users.set_disabled(store(), actor(), user_id, disabled=True)


@bp.post("/<user_id>/enable")
@bp.refuses(NotFound, OwnAccess, StateConflict)
@bp.response(200, ManagedUserOut)
def enable(user_id: str) -> users.UserView:
    """Let a disabled user in again."""
    return users.set_disabled(store(), actor(), user_id, disabled=False)


@bp.post("/<user_id>/reset-lockout")
@bp.refuses(NotFound, OwnAccess)
@bp.response(204)
def reset_lockout(user_id: str) -> None:
    """Let a user try again at once whose passwords or codes were wrong too often."""
    users.reset_lockout(store(), actor(), user_id)


@bp.post("/<user_id>/reset-password")
@bp.refuses(NotFound, OwnAccess, StateConflict)
@bp.response(201, ResetCodeOut)
def reset_password(user_id: str) -> ResetCode:
    """Make a code for a user who has forgotten their password; the code before is void."""
    return users.reset_password(store(), actor(), user_id)


@bp.post("/<user_id>/reset-mfa")
@bp.refuses(MfaNotEnrolled, NotFound, OwnAccess, StateConflict)
@bp.response(200, ManagedUserOut)
def reset_mfa(user_id: str) -> users.UserView:
    """Take away a lost authenticator, and end all the user's sessions."""
    return users.reset_mfa(store(), actor(), user_id)


@bp.get("/<user_id>/sessions")
@bp.arguments(UserSessionsQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(UserSessionOut))
def list_sessions(query: dict[str, Any], user_id: str) -> Page[Session]:
    """List where a user is logged in, newest first."""
    return users.list_sessions(store(), user_id, **query)


@bp.delete("/<user_id>/sessions")
@bp.refuses(NotFound, StateConflict)
@bp.response(204)
def end_sessions(user_id: str) -> None:
    """Log a user out everywhere."""
    users.end_sessions(store(), actor(), user_id)


@bp.delete("/<user_id>/sessions/<session_id>")
@bp.refuses(NotFound)
@bp.response(204)
def end_session(user_id: str, session_id: str) -> None:
    """Log a user out in one place."""
    users.end_session(store(), actor(), user_id, session_id)
