"""Proving a password: one count of failures for a name, wherever the password is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.audit import ANONYMOUS, Subject
from app.domain.errors import BankError, InvalidCredentials, LoginLocked
from app.domain.rates import Rate
from app.domain.usernames import attempted_username
from app.domain.users import User

if TYPE_CHECKING:
    from app.models.store import Store

_ATTEMPTS = "login"
_log = structlog.get_logger("bank.auth")


def prove_password(store: Store, username: str, password: str, *, action: str = "auth.password_check") -> User:
    """Return the user of this name and password. An attempt is counted before it is evaluated: none can slip past.

    Every password that was looked at and refused is in the audit trail, as a failure of `action`; what was not even
    looked at, once per name and period: the trail grows no faster than passwords can be hashed.

    Raises:
        InvalidCredentials: no such user, another password, or a disabled user; all alike.
        LoginLocked: too many wrong passwords for this name; this one was not looked at.
        ServerBusy: too many passwords wait to be checked.
    """
    name = attempted_username(username)
    rate = Rate(store.config.login_failures_max, store.config.login_lockout)
    _refuse_locked(store, name, action, store.attempts.wait_s(_ATTEMPTS, name, rate, now=store.clock.now()))
    with store.passwords.turn() as hasher:
        _refuse_locked(store, name, action, store.attempts.take(_ATTEMPTS, name, rate, now=store.clock.now()))
        user = store.users.find_by_name(name)
        matches = hasher.matches(password, user.password if user else None)
        if user is not None and matches and not user.disabled:
            if hasher.is_outdated(user.password):
                store.users.rehash(user, hasher.hash(password))
            store.attempts.forget(_ATTEMPTS, name)  # before the next turn, else parallel successes look like failures
            return user
    _log.warning("login_failed", user_id=user.id if user else None)
    _audit(store, action, user, InvalidCredentials)
    raise InvalidCredentials


def forget_failed_passwords(store: Store, user: User) -> None:
    """Let a user whose name is locked try again at once."""
    store.attempts.forget(_ATTEMPTS, user.canonical)


def _refuse_locked(store: Store, name: str, action: str, wait_s: int) -> None:
    if wait_s:
        _log.warning("login_locked")
        once = Rate(1, store.config.login_lockout)
        if not store.attempts.take("audit of a lock", name, once, now=store.clock.now()):
            _audit(store, action, store.users.find_by_name(name), LoginLocked)
        raise LoginLocked(retry_after_s=wait_s)


def _audit(store: Store, action: str, user: User | None, refusal: type[BankError]) -> None:
    """Note that nobody proved to be this user. What was written for a name may be a password: it is not kept."""
    store.audit.write(action, ANONYMOUS, Subject("user", user.id if user else "unknown"), result=refusal.code)
