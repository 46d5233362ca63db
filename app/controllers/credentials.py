"""Proving who one is: logging in, and changing the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.ids import random_id, session_id
from app.domain.sessions import Device, Grant, Session
from app.models.access import change_user
from app.models.password_proof import prove_password
from app.models.passwords import context_words, refuse_weak_password, refuse_wrong_length

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


def log_in(store: Store, username: str, password: str, device: Device) -> Grant:
    """Begin a session for whoever knows the password.

    Raises:
        InvalidCredentials: no such user, another password, or a disabled user; all alike.
        LoginLocked: too many wrong passwords for this name; this one was not looked at.
        ServerBusy: too many passwords wait to be checked.
    """
    user = prove_password(store, username, password)
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
    user = prove_password(store, actor.username, current_password)
    with store.passwords.turn() as hasher:
        refuse_weak_password(new_password, field="new_password", context=context_words(user.username, user.canonical))
        hashed = hasher.hash(new_password)
    change_user(store, user, password=hashed)
    _log.info("password_changed", user_id=user.id)
