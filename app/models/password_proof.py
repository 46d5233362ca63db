"""Proving a password: one count of failures for a name, wherever the password is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.audit import ANONYMOUS, Subject
from app.domain.errors import BankError, InvalidCredentials, LoginLocked
from app.domain.rates import Rate
from app.domain.usernames import attempted_username
from app.domain.users import User

if TYPE_CHECKING:
    from app.models.store import Store

_ATTEMPTS = "login"
_log = structlog.get_logger("bank.auth")


def prove_password(store: Store, username: str, password: str, *, action: str) -> User:
    """Return the user of this name and password. An attempt is counted before it is evaluated: none can slip past.

    Every password that was looked at and refused is in the audit trail, as a failure of `action`; what was not even
    looked at, once per name and period: the trail grows no faster than passwords can be hashed.

    Raises:
        InvalidCredentials: no such user, another password, or a disabled user; all alike.
        LoginLocked: too many wrong passwords for this name; this one was not looked at.
        ServerBusy: too many passwords wait to be checked.
    """
    name = attempted_username(username)
    refuse_locked(store, name, action=action)
    with store.passwords.turn() as hasher:
        count_attempt(store, name, action=action)
        user = store.users.find_by_name(name)
        matches = hasher.matches(password, user.password if user else None)
        if user is not None and matches and not user.disabled:
            if hasher.is_outdated(user.password):
                store.users.rehash(user, hasher.hash(password))
            store.attempts.forget(_ATTEMPTS, name)  # before the next turn, else parallel successes look like failures
            return user
    _log.warning("login_failed", user_id=user.id if user else None)
    note_failure(store, action, user, InvalidCredentials)
    raise InvalidCredentials


def prove_own_password(store: Store, actor: Actor, password: str, *, action: str = "auth.password_check") -> User:
    """Return the caller of a session, who has proven their password once more.

    Raises:
        InvalidCredentials, LoginLocked, ServerBusy: as `prove_password` has it.
    """
    try:
        return prove_password(store, actor.username, password, action=action)
    except InvalidCredentials:
        raise InvalidCredentials("The password is wrong.") from None  # who they are is known


def forget_failed_passwords(store: Store, user: User) -> None:
    """Let a user whose name is locked try again at once."""
    store.attempts.forget(_ATTEMPTS, user.canonical)


def refuse_locked(store: Store, name: str, *, action: str) -> None:
    """Refuse a name that is locked before anything is done for it; this counts for nothing.

    Raises:
        LoginLocked: too many failures for this name.
    """
    _refuse(store, name, action, store.attempts.wait_s(_ATTEMPTS, name, _rate(store), now=store.clock.now()))


def count_attempt(store: Store, name: str, *, action: str) -> None:
    """Count an attempt to prove who one is, before it is evaluated.

    Raises:
        LoginLocked: there were too many for this name.
    """
    _refuse(store, name, action, store.attempts.take(_ATTEMPTS, name, _rate(store), now=store.clock.now()))


def note_failure(store: Store, action: str, user: User | None, refusal: type[BankError]) -> None:
    """Note that nobody proved to be this user. What was written for a name may be a password: it is not kept."""
    store.audit.write(action, ANONYMOUS, Subject("user", user.id if user else "unknown"), result=refusal.code)


def _rate(store: Store) -> Rate:
    return Rate(store.config.login_failures_max, store.config.login_lockout)


def _refuse(store: Store, name: str, action: str, wait_s: int) -> None:
    if wait_s:
        _log.warning("login_locked")
        once = Rate(1, store.config.login_lockout)
        if not store.attempts.take("audit of a lock", name, once, now=store.clock.now()):
            note_failure(store, action, store.users.find_by_name(name), LoginLocked)
        raise LoginLocked(retry_after_s=wait_s)
