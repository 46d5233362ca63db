"""Four eyes: an operation is executed at once where policy does not ask, else when a second person has approved it.

The asking is a transaction of the ledger, under the id that the initiator's key gives it: so one key is either a direct
effect or an approval, for ever, and whichever came first is what a repeated request is answered with. `decisions` tells
how it goes on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from app.domain.actor import Actor
from app.domain.approvals import Answered, Approval, Person
from app.domain.errors import IdempotencyMismatch
from app.domain.ids import approval_id
from app.domain.ledger.book import Recorded
from app.domain.ledger.intents import AskApproval
from app.domain.ledger.records import TransactionType
from app.domain.operations.base import EffectOperation, Operation, PostingOperation
from app.domain.requests import intent_facts
from app.models.approvals import adding
from app.models.effects import bring_about, request_of, settle
from app.models.operation_audit import audited_operation
from app.models.prospects import refuse_hopeless

if TYPE_CHECKING:
    from app.models.store import Store


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
        record = audited_operation(store, actor, operation, transaction_id=facts["id"])
        recorded = store.journal.post(request.intent, also=(*request.also, *record))
        settle(store, operation)
    else:
        return _effect_or_earlier(store, actor, operation, facts)
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


def find_earlier(store: Store, facts: dict[str, Any]) -> Recorded | Answered | None:
    """Return what a key has led to before, whatever would be said of its request today; None where it is new.

    Raises:
        IdempotencyMismatch: the key belongs to a different request.
    """
    known = store.transactions.find(facts["id"])
    if known is None:
        return None
    if known.fingerprint != facts["fingerprint"]:
        raise IdempotencyMismatch
    recorded = Recorded(known, (), replayed=True)
    return _answered(store, recorded) if known.type is TransactionType.APPROVAL_REQUEST else recorded


def recorded_of(approval: Approval) -> dict[str, str]:
    """Return what the asking's transaction records of an approval, so that no later change of it goes unseen."""
    return {"approval": approval.id, "operation": str(approval.operation), "digest": approval.digest}


def _ask(store: Store, actor: Actor, operation: Operation, facts: dict[str, Any]) -> Recorded:
    if store.transactions.find(facts["id"]) is None:
        refuse_hopeless(store, operation)
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
    intent = AskApproval(**facts, subject=operation.subject, metadata=recorded_of(approval))
    record = audited_operation(store, actor, operation, step="ask", approval=approval.id)
    return store.journal.post(intent, also=(adding(approval), *record))


def _answered(store: Store, asking: Recorded) -> Answered:
    return Answered(store.approvals.get(asking.transaction.metadata["approval"]), asking.replayed)


def _effect_or_earlier(store: Store, actor: Actor, operation: Operation, facts: dict[str, Any]) -> Answered | None:
    """Bring an effect about, unless its key has asked for approval before, when policy still wanted it."""
    earlier = store.transactions.find(facts["id"])
    if earlier is None:
        record = audited_operation(store, actor, operation)
        bring_about(store, operation, also=lambda session: store.audit.add(record, session=session))
        return None
    if earlier.fingerprint != facts["fingerprint"]:
        raise IdempotencyMismatch
    return Answered(store.approvals.get(earlier.metadata["approval"]), replayed=True)
