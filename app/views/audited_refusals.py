"""Which refusals the audit trail tells of: a role that may not, and whatever staff tried in vain."""

from __future__ import annotations

from flask import current_app, g, request

from app.controllers import audit
from app.domain.actor import Actor, Role
from app.domain.errors import BankError, Forbidden
from app.views.http import store

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def note_refusal(error: BankError) -> None:
    """Write an audit record if this refusal of the current request is one of them."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        return
    what = f"{request.method} {request.path}"
    if isinstance(error, Forbidden):
        audit.note_refused(store(), actor, "access.refused", what, error)
    elif error.status < 500 and request.method not in _READING and _is_for_staff():
        audit.note_refused(store(), actor, "staff.refused", what, error)


def _is_for_staff() -> bool:
    audience = getattr(current_app.blueprints.get(request.blueprint or ""), "audience", None)
    return audience is not None and bool(audience.roles) and Role.CUSTOMER not in audience.roles
