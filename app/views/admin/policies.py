"""When staff operations need a second person."""

from __future__ import annotations

from typing import Any

from app.controllers import policies
from app.domain.errors import NotFound
from app.domain.paging import Page
from app.domain.policies import Policy
from app.schemas.approvals import ApprovalOut, PolicyIn, PolicyListOut
from app.views.blueprint import Blueprint
from app.views.guards import ADMIN, guard
from app.views.http import actor, asked, idempotency_key, store
from app.views.openapi import asking

bp = Blueprint("admin_policies", __name__, url_prefix="/admin/policies", description="When a second person is asked.")
guard(bp, ADMIN)


@bp.get("")
@bp.response(200, PolicyListOut)
def list_policies() -> Page[Policy]:
    """List the policy of every operation."""
    return Page(policies.list_policies(store()), None)


@bp.put("/<operation>")
@bp.arguments(PolicyIn)
@bp.moves_money
@bp.refuses(NotFound)
@bp.response(202, ApprovalOut, headers=asking())
def change_policy(body: dict[str, Any], operation: str) -> Any:
    """Ask another administrator for another policy; until one approves it, the present one counts."""
    return asked(policies.change_policy(store(), actor(), operation, **body, idempotency_key=idempotency_key()))
