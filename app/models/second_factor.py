"""Proving a second factor, wherever a code is asked for, and what begins and ends with an authenticator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from pymongo.client_session import ClientSession

from app.domain.audit import ANONYMOUS, Subject
from app.domain.errors import BankError, CodeLocked, InvalidCode, MfaAlreadyEnrolled, MfaNotEnrolled, StepUpRequired
from app.domain.rates import Rate
from app.domain.second_factor import (
    Authenticator,
    Enrolment,
    SealedSeed,
    is_one_time_code,
    new_recovery_codes,
    recovery_code_digest,
    steps_to_try,
)
from app.domain.users import User
from app.models.access import change_user
from app.models.seeds import step_of_code

if TYPE_CHECKING:
    from app.models.store import Store

_ATTEMPTS = "code"
_ATTEMPTS_OF_A_DAY = "code of a day"
_LOCKS_A_DAY = 4
"""So many full rounds of wrong codes within a day, and the user waits until it is over: codes have six digits."""
_log = structlog.get_logger("bank.auth")


def verify_code(store: Store, user_id: str, code: str) -> None:
    """Use up a one-time code or recovery code of the user. An attempt is counted before it is evaluated.

    Of however many who send one code at once, one gets through.

    Raises:
        MfaNotEnrolled: the user has no authenticator.
        InvalidCode: the code is wrong, was used, or its time is over.
        CodeLocked: too many wrong codes of this user; this one was not looked at.
    """
    authenticator = store.authenticators.get_confirmed(user_id)
    _count_attempt(store, user_id)
    if not _use(store, authenticator, code):
        raise _invalid(store, user_id)
    forget_failed_codes(store, user_id)


def verify_code_if_enrolled(store: Store, user_id: str, code: str | None) -> None:
    """Use up a code of a user who has an authenticator; where there is none, none is asked for.

    Raises:
        StepUpRequired: a code is needed and was not given.
        InvalidCode, CodeLocked: as `verify_code` has it.
    """
    if store.authenticators.find_confirmed(user_id) is None:
        return
    if code is None:
        raise StepUpRequired("Send a `code` of your authenticator with this change.")
    verify_code(store, user_id, code)


def begin_enrolment(store: Store, user: User) -> Enrolment:
    """Make a new authenticator for the user, which counts once it is confirmed.

    Raises:
        MfaAlreadyEnrolled: the user has one.
    """
    enrolment = store.seeds.new_enrolment(user.username)
    store.authenticators.begin(user.id, store.seeds.seal(user.id, enrolment.secret), now=store.clock.now())
    return enrolment


def turn_on(store: Store, user: User, code: str, *, also: Callable[[ClientSession | None], None]) -> list[str]:
    """Let the user's new authenticator count, end all their sessions, and return the recovery codes.

    `also` belongs to it, in the same transaction.

    Raises:
        MfaNotEnrolled: none was begun.
        MfaAlreadyEnrolled: it counts already.
        InvalidCode: this is not its code.
        CodeLocked: too many wrong codes.
        StateConflict: the user or the authenticator was changed meanwhile.
    """
    authenticator = store.authenticators.find(user.id)
    if authenticator is None:
        raise MfaNotEnrolled
    if authenticator.confirmed_at is not None:
        raise MfaAlreadyEnrolled
    _count_attempt(store, user.id)
    step = _step(store, authenticator, code)
    if step is None:
        raise _invalid(store, user.id)
    codes, digests = _recovery_codes(user.id)

    def confirm(session: ClientSession | None) -> None:
        store.authenticators.confirm(authenticator, step, digests, now=store.clock.now(), session=session)
        also(session)

    change_user(store, user, also=confirm)
    forget_failed_codes(store, user.id)
    return codes


def turn_off(store: Store, user: User, *, also: Callable[[ClientSession | None], None]) -> None:
    """Take the user's authenticator away and end all their sessions; `also` belongs to it, in the same transaction.

    Raises:
        MfaNotEnrolled: there is none.
        StateConflict: the user was changed meanwhile.
    """

    def remove(session: ClientSession | None) -> None:
        store.authenticators.remove(user.id, session=session)
        also(session)

    change_user(store, user, also=remove)


def renew_recovery_codes(store: Store, user_id: str) -> list[str]:
    """Replace the recovery codes by a new set and return it.

    Raises:
        MfaNotEnrolled: the user has no authenticator.
    """
    codes, digests = _recovery_codes(user_id)
    store.authenticators.replace_recovery_codes(store.authenticators.get_confirmed(user_id), digests)
    return codes


def forget_failed_codes(store: Store, user_id: str) -> None:
    """Let a user whose codes are locked try again at once."""
    for kind in (_ATTEMPTS, _ATTEMPTS_OF_A_DAY):
        store.attempts.forget(kind, user_id)


def _use(store: Store, authenticator: Authenticator, code: str) -> bool:
    if not is_one_time_code(code):
        digest = recovery_code_digest(authenticator.user_id, code)
        return store.authenticators.use_recovery_code(authenticator, digest)
    step = _step(store, authenticator, code)
    return step is not None and store.authenticators.use_step(authenticator, step, _resealed(store, authenticator))


def _step(store: Store, authenticator: Authenticator, code: str) -> int | None:
    """Return the unused time step that the code belongs to, or None."""
    seed = store.seeds.find_seed(authenticator.user_id, authenticator.seed)
    if seed is None or not is_one_time_code(code):
        return None
    return step_of_code(seed, code, steps_to_try(store.clock.now(), authenticator.last_step))


def _resealed(store: Store, authenticator: Authenticator) -> SealedSeed | None:
    """Return the seed under today's key where it lies under an older one."""
    seed = store.seeds.find_seed(authenticator.user_id, authenticator.seed)
    if seed is None or not store.seeds.is_outdated(authenticator.seed):
        return None
    return store.seeds.seal(authenticator.user_id, seed)


def _recovery_codes(user_id: str) -> tuple[list[str], list[str]]:
    codes = new_recovery_codes()
    return codes, [recovery_code_digest(user_id, code) for code in codes]


def _count_attempt(store: Store, user_id: str) -> None:
    rate = Rate(store.config.login_failures_max, store.config.login_lockout)
    of_a_day = Rate(_LOCKS_A_DAY * rate.amount, timedelta(days=1))
    now = store.clock.now()
    wait_s = store.attempts.take(_ATTEMPTS, user_id, rate, now=now)
    wait_s = wait_s or store.attempts.take(_ATTEMPTS_OF_A_DAY, user_id, of_a_day, now=now)
    if wait_s:
        _log.warning("code_locked", user_id=user_id)
        if not store.attempts.take("audit of a locked code", user_id, Rate(1, rate.period), now=store.clock.now()):
            _audit(store, user_id, CodeLocked)
        raise CodeLocked(retry_after_s=wait_s)


def _invalid(store: Store, user_id: str) -> InvalidCode:
    _log.warning("code_failed", user_id=user_id)
    _audit(store, user_id, InvalidCode)
    return InvalidCode()


def _audit(store: Store, user_id: str, refusal: type[BankError]) -> None:
    """Note a failed code: each that was looked at, and once for a period those that were not."""
    store.audit.write("auth.code_check", ANONYMOUS, Subject("user", user_id), result=refusal.code)
