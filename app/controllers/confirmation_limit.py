"""The amount above which a customer's transfers need a code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.audit import Subject
from app.domain.confirmations import exceeds
from app.domain.errors import StepUpRequired
from app.domain.money import Money
from app.models.second_factor import verify_code

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


def get_limit(store: Store, actor: Actor) -> Money:
    """Return the limit that counts for the customer, in the bank's currency."""
    return store.confirmation_limits.get(actor.user_id)


def change_limit(store: Store, actor: Actor, limit: str, code: str | None) -> Money:
    """Lower the limit freely, or raise it with a code.

    Raises:
        ValidationFailed: it is no amount of the bank's currency.
        StepUpRequired: it would rise, and no code was given.
        MfaNotEnrolled: it would rise, and the customer has no authenticator.
        InvalidCode: the code is wrong, was used, or its time is over.
        CodeLocked: too many wrong codes; this one was not looked at.
        StateConflict: it was changed at the same time.
    """
    before = store.confirmation_limits.get(actor.user_id)
    wanted = Money.parse(limit, before.currency)
    change = partial(store.confirmation_limits.change, actor.user_id, before=before, limit=wanted)
    if exceeds(wanted, before):
        _prove(store, actor, code)
        told = {"before": {"limit": before}, "after": {"limit": wanted}}
        subject = Subject("user", actor.user_id)
        store.audit.together(
            lambda session: change(session=session), "auth.confirmation_limit_raise", actor, subject, **told
        )
    else:
        change()
    _log.info("confirmation_limit_changed", user_id=actor.user_id)
    return wanted


def _prove(store: Store, actor: Actor, code: str | None) -> None:
    store.authenticators.get_confirmed(actor.user_id)
    if code is None:
        raise StepUpRequired("Send a `code` of your authenticator to raise the limit.")
    verify_code(store, actor.user_id, code)
