"""What waits for a second person, and their decision."""

from __future__ import annotations

from typing import Any

from app.controllers import approvals
from app.domain.approvals import Approval
from app.domain.errors import ApprovalDecided, ApprovalExpired, MakerIsChecker, NotFound, OwnAccess, StateConflict
from app.domain.paging import Page
from app.schemas.approvals import ApprovalIn, ApprovalOut, ApprovalsQuery, RejectionIn
from app.schemas.base import page_of
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, decided, idempotency_key, store

bp = Blueprint(
    "banker_approvals", __name__, url_prefix="/banker/approvals", description="What waits for a second person."
)
guard(bp, BANKER)


@bp.get("")
@bp.arguments(ApprovalsQuery, location="query")
@bp.response(200, page_of(ApprovalOut))
def list_approvals(query: dict[str, Any]) -> Page[Approval]:
    """List what staff have asked a second person for, newest first."""
    return approvals.list_approvals(store(), actor(), **query)


@bp.get("/<approval_id>")
@bp.refuses(NotFound)
@bp.response(200, ApprovalOut)
def show_approval(approval_id: str) -> Approval:
    """Show an approval with what it asks for, in full."""
    return approvals.get_approval(store(), approval_id)


@bp.post("/<approval_id>/approve")
@bp.arguments(ApprovalIn)
@bp.moves_money
@bp.refuses(ApprovalDecided, ApprovalExpired, MakerIsChecker, NotFound, OwnAccess, StateConflict)
@bp.response(200, ApprovalOut)
def approve(body: dict[str, str], approval_id: str) -> Any:
    """Approve and execute what a colleague asked for. Where the execution is refused, the status is `failed`."""
    return decided(approvals.approve(store(), actor(), approval_id, **body, idempotency_key=idempotency_key()))


@bp.post("/<approval_id>/reject")
@bp.arguments(RejectionIn)
@bp.moves_money
@bp.refuses(ApprovalDecided, ApprovalExpired, MakerIsChecker, NotFound, OwnAccess)
@bp.response(200, ApprovalOut)
def reject(body: dict[str, str], approval_id: str) -> Any:
    """Reject what a colleague asked for; nothing of it happens."""
    return decided(approvals.reject(store(), actor(), approval_id, **body, idempotency_key=idempotency_key()))
