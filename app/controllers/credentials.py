"""Proving who one is: logging in, and changing the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.audit import Party, Subject
from app.domain.errors import MfaRequired, NotAuthenticated
from app.domain.ids import random_id, session_id
from app.domain.sessions import Device, Grant, Session
from app.domain.users import User
from app.models.access import begin_session, change_user
from app.models.forgotten_passwords import set_password_by_code
from app.models.password_proof import prove_own_password, prove_password
from app.models.passwords import context_words, refuse_weak_password, refuse_wrong_length
from app.models.second_factor import verify_code

if TYPE_CHECKING:
    from app.models.store import Store

_TICKET_ENDED = "This ticket was used, has expired or never was; log in again."
_PASSWORD_CHANGE = "auth.password_change"  # noqa: S105  # the name of an action
_log = structlog.get_logger("bank.auth")


def log_in(store: Store, username: str, password: str, device: Device) -> Grant:
    """Begin a session for whoever knows the password, unless a code is needed, too.

    Raises:
        InvalidCredentials: no such user, another password, or a disabled user; all alike.
        LoginLocked: too many wrong passwords for this name; this one was not looked at.
        MfaRequired: the password is right, and the user has an authenticator; the ticket goes with its code.
        ServerBusy: too many passwords wait to be checked.
    """
    user = prove_password(store, username, password, action="auth.login")
    if store.authenticators.find_confirmed(user.id) is not None:
        _log.info("code_asked_for", user_id=user.id)
        raise MfaRequired(ticket=store.login_tickets.issue(user, now=store.clock.now()))
    return _begin(store, user, device, second_factor=False)


def log_in_with_code(store: Store, ticket: str, code: str, device: Device) -> Grant:
    """Begin a session for whoever proved the password a moment ago and has a code now. A ticket is good for one.

    Raises:
        NotAuthenticated: the ticket was used, has expired or never was, or the user was changed since.
        InvalidCode: the code is wrong, was used, or its time is over; the ticket may be used with another.
        CodeLocked: too many wrong codes of this user; this one was not looked at.
    """
    proved = store.login_tickets.find_live(ticket, now=store.clock.now())
    if proved is None:
        raise NotAuthenticated(_TICKET_ENDED)
    user = store.users.get(proved.user_id)
    if user.disabled or user.epoch != proved.epoch:
        raise NotAuthenticated(_TICKET_ENDED)
    verify_code(store, user.id, code)
    if not store.login_tickets.use(ticket):
        raise NotAuthenticated(_TICKET_ENDED)
    return _begin(store, user, device, second_factor=True)


def _begin(store: Store, user: User, device: Device, *, second_factor: bool) -> Grant:
    now = store.clock.now()
    session = Session(
        id=session_id(now),
        user_id=user.id,
        epoch=user.epoch,
        device=device,
        current_jti=random_id(),
        created_at=now,
        rotated_at=now,
        expires_at=now + min(store.config.refresh_token_lifetime, store.config.session_lifetime_max),
        second_factor=second_factor,
    )
    told = {"session": session.id, "second_factor": second_factor}
    audited = store.audit.also("auth.login", Party(user.id, user.role), Subject("user", user.id), after=told)
    begin_session(store, session, also=audited)
    _log.info("login_succeeded", user_id=user.id, session_id=session.id)
    return Grant(user, session)


def change_password(store: Store, actor: Actor, current_password: str, new_password: str) -> None:
    """Replace the caller's password and end all their sessions, this one too.

    Raises:
        InvalidCredentials: the current password is another; that counts like a failed login.
        LoginLocked: too many wrong passwords for this name.
        ValidationFailed: the new password is too short, too long or too easy to guess.
        StateConflict: the user was changed at the same time.
        ServerBusy: too many passwords wait to be checked.
    """
    refuse_wrong_length(new_password, store.config.password_length_min, field="new_password")
    user = prove_own_password(store, actor, current_password, action=_PASSWORD_CHANGE)
    with store.passwords.turn() as hasher:
        refuse_weak_password(new_password, field="new_password", context=context_words(user.username, user.canonical))
        hashed = hasher.hash(new_password)
    change_user(store, user, password=hashed, also=store.audit.also(_PASSWORD_CHANGE, actor, Subject("user", user.id)))
    _log.info("password_changed", user_id=user.id)


def reset_password(store: Store, username: str, code: str, new_password: str) -> None:
    """Set a new password by a code from the bank, and end all the user's sessions.

    Raises:
        ResetCodeNotValid: no such user, or not their code (any more); all alike.
        LoginLocked: too many failures for this name; this one was not looked at.
        ValidationFailed: the new password is too short, too long or too easy to guess.
        ServerBusy: too many passwords wait to be hashed.
    """
    set_password_by_code(store, username, code, new_password)
