"""The audit trail, for administrators."""

from __future__ import annotations

from typing import Any

from app.controllers import audit
from app.domain.audit import AuditRecord
from app.domain.paging import Page
from app.schemas.audit import AuditQuery, AuditRecordOut
from app.schemas.base import page_of
from app.views.blueprint import Blueprint
from app.views.guards import ADMIN, guard
from app.views.http import store

bp = Blueprint("admin_audit", __name__, url_prefix="/admin/audit", description="Who did what, and what was refused.")
guard(bp, ADMIN)


@bp.get("")
@bp.arguments(AuditQuery, location="query")
@bp.response(200, page_of(AuditRecordOut))
def list_records(query: dict[str, Any]) -> Page[AuditRecord]:
    """List the audit trail, newest first."""
    return audit.list_records(store(), **query)
