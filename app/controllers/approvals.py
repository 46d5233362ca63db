"""What waits for a second person, and their decision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered, Approval, ApprovalFilter
from app.domain.paging import Page
from app.models import decisions

if TYPE_CHECKING:
    from app.models.store import Store


def list_approvals(
    store: Store, actor: Actor, wanted: ApprovalFilter, *, mine: bool, limit: int, cursor: str | None
) -> Page[Approval]:
    """Return a page of approvals, newest first."""
    if mine:
        wanted = replace(wanted, requested_by=actor.user_id)
    now = store.clock.now()
    page = store.approvals.page(wanted, now=now, limit=limit, cursor=cursor)
    return Page([replace(each, status=each.at(now)) for each in page.items], page.next_cursor)


def get_approval(store: Store, approval_id: str) -> Approval:
    """Return an approval with the status that it has now.

    Raises:
        NotFound: there is none of this id.
    """
    approval = store.approvals.get(approval_id)
    return replace(approval, status=approval.at(store.clock.now()))


def approve(
    store: Store, actor: Actor, approval_id: str, *, comment: str | None = None, idempotency_key: str | None
) -> Answered:
    """Approve and execute; see `decisions.approve`."""
    return decisions.approve(store, actor, approval_id, comment=comment, idempotency_key=idempotency_key)


def reject(store: Store, actor: Actor, approval_id: str, *, comment: str, idempotency_key: str | None) -> Answered:
    """Reject; see `decisions.reject`."""
    return decisions.reject(store, actor, approval_id, comment=comment, idempotency_key=idempotency_key)
