"""The bank's branches, for staff to read."""

from __future__ import annotations

from typing import Any

from app.controllers import branches
from app.domain.branches import Branch
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.branches import BranchesQuery, BranchOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import store

bp = Blueprint("banker_branches", __name__, url_prefix="/banker/branches", description="The bank's branches.")
guard(bp, BANKER)


@bp.get("")
@bp.arguments(BranchesQuery, location="query")
@bp.response(200, page_of(BranchOut))
def list_branches(query: dict[str, Any]) -> Page[Branch]:
    """List the branches, by code."""
    return branches.list_branches(store(), **query)
