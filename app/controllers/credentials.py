"""Proving who one is: logging in, and changing the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.errors import InvalidCredentials, LoginLocked
from app.domain.ids import random_id, session_id
from app.domain.rates import Rate
from app.domain.sessions import Device, Grant, Session
from app.domain.usernames import attempted_username
from app.domain.users import User
from app.models.access import change_user
from app.models.passwords import context_words, refuse_weak_password, refuse_wrong_length

if TYPE_CHECKING:
    from app.models.store import Store

_ATTEMPTS = "login"
_log = structlog.get_logger("bank.auth")


def log_in(store: Store, username: str, password: str, device: Device) -> Grant:
    """Begin a session for whoever knows the password.

    Raises:
        InvalidCredentials: no such user, another password, or a disabled user; all alike.
        LoginLocked: too many wrong passwords for this name; this one was not looked at.
        ServerBusy: too many passwords wait to be checked.
    """
    user = _prove(store, username, password)
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
    )
    store.sessions.insert(session)
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
    user = _prove(store, actor.username, current_password)
    with store.passwords.turn() as hasher:
        refuse_weak_password(new_password, field="new_password", context=context_words(user.username, user.canonical))
        hashed = hasher.hash(new_password)
    change_user(store, user, password=hashed)
    _log.info("password_changed", user_id=user.id)


def _prove(store: Store, username: str, password: str) -> User:
    """Return the user of this name and password. An attempt is counted before it is evaluated: none can slip past."""
    name = attempted_username(username)
    rate = Rate(store.config.login_failures_max, store.config.login_lockout)
    _refuse_locked(store.attempts.wait_s(_ATTEMPTS, name, rate, now=store.clock.now()))
    with store.passwords.turn() as hasher:
        _refuse_locked(store.attempts.take(_ATTEMPTS, name, rate, now=store.clock.now()))
        user = store.users.find_by_name(name)
        matches = hasher.matches(password, user.password if user else None)
        if user is None or not matches or user.disabled:
            _log.warning("login_failed", user_id=user.id if user else None)
            raise InvalidCredentials
        if hasher.is_outdated(user.password):
            store.users.rehash(user, hasher.hash(password))
        store.attempts.forget(_ATTEMPTS, name)  # before the next turn, or parallel successes would look like failures
    return user


def _refuse_locked(wait_s: int) -> None:
    if wait_s:
        _log.warning("login_locked")
        raise LoginLocked(retry_after_s=wait_s)
