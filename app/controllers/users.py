"""What administrators do about logins: who there is, what they may do, and when they may do it no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor, Role
from app.domain.approvals import Answered
from app.domain.audit import Subject
from app.domain.errors import NotFound, StateConflict
from app.domain.operations.staff_role_change import StaffRoleChange
from app.domain.paging import Page
from app.domain.reset_codes import ResetCode
from app.domain.sessions import Session
from app.domain.staff_roles import refuse_oneself, refuse_senseless_role
from app.domain.user_search import UserFilter
from app.domain.users import User
from app.models import access, second_factor
from app.models.branch_staff import require_open_branch
from app.models.forgotten_passwords import hand_out_code
from app.models.four_eyes import submit
from app.models.lockouts import lift_lockout
from app.models.users import NO_BRANCH

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


@dataclass(frozen=True, slots=True)
class UserView:
    """A login, and whether codes are asked for with it."""

    user: User
    mfa_enabled: bool


def list_users(store: Store, wanted: UserFilter, *, limit: int, cursor: str | None) -> Page[UserView]:
    """Return a page of users, by name."""
    page = store.user_pages.page(wanted, limit=limit, cursor=cursor)
    with_codes = store.authenticators.confirmed_among(user.id for user in page.items)
    return Page([UserView(user, user.id in with_codes) for user in page.items], page.next_cursor)


def get_user(store: Store, user_id: str) -> UserView:
    """Return a user.

    Raises:
        NotFound: there is none of this id.
    """
    return _view(store, store.users.get(user_id))


def change_role(
    store: Store, actor: Actor, user_id: str, role: Role, *, idempotency_key: str | None
) -> UserView | Answered:
    """Give a member of staff another role, or ask another administrator for it. All their sessions end with it.

    Raises:
        NotFound: there is none of this id.
        OwnAccess: it is the caller's own.
        StateConflict: a customer can't become staff, nor staff a customer, and nobody becomes what they are.
        LastAdmin: no administrator would be left.
    """
    user = _other(store, actor, user_id)
    refuse_senseless_role(user, role)
    if user.role is role:
        raise StateConflict(f"{user.username} is {role} already.")
    asked = submit(store, actor, StaffRoleChange.of(user, role), idempotency_key=idempotency_key)
    _log.info("role_change_asked_for" if asked else "role_changed", user_id=user.id, role=str(role))
    return asked or get_user(store, user.id)


def change_branch(store: Store, actor: Actor, user_id: str, branch: str | None) -> UserView:
    """Let a member of staff belong to another branch, or to none. All their sessions end: tokens name the branch.

    Raises:
        NotFound: there is none of this id.
        OwnAccess: it is the caller's own.
        StateConflict: customers belong to no branch; or the branch is closed, or the user was changed meanwhile.
        ValidationFailed: there is no such branch.
    """
    user = _other(store, actor, user_id)
    if not user.is_staff:
        raise StateConflict("Customers belong to no branch; their accounts do.")
    if branch is not None:
        require_open_branch(store, branch)
    audited = store.audit.also(
        "staff.user_branch", actor, Subject("user", user.id), before={"branch": user.branch}, after={"branch": branch}
    )
    changed = access.change_user(store, user, branch=branch or NO_BRANCH, also=audited)
    _log.info("branch_changed", user_id=user.id, branch=branch)
    return _view(store, changed)


def set_disabled(store: Store, actor: Actor, user_id: str, *, disabled: bool) -> UserView:
    """Let a user in no more, or again. All their sessions end.

    Raises:
        NotFound: there is none of this id.
        OwnAccess: it is the caller's own.
        LastAdmin: no administrator would be left.
        StateConflict: the user was changed meanwhile.
    """
    user = _other(store, actor, user_id)
    action = "staff.user_disable" if disabled else "staff.user_enable"
    told = {"before": {"disabled": user.disabled}, "after": {"disabled": disabled}}
    audited = store.audit.also(action, actor, Subject("user", user.id), **told)
    changed = access.change_user(store, user, disabled=disabled, also=audited)
    _log.info("user_disabled" if disabled else "user_enabled", user_id=user.id)
    return _view(store, changed)


def reset_lockout(store: Store, actor: Actor, user_id: str) -> None:
    """Let somebody try again at once whose passwords or codes were wrong too often.

    Raises:
        NotFound: there is none of this id.
        OwnAccess: it is the caller's own: whoever holds their session could guess codes without end.
    """
    lift_lockout(store, actor, _other(store, actor, user_id))


def reset_password(store: Store, actor: Actor, user_id: str) -> ResetCode:
    """Make a code with which somebody who has forgotten their password sets a new one.

    Raises:
        NotFound: there is none of this id.
        OwnAccess: it is the caller's own: they know their password, or it is not them.
        StateConflict: they are disabled; or an administrator, as whom the caller could approve their own requests.
    """
    user = _other(store, actor, user_id)
    if user.role is Role.ADMIN:
        raise StateConflict("An administrator gets a code from whoever runs the server: flask users reset-password.")
    return hand_out_code(store, actor, user)


def reset_mfa(store: Store, actor: Actor, user_id: str) -> UserView:
    """Take away the authenticator of somebody who has lost it. All their sessions end.

    Raises:
        NotFound: there is none of this id.
        OwnAccess: it is the caller's own.
        MfaNotEnrolled: they have none.
        StateConflict: the user was changed meanwhile.
    """
    user = _other(store, actor, user_id)
    second_factor.turn_off(store, user, also=store.audit.also("staff.user_mfa_reset", actor, Subject("user", user.id)))
    _log.info("mfa_reset", user_id=user.id)
    return get_user(store, user.id)


def list_sessions(store: Store, user_id: str, *, limit: int, cursor: str | None) -> Page[Session]:
    """Return a page of a user's live sessions, newest first.

    Raises:
        NotFound: there is none of this id.
    """
    found = store.sessions.page_of_user(store.users.get(user_id), now=store.clock.now(), limit=limit + 1, after=cursor)
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def end_session(store: Store, actor: Actor, user_id: str, session_id: str) -> None:
    """End one of a user's sessions.

    Raises:
        NotFound: there is no such user, or no such session of theirs.
    """
    told = {"session": session_id}
    audited = store.audit.also("staff.session_end", actor, Subject("user", user_id), after=told)
    if not access.end_session(store, session_id, user_id, also=audited):
        raise NotFound
    _log.info("session_ended", user_id=user_id, session_id=session_id)


def end_sessions(store: Store, actor: Actor, user_id: str) -> None:
    """End all of a user's sessions.

    Raises:
        NotFound: there is none of this id.
        StateConflict: the user was changed meanwhile.
    """
    user = store.users.get(user_id)
    access.change_user(store, user, also=store.audit.also("staff.sessions_end", actor, Subject("user", user.id)))
    _log.info("sessions_ended", user_id=user.id)


def _other(store: Store, actor: Actor, user_id: str) -> User:
    """Return somebody else than the caller."""
    refuse_oneself(actor.user_id, user_id)
    return store.users.get(user_id)


def _view(store: Store, user: User) -> UserView:
    return UserView(user, user.id in store.authenticators.confirmed_among([user.id]))
