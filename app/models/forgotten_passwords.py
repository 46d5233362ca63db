"""Getting in again without the password: a code from the bank, and a new password for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from pymongo.client_session import ClientSession

from app.domain.audit import Acting, Party, Subject
from app.domain.errors import ResetCodeNotValid, StateConflict
from app.domain.reset_codes import LIFETIME, ResetCode
from app.domain.typed_codes import new_typed_code
from app.domain.usernames import attempted_username
from app.domain.users import User
from app.models.access import change_user
from app.models.password_proof import count_attempt, forget_failed_passwords, note_failure, refuse_locked
from app.models.passwords import context_words, refuse_weak_password, refuse_wrong_length

if TYPE_CHECKING:
    from app.models.store import Store

_ACTION = "auth.password_reset"
_FIELD = "new_password"
_log = structlog.get_logger("bank.auth")


def hand_out_code(store: Store, actor: Acting, user: User) -> ResetCode:
    """Make a code with which the user sets a new password; one that was made before is void.

    Whoever has forgotten a password has tried some: those count no more.

    Raises:
        StateConflict: the user is disabled.
    """
    if user.disabled:
        raise StateConflict("The user is disabled: enable them first.")
    made = ResetCode(new_typed_code(), store.clock.now() + LIFETIME)

    def put(session: ClientSession | None) -> None:
        store.password_resets.put(user, made.code, expires_at=made.expires_at, session=session)

    store.audit.together(
        put, "staff.user_password_reset", actor, Subject("user", user.id), after={"expires_at": made.expires_at}
    )
    forget_failed_passwords(store, user)
    _log.info("reset_code_made", user_id=user.id)
    return made


def set_password_by_code(store: Store, username: str, code: str, new_password: str) -> None:
    """Use up a user's code, set the password and end all their sessions; the second factor stays.

    An attempt is counted before it is evaluated, together with the passwords tried for the name. The work is the same
    for every code that is not valid.

    Raises:
        ResetCodeNotValid: no such user, or not their code (any more); all alike.
        LoginLocked: too many failures for this name; this one was not looked at.
        ValidationFailed: the new password is too short, too long or too easy to guess, whatever the code.
        ServerBusy: too many passwords wait to be hashed.
    """
    refuse_wrong_length(new_password, store.config.password_length_min, field=_FIELD)
    name = attempted_username(username)
    refuse_locked(store, name, action=_ACTION)
    with store.passwords.turn() as hasher:
        refuse_weak_password(new_password, field=_FIELD, context=context_words(username, name))
        count_attempt(store, name, action=_ACTION)
        hashed = hasher.hash(new_password)
        user = store.users.find_by_name(name)
        is_live = store.password_resets.is_live(user, code, now=store.clock.now())
    if user is None or user.disabled or not is_live:
        raise _refused(store, user)
    audited = store.audit.also(_ACTION, Party(user.id, user.role), Subject("user", user.id))

    def use(session: ClientSession | None) -> None:
        if not store.password_resets.use(user, code, now=store.clock.now(), session=session):
            raise ResetCodeNotValid
        audited(session)

    try:
        change_user(store, user, password=hashed, also=use)
    except (ResetCodeNotValid, StateConflict):
        raise _refused(store, user) from None
    forget_failed_passwords(store, user)
    _log.info("password_reset", user_id=user.id)


def _refused(store: Store, user: User | None) -> ResetCodeNotValid:
    _log.warning("password_reset_failed", user_id=user.id if user else None)
    note_failure(store, _ACTION, user, ResetCodeNotValid)
    return ResetCodeNotValid()
