"""A second person's decision. An approval is used up in the very transaction that executes what it approves.

So there is no moment at which one is done and the other is not: after an unknown outcome the approval itself tells what
happened, and the same decision may be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pymongo.client_session import ClientSession

from app.domain.actor import Actor
from app.domain.approvals import (
    Answered,
    Approval,
    ApprovalStatus,
    Decision,
    Person,
    refuse_decider,
    refuse_departed_maker,
    refuse_undecidable,
)
from app.domain.errors import ApprovalAltered, ApprovalDecided, BankError, IdempotencyMismatch
from app.domain.ids import random_id, transaction_id
from app.domain.ledger.records import TransactionType
from app.domain.operations.base import Operation, PostingOperation
from app.domain.operations.registry import OPERATIONS
from app.models.approvals import ending
from app.models.effects import bring_about, request_of, settle
from app.models.four_eyes import recorded_of
from app.models.opening import until_settled
from app.models.operation_audit import audited_decision
from app.models.posting import Append, GuardedWrite
from app.models.users import confirming

if TYPE_CHECKING:
    from app.models.store import Store

_INITIATOR = "approval"
"""Whose key an execution's id is derived from; no user has this id."""


class _Overtaken(Exception):
    """What a decision relied on was no longer so when it was written: the approval pending, its author in office."""

    def __init__(self, refusal: BankError) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Case:
    """An approval, what is decided about it, and who decides."""

    store: Store
    actor: Actor
    approval: Approval
    decision: Decision


def approve(
    store: Store, actor: Actor, approval_id: str, *, comment: str | None, idempotency_key: str | None
) -> Answered:
    """Approve what somebody else asked for and execute it, once; what refuses it then ends the approval as failed.

    Raises:
        MakerIsChecker, OwnAccess, Forbidden: this person may not decide.
        ApprovalDecided, ApprovalExpired: there is nothing left to decide.
        StateConflict: whoever asked may no longer do so.
        OutcomeUnknown: it has been executed whole or not at all; the same request with its key tells, and does it then.
    """
    case = _case(store, actor, approval_id, idempotency_key, approves=True, comment=comment)
    approval = case.approval
    if _is_repeated(case):
        return Answered(approval, replayed=True)
    if not _is_as_recorded(store, approval):
        return _fail(case, ApprovalAltered())
    refuse_departed_maker(approval, store.users.get(approval.requested_by.id))
    operation = OPERATIONS[approval.operation].from_payload(approval.payload)
    try:
        until_settled(lambda: _execute(case, operation))
    except _Overtaken as overtaken:
        return _decided_meanwhile(case, overtaken.refusal)
    except BankError as refusal:
        if refusal.status >= 500:
            raise
        return _fail(case, refusal)
    return Answered(store.approvals.get(approval.id))


def reject(store: Store, actor: Actor, approval_id: str, *, comment: str, idempotency_key: str | None) -> Answered:
    """Reject what somebody else asked for; nothing of it happens.

    Raises:
        MakerIsChecker, OwnAccess, Forbidden: this person may not decide.
        ApprovalDecided, ApprovalExpired: there is nothing left to decide.
    """
    case = _case(store, actor, approval_id, idempotency_key, approves=False, comment=comment)
    if _is_repeated(case):
        return Answered(case.approval, replayed=True)
    record = audited_decision(store, actor, case.approval, step="reject", comment=comment)
    return _end(case, ApprovalStatus.REJECTED, record)


def _case(
    store: Store, actor: Actor, approval_id: str, key: str | None, *, approves: bool, comment: str | None
) -> _Case:
    by = Person(actor.user_id, actor.username)
    decision = Decision(by=by, at=store.clock.now(), approves=approves, comment=comment, key=key or random_id())
    return _Case(store, actor, store.approvals.get(approval_id), decision)


