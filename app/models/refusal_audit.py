"""Refusals in the audit trail: a caller makes as many as they like, so no more are kept than a person could cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from pymongo.errors import PyMongoError

from app.domain.audit import Acting, Subject
from app.domain.rates import Rate

if TYPE_CHECKING:
    from app.models.store import Store

KEPT = Rate.parse("30/minute")
"""Of one user's refusals; a program in a loop is known by the first of them."""
_log = structlog.get_logger("bank")


def write_refusal(store: Store, action: str, actor: Acting, subject: Subject, *, code: str) -> None:
    """Write a record of what was refused and therefore has not happened.

    Without the database it stays unwritten, as the log tells: the caller gets their refusal all the same.
    """
    try:
        if not store.attempts.take(f"audit of {action}", actor.user_id, KEPT, now=store.clock.now()):
            store.audit.write(action, actor, subject, result=code)
    except PyMongoError as error:
        _log.error("audit_not_written", action=action, user_id=actor.user_id, exc_info=error)
