"""Letting somebody try again at once whose passwords or codes were wrong too often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.audit import Acting, Subject
from app.domain.users import User
from app.models.password_proof import forget_failed_passwords
from app.models.second_factor import forget_failed_codes

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


def lift_lockout(store: Store, actor: Acting, user: User) -> None:
    """Forget a user's wrong passwords and codes; the audit trail names who did it before it is done."""
    store.audit.write("staff.user_unlock", actor, Subject("user", user.id))
    forget_failed_passwords(store, user)
    forget_failed_codes(store, user.id)
    _log.info("lockout_reset", user_id=user.id)