def _is_repeated(case: _Case) -> bool:
    """Tell whether this decision was made before by the same request; if it was not, check that it can be made."""
    store, approval, decision = case.store, case.approval, case.decision
    refuse_decider(approval, store.users.get(decision.by.id))
    if decision.repeats(approval.decision):
        return True
    refuse_undecidable(approval, decision.at)
    other_effect = store.transactions.find(transaction_id(decision.by.id, decision.key))
    if other_effect is not None or store.approvals.is_key_used(decision):
        raise IdempotencyMismatch
    return False


def _is_as_recorded(store: Store, approval: Approval) -> bool:
    """Tell whether an approval is what the ledger recorded when it was asked for."""
    request = store.transactions.find(approval.request_id)
    if request is None or request.type is not TransactionType.APPROVAL_REQUEST:
        return False
    return request.initiated_by == approval.requested_by.id and request.metadata == recorded_of(approval)


def _execute(case: _Case, operation: Operation) -> None:
    """Execute an operation and use up its approval, in one transaction."""
    if isinstance(operation, PostingOperation):
        return _post(case, operation)
    record = audited_decision(case.store, case.actor, case.approval)
    also = partial(_write, case.store, _ending(case, ApprovalStatus.EXECUTED), record)
    return bring_about(case.store, operation, also)


def _post(case: _Case, operation: PostingOperation) -> None:
    store, approval, decision = case.store, case.approval, case.decision
    facts: dict[str, Any] = {
        "id": transaction_id(_INITIATOR, approval.id),
        "fingerprint": approval.digest,
        "idempotency_key": decision.key,
        "initiated_by": approval.requested_by.id,
        "channel": "counter",
        "branch": approval.branch,
        "metadata": {"approval": approval.id, "approved_by": decision.by.id},
    }
    request = request_of(store, operation, facts, approval=approval.id)
    writes = _ending(case, ApprovalStatus.EXECUTED, transaction_id=facts["id"])
    record = audited_decision(store, case.actor, approval, transaction_id=facts["id"])
    try:
        recorded = store.journal.post(request.intent, also=(*writes, *request.also, *record))
    except BankError as refusal:
        if any(refusal is write.refusal for write in writes):
            raise _Overtaken(refusal) from refusal
        raise
    if recorded.replayed:
        raise _Overtaken(ApprovalDecided())
    settle(store, operation)


def _fail(case: _Case, refusal: BankError) -> Answered:
    record = audited_decision(case.store, case.actor, case.approval, step="approve", result=refusal.code)
    return _end(case, ApprovalStatus.FAILED, record, failure=refusal.code)


def _end(case: _Case, status: ApprovalStatus, record: Iterable[Append], *, failure: str | None = None) -> Answered:
    """End an approval without executing it."""
    try:
        case.store.transaction(partial(_write, case.store, _ending(case, status, failure=failure), record))
    except _Overtaken as overtaken:
        return _decided_meanwhile(case, overtaken.refusal)
    return Answered(case.store.approvals.get(case.approval.id))


def _decided_meanwhile(case: _Case, refusal: BankError) -> Answered:
    """Answer a decision that came too late: as the first time if it is its own repetition, else by the refusal."""
    found = case.store.approvals.get(case.approval.id)
    if case.decision.repeats(found.decision):
        return Answered(found, replayed=True)
    raise refusal


def _ending(case: _Case, status: ApprovalStatus, **facts: str | None) -> tuple[GuardedWrite, GuardedWrite]:
    """Return what makes a decision: the approval ends, and whoever decides is in office at that very moment."""
    approval, decision = case.approval, case.decision
    confirmed = confirming(decision.by.id, roles=approval.deciding_roles, decided=approval.id)
    return ending(approval, status, decision, **facts), confirmed


def _write(
    store: Store, writes: Iterable[GuardedWrite], record: Iterable[Append], session: ClientSession | None
) -> None:
    for write in writes:
        found = store.database[write.collection].update_one(write.guard, write.update or {}, session=session)
        if found.matched_count == 0:
            raise _Overtaken(write.refusal)
    store.audit.add(record, session=session)
