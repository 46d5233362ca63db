"""The caller's second factor: an authenticator, and recovery codes for the day it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.audit import Subject
from app.domain.errors import MfaNotEnrolled
from app.domain.second_factor import Enrolment, MfaState, is_required
from app.models import second_factor
from app.models.password_proof import prove_own_password

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


def get_state(store: Store, actor: Actor) -> MfaState:
    """Return what the caller's second factor is, and whether the bank insists on one."""
    config = store.config
    required = is_required(actor.role, of_staff=config.require_staff_mfa, of_customers=config.require_customer_mfa)
    return MfaState(store.authenticators.find_confirmed(actor.user_id), required)


def enrol(store: Store, actor: Actor, password: str) -> Enrolment:
    """Make an authenticator, which counts once a code of it confirms it; an earlier one that never did is void.

    Raises:
        InvalidCredentials: the password is another; that counts like a failed login.
        LoginLocked: too many wrong passwords for this name.
        MfaAlreadyEnrolled: the caller has one.
        ServerBusy: too many passwords wait to be checked.
    """
    return second_factor.begin_enrolment(store, prove_own_password(store, actor, password))


def confirm(store: Store, actor: Actor, code: str) -> list[str]:
    """Let the new authenticator count, end all the caller's sessions, and return the recovery codes, just this once.

    Raises:
        MfaNotEnrolled: there is none to confirm.
        MfaAlreadyEnrolled: it counts already.
        InvalidCode: this is not its code.
        CodeLocked: too many wrong codes.
        StateConflict: the user was changed at the same time.
    """
    audited = store.audit.also("auth.mfa_enable", actor, Subject("user", actor.user_id))
    codes = second_factor.turn_on(store, store.users.get(actor.user_id), code, also=audited)
    _log.info("mfa_enabled", user_id=actor.user_id)
    return codes


def disable(store: Store, actor: Actor, password: str, code: str) -> None:
    """Do without an authenticator from now on, and end all the caller's sessions.

    Raises:
        InvalidCredentials: the password is another; that counts like a failed login.
        LoginLocked: too many wrong passwords for this name.
        MfaNotEnrolled: there is none.
        InvalidCode: the code is wrong, was used, or its time is over.
        CodeLocked: too many wrong codes.
        StateConflict: the user was changed at the same time.
        ServerBusy: too many passwords wait to be checked.
    """
    if store.authenticators.find_confirmed(actor.user_id) is None:
        raise MfaNotEnrolled
    user = prove_own_password(store, actor, password)
    second_factor.verify_code(store, user.id, code)
    second_factor.turn_off(store, user, also=store.audit.also("auth.mfa_disable", actor, Subject("user", user.id)))
    _log.info("mfa_disabled", user_id=user.id)


def renew_recovery_codes(store: Store, actor: Actor, code: str) -> list[str]:
    """Replace the caller's recovery codes by a new set, shown just this once.

    Raises:
        MfaNotEnrolled: the caller has no authenticator.
        InvalidCode: the code is wrong, was used, or its time is over.
        CodeLocked: too many wrong codes.
    """
    second_factor.verify_code(store, actor.user_id, code)
    codes = second_factor.renew_recovery_codes(store, actor.user_id)
    store.audit.write("auth.recovery_codes_renew", actor, Subject("user", actor.user_id))
    _log.info("recovery_codes_renewed", user_id=actor.user_id)
    return codes
