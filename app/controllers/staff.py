"""What whoever runs the server may do with a login; no address leads here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Role
from app.domain.audit import SYSTEM, Subject
from app.domain.errors import NotFound
from app.domain.reset_codes import ResetCode
from app.domain.staff_roles import refuse_senseless_role
from app.domain.usernames import attempted_username
from app.domain.users import User
from app.models.access import change_user
from app.models.forgotten_passwords import hand_out_code
from app.models.lockouts import lift_lockout
from app.models.second_factor import turn_off

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


def set_disabled(store: Store, username: str, *, disabled: bool) -> User:
    """Let a user in no more, or again. All their sessions end.

    Raises:
        NotFound: nobody has this name.
        LastAdmin: no administrator would be left.
    """
    user = _find(store, username)
    action = "staff.user_disable" if disabled else "staff.user_enable"
    told = {"before": {"disabled": user.disabled}, "after": {"disabled": disabled}}
    audited = store.audit.also(action, SYSTEM, Subject("user", user.id), **told)
    user = change_user(store, user, disabled=disabled, also=audited)
    _log.info("user_disabled" if disabled else "user_enabled", user_id=user.id)
    return user


def set_role(store: Store, username: str, role: Role) -> User:
    """Give a member of staff another role. All their sessions end.

    Raises:
        NotFound: nobody has this name.
        StateConflict: a customer can't become staff, nor staff a customer: their accounts are what tells them apart.
        LastAdmin: no administrator would be left.
    """
    user = _find(store, username)
    refuse_senseless_role(user, role)
    told = {"before": {"role": user.role}, "after": {"role": role}}
    audited = store.audit.also("staff.user_role", SYSTEM, Subject("user", user.id), **told)
    changed = change_user(store, user, role=role, also=audited)
    _log.info("role_changed", user_id=user.id, role=str(role))
    return changed


def reset_mfa(store: Store, username: str) -> User:
    """Take away the authenticator of somebody who has lost it. All their sessions end.

    Raises:
        NotFound: nobody has this name.
        MfaNotEnrolled: they have none.
    """
    user = _find(store, username)
    turn_off(store, user, also=store.audit.also("staff.user_mfa_reset", SYSTEM, Subject("user", user.id)))
    _log.info("mfa_reset", user_id=user.id)
    return user


def reset_password(store: Store, username: str) -> ResetCode:
    """Make a code with which somebody who has forgotten their password sets a new one.

    Raises:
        NotFound: nobody has this name.
        StateConflict: they are disabled.
    """
    return hand_out_code(store, SYSTEM, _find(store, username))


def unlock(store: Store, username: str) -> None:
    """Let somebody try again at once whose passwords or codes were wrong too often, or were guessed by others.

    Raises:
        NotFound: nobody has this name.
    """
    lift_lockout(store, SYSTEM, _find(store, username))


def _find(store: Store, username: str) -> User:
    user = store.users.find_by_name(attempted_username(username))
    if user is None:
        raise NotFound(f"Nobody has the name {username}.")
    return user
