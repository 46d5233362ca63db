"""Maintaining the bank's branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.domain.actor import Actor
from app.domain.audit import Subject, facts_of
from app.domain.branches import Branch
from app.domain.errors import PreconditionFailed
from app.domain.paging import Page

if TYPE_CHECKING:
    from app.models.store import Store


def create_branch(store: Store, actor: Actor, facts: Mapping[str, Any]) -> Branch:
    """Add a branch.

    Raises:
        CodeTaken: there is one of this code.
    """
    now = store.clock.now()
    branch = Branch(**facts, created_at=now, updated_at=now)
    store.audit.together(
        lambda session: store.branches.insert(branch, session=session),
        "staff.branch_create",
        actor,
        Subject("branch", branch.code),
        after=facts_of(branch),
    )
    return branch


def list_branches(store: Store, *, limit: int, cursor: str | None) -> Page[Branch]:
    """Return a page of the branches, by code."""
    return store.branches.page(limit=limit, cursor=cursor)


def get_branch(store: Store, code: str) -> Branch:
    """Return a branch.

    Raises:
        NotFound: there is none of this code.
    """
    return store.branches.get(code)


def change_branch(store: Store, actor: Actor, code: str, facts: Mapping[str, Any], *, version: int) -> Branch:
    """Change what is told of a branch, if it still is as it was read.

    Raises:
        NotFound: there is none of this code.
        PreconditionFailed: somebody has changed it since.
        StateConflict: it is closed.
    """
    branch = store.branches.get(code)
    if branch.version != version:
        raise PreconditionFailed
    changed = branch.with_facts(facts, now=store.clock.now())
    _replace(store, actor, "staff.branch_change", branch, changed)
    return changed


def close_branch(store: Store, actor: Actor, code: str) -> Branch:
    """Close a branch: it keeps its accounts and staff, and gets no new ones.

    Raises:
        NotFound: there is none of this code.
        StateConflict: it is closed already.
        PreconditionFailed: somebody changed it at this moment.
    """
    branch = store.branches.get(code)
    closed = branch.closed(now=store.clock.now())
    _replace(store, actor, "staff.branch_close", branch, closed)
    return closed


def _replace(store: Store, actor: Actor, action: str, before: Branch, after: Branch) -> None:
    store.audit.together(
        lambda session: store.branches.replace(after, version=before.version, session=session),
        action,
        actor,
        Subject("branch", before.code),
        before=facts_of(before),
        after=facts_of(after),
    )
