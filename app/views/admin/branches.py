"""Maintaining the bank's branches."""

from __future__ import annotations

from typing import Any

from app.controllers import branches
from app.domain.branches import Branch
from app.domain.errors import CodeTaken, NotFound, PreconditionFailed, StateConflict
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.branches import BranchChangeIn, BranchesQuery, BranchIn, BranchOut
from app.views.blueprint import Blueprint
from app.views.etags import if_match, tagged
from app.views.guards import ADMIN, guard
from app.views.http import actor, store

bp = Blueprint("admin_branches", __name__, url_prefix="/admin/branches", description="The bank's branches.")
guard(bp, ADMIN)


@bp.get("")
@bp.arguments(BranchesQuery, location="query")
@bp.response(200, page_of(BranchOut))
def list_branches(query: dict[str, Any]) -> Page[Branch]:
    """List the branches, by code."""
    return branches.list_branches(store(), **query)


@bp.post("")
@bp.arguments(BranchIn)
@bp.versioned
@bp.refuses(CodeTaken)
@bp.response(201, BranchOut)
def create_branch(body: dict[str, Any]) -> Any:
    """Open a branch."""
    return tagged(branches.create_branch(store(), actor(), body), 201)


@bp.get("/<code>")
@bp.versioned
@bp.refuses(NotFound)
@bp.response(200, BranchOut)
def show_branch(code: str) -> Any:
    """Show a branch."""
    return tagged(branches.get_branch(store(), code))


@bp.patch("/<code>")
@bp.arguments(BranchChangeIn)
@bp.changes_version
@bp.refuses(NotFound, StateConflict)
@bp.response(200, BranchOut)
def change_branch(body: dict[str, Any], code: str) -> Any:
    """Change a branch's name, address or routing code."""
    return tagged(branches.change_branch(store(), actor(), code, body, version=if_match()))


@bp.post("/<code>/close")
@bp.versioned
@bp.refuses(NotFound, StateConflict, PreconditionFailed)
@bp.response(200, BranchOut)
def close_branch(code: str) -> Any:
    """Close a branch: it keeps its accounts and staff, and gets no new ones."""
    return tagged(branches.close_branch(store(), actor(), code))
