"""Four eyes: an operation is executed at once where policy does not ask, else when a second person has approved it.

The asking is a transaction of the ledger, under the id that the initiator's key gives it: so one key is either a direct
effect or an approval, for ever, and whichever came first is what a repeated request is answered with. The approval is
used up in the very transaction that executes it: there is no moment at which one is done and the other is not, and
after an unknown outcome the approval itself tells what happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, overload

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
from app.domain.ids import approval_id, random_id, transaction_id
from app.domain.ledger.book import Recorded
from app.domain.ledger.intents import AskApproval
from app.domain.ledger.records import TransactionType
from app.domain.operations.base import EffectOperation, Operation, PostingOperation
from app.domain.operations.registry import OPERATIONS
from app.domain.requests import intent_facts
from app.models.approvals import adding, ending
from app.models.effects import bring_about, request_of
from app.models.posting import GuardedWrite
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


@overload
def submit(
    store: Store, actor: Actor, operation: PostingOperation, *, idempotency_key: str | None
) -> Recorded | Answered: ...


@overload
def submit(
    store: Store, actor: Actor, operation: EffectOperation, *, idempotency_key: str | None
) -> Answered | None: ...


def submit(
    store: Store, actor: Actor, operation: Operation, *, idempotency_key: str | None
) -> Recorded | Answered | None:
    """Execute a staff operation, or ask a second person for it; None where it was executed without a transaction.

    Raises:
        IdempotencyMismatch: the key belongs to a different request.
        BankError: the refusal of whatever executes it; nothing has happened.
    """
    facts = intent_facts(actor, idempotency_key, operation.NAME, operation.sent())
    if store.policies.get(operation.NAME).asks(operation):
        recorded = _ask(store, actor, operation, facts)
    elif isinstance(operation, PostingOperation):
        request = request_of(store, operation, facts, approval=None)
        recorded = store.journal.post(request.intent, also=request.also)
    else:
        return _effect_or_earlier(store, operation, facts)
    if recorded.transaction.type is not TransactionType.APPROVAL_REQUEST:
        return recorded
    return _answered(store, recorded)


def ask(store: Store, actor: Actor, operation: Operation, *, idempotency_key: str | None) -> Answered:
    """Ask a second person for an operation, whatever the policy says.

    Raises:
        IdempotencyMismatch: the key belongs to a different request.
    """
    facts = intent_facts(actor, idempotency_key, operation.NAME, operation.sent())
    return _answered(store, _ask(store, actor, operation, facts))


def approve(store: Store, actor: Actor, approval: str, *, comment: str | None, idempotency_key: str | None) -> Answered:
    """Approve what somebody else asked for and execute it, once; what refuses it then ends the approval as failed.

    Raises:
        MakerIsChecker, Forbidden: this person may not decide.
        ApprovalDecided, ApprovalExpired: there is nothing left to decide.
        StateConflict: whoever asked may no longer do so.
        OutcomeUnknown: it has been executed whole or not at all; the same request with its key tells, and does it then.
    """
    decision = _decision(store, actor, idempotency_key, approves=True, comment=comment)
    found = store.approvals.get(approval)
    if _is_repeated(store, found, decision):
        return Answered(found, replayed=True)
    if not _is_as_recorded(store, found):
        return _fail(store, found, decision, ApprovalAltered())
    refuse_departed_maker(found, store.users.get(found.requested_by.id))
    operation = OPERATIONS[found.operation].from_payload(found.payload)
    try:
        _execute(store, found, operation, decision)
    except _Overtaken as overtaken:
        return _decided_meanwhile(store, found, decision, overtaken.refusal)
    except BankError as refusal:
        if refusal.status >= 500:
            raise
        return _fail(store, found, decision, refusal)
    return Answered(store.approvals.get(found.id))


def reject(store: Store, actor: Actor, approval: str, *, comment: str, idempotency_key: str | None) -> Answered:
    """Reject what somebody else asked for; nothing of it happens.

    Raises:
        MakerIsChecker, Forbidden: this person may not decide.
        ApprovalDecided, ApprovalExpired: there is nothing left to decide.
    """
    decision = _decision(store, actor, idempotency_key, approves=False, comment=comment)
    found = store.approvals.get(approval)
    if _is_repeated(store, found, decision):
        return Answered(found, replayed=True)
    return _end(store, found, ApprovalStatus.REJECTED, decision)


def _answered(store: Store, asking: Recorded) -> Answered:
    return Answered(store.approvals.get(asking.transaction.metadata["approval"]), asking.replayed)


def _ask(store: Store, actor: Actor, operation: Operation, facts: dict[str, Any]) -> Recorded:
    now = store.clock.now()
    approval = Approval(
        id=approval_id(now, facts["id"]),
        request_id=facts["id"],
        operation=operation.NAME,
        subject=operation.subject,
        payload=operation.payload(),
        requested_by=Person(actor.user_id, actor.username),
        requested_at=now,
        expires_at=now + timedelta(hours=store.config.approval_hours),
        branch=facts.get("branch"),
    )
    intent = AskApproval(**facts, subject=operation.subject, metadata=_recorded_of(approval))
    return store.journal.post(intent, also=[adding(approval)])


def _effect_or_earlier(store: Store, operation: Operation, facts: dict[str, Any]) -> Answered | None:
    """Bring an effect about, unless its key has asked for approval before, when policy still wanted it."""
    earlier = store.transactions.find(facts["id"])
    if earlier is None:
        bring_about(store, operation, also=lambda _session: None)
        return None
    if earlier.fingerprint != facts["fingerprint"]:
        raise IdempotencyMismatch
    return Answered(store.approvals.get(earlier.metadata["approval"]), replayed=True)


def _decision(store: Store, actor: Actor, key: str | None, *, approves: bool, comment: str | None) -> Decision:
    by = Person(actor.user_id, actor.username)
    return Decision(by=by, at=store.clock.now(), approves=approves, comment=comment, key=key or random_id())


def _is_repeated(store: Store, approval: Approval, decision: Decision) -> bool:
    """Tell whether this decision was made before by the same request; if it was not, check that it can be made."""
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
    return request.initiated_by == approval.requested_by.id and request.metadata == _recorded_of(approval)


def _recorded_of(approval: Approval) -> dict[str, str]:
    return {"approval": approval.id, "operation": str(approval.operation), "digest": approval.digest}


def _execute(store: Store, approval: Approval, operation: Operation, decision: Decision) -> None:
    """Execute an operation and use up its approval, in one transaction."""
    if isinstance(operation, PostingOperation):
        return _post(store, approval, operation, decision)
    writes = _writes(approval, ApprovalStatus.EXECUTED, decision)
    return bring_about(store, operation, partial(_write, store, writes))


def _post(store: Store, approval: Approval, operation: PostingOperation, decision: Decision) -> None:
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
    writes = _writes(approval, ApprovalStatus.EXECUTED, decision, transaction_id=facts["id"])
    try:
        recorded = store.journal.post(request.intent, also=(*writes, *request.also))
    except BankError as refusal:
        if any(refusal is write.refusal for write in writes):
            raise _Overtaken(refusal) from refusal
        raise
    if recorded.replayed:
        raise _Overtaken(ApprovalDecided())


def _fail(store: Store, approval: Approval, decision: Decision, refusal: BankError) -> Answered:
    return _end(store, approval, ApprovalStatus.FAILED, decision, failure=refusal.code)


def _end(
    store: Store, approval: Approval, status: ApprovalStatus, decision: Decision, *, failure: str | None = None
) -> Answered:
    """End an approval without executing it."""
    try:
        store.transaction(partial(_write, store, _writes(approval, status, decision, failure=failure)))
    except _Overtaken as overtaken:
        return _decided_meanwhile(store, approval, decision, overtaken.refusal)
    return Answered(store.approvals.get(approval.id))


def _decided_meanwhile(store: Store, approval: Approval, decision: Decision, refusal: BankError) -> Answered:
    """Answer a decision that came too late: as the first time if it is its own repetition, else by the refusal."""
    found = store.approvals.get(approval.id)
    if decision.repeats(found.decision):
        return Answered(found, replayed=True)
    raise refusal


def _writes(
    approval: Approval, status: ApprovalStatus, decision: Decision, **facts: str | None
) -> tuple[GuardedWrite, GuardedWrite]:
    """Return what makes a decision: the approval ends, and whoever decides is in office at that very moment."""
    return ending(approval, status, decision, **facts), confirming(
        decision.by.id, roles=approval.deciding_roles, decided=approval.id
    )


def _write(store: Store, writes: Iterable[GuardedWrite], session: ClientSession | None) -> None:
    for write in writes:
        found = store.database[write.collection].update_one(write.guard, write.update or {}, session=session)
        if found.matched_count == 0:
            raise _Overtaken(write.refusal)
