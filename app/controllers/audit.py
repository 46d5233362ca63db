"""Reading the audit trail, and noting in it what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.audit import AuditFilter, AuditRecord, Subject
from app.domain.errors import BankError
from app.domain.paging import Page
from app.models.refusal_audit import write_refusal

if TYPE_CHECKING:
    from app.models.store import Store


def list_records(store: Store, wanted: AuditFilter, *, limit: int, cursor: str | None) -> Page[AuditRecord]:
    """Return a page of the audit trail, newest first."""
    return store.audit.page(wanted, limit=limit, cursor=cursor)


def note_refused(store: Store, actor: Actor, action: str, what: str, error: BankError) -> None:
    """Note that the actor was refused: what they asked for, and why."""
    write_refusal(store, action, actor, Subject("request", what), code=error.code)
