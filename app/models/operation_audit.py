"""What staff do, ask for and decide is audited in the transaction of what it tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domain.actor import Actor
from app.domain.approvals import Approval
from app.domain.audit import OK, Subject
from app.domain.operations.base import Operation, PostingOperation
from app.domain.operations.registry import OPERATIONS
from app.models.posting import Append

if TYPE_CHECKING:
    from app.models.store import Store


def audited_operation(
    store: Store, actor: Actor, operation: Operation, *, step: str | None = None, **told: str
) -> tuple[Append, ...]:
    """Return the record of an operation that somebody executes alone, or (`step`) only asks for."""
    facts = {**operation.payload(), **told}
    return _record(store, actor, type(operation), operation.subject, facts, step=step, result=OK)


def audited_decision(
    store: Store, actor: Actor, approval: Approval, *, step: str | None = None, result: str = OK, **told: str | None
) -> tuple[Append, ...]:
    """Return the record of an operation executed with two people's word, or of a `step` that did not lead there.

    It names both: the actor decides, `requested_by` asked.
    """
    facts = {**approval.payload, "approval": approval.id, "requested_by": approval.requested_by.id, **told}
    return _record(store, actor, OPERATIONS[approval.operation], approval.subject, facts, step=step, result=result)


def _record(
    store: Store,
    actor: Actor,
    kind: type[Operation],
    subject: str,
    facts: dict[str, Any],
    *,
    step: str | None,
    result: str,
) -> tuple[Append, ...]:
    stream = "money" if issubclass(kind, PostingOperation) else "staff"
    action = f"{stream}.{kind.NAME}" + (f".{step}" if step else "")
    after = {name: value for name, value in facts.items() if value is not None}
    return store.audit.append(action, actor, Subject(kind.SUBJECT_KIND, subject), after=after, result=result)
