"""Approvals: requests of staff that wait for a second person, and how they ended. None is ever deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from app.domain.approvals import Approval, ApprovalFilter, ApprovalStatus, Decision, Person
from app.domain.errors import ApprovalDecided, NotFound, StateConflict
from app.domain.operations.base import OperationName
from app.domain.paging import Page
from app.models.collection import CollectionSpec, Document
from app.models.key_window import Walk, find_page
from app.models.posting import GuardedWrite

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_PERSON = {
    "bsonType": "object",
    "required": ["id", "username"],
    "additionalProperties": False,
    "properties": {"id": _ID, "username": _ID},
}
_PENDING = str(ApprovalStatus.PENDING)

SPEC = CollectionSpec(
    "approvals",
    indexes=(
        IndexModel([("status", ASCENDING), ("_id", DESCENDING)], name="status"),
        IndexModel([("operation", ASCENDING), ("_id", DESCENDING)], name="operation"),
        IndexModel([("requested_by.id", ASCENDING), ("_id", DESCENDING)], name="requested_by"),
        IndexModel([("status", ASCENDING), ("expires_at", ASCENDING)], name="expiry"),
        IndexModel(
            [("decision.by.id", ASCENDING), ("decision.key", ASCENDING)],
            name="one_decision_per_key",
            unique=True,
            partialFilterExpression={"decision.key": {"$exists": True}},  # pending ones have none
        ),
    ),
    schema={
        "required": ["request_id", "operation", "subject", "payload", "requested_by", "requested_at", "expires_at",
                     "status"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"},
            "request_id": _ID,
            "operation": {"enum": [str(name) for name in OperationName]},
            "subject": _ID,
            "payload": {"bsonType": "object"},
            "requested_by": _PERSON,
            "requested_at": {"bsonType": "date"},
            "expires_at": {"bsonType": "date"},
            "branch": _ID,
            "status": {"enum": [str(status) for status in ApprovalStatus]},
            "decision": {
                "bsonType": "object",
                "required": ["by", "at", "approves", "key"],
                "additionalProperties": False,
                "properties": {
                    "by": _PERSON,
                    "at": {"bsonType": "date"},
                    "approves": {"bsonType": "bool"},
                    "comment": {"bsonType": "string", "maxLength": 500},
                    "key": {"bsonType": "string", "minLength": 1, "maxLength": 255},
                },
            },
            "transaction_id": _ID,
            "failure": _ID,
        },
    },
)  # fmt: skip


class Approvals:
    """What waits for a second person, and what became of it."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def get(self, approval_id: str) -> Approval:
        """Return an approval.

        Raises:
            NotFound: there is none.
        """
        found = self._collection.find_one({"_id": approval_id})
        if found is None:
            raise NotFound
        return _approval(found)

    def is_key_used(self, decision: Decision) -> bool:
        """Tell whether the key of a decision has made one before."""
        query = {"decision.by.id": decision.by.id, "decision.key": decision.key}
        return self._collection.find_one(query, {"_id": 1}) is not None

    def page(self, wanted: ApprovalFilter, *, now: datetime, limit: int, cursor: str | None) -> Page[Approval]:
        """Return a page of approvals, newest first, with the status that they have now."""
        index, scope = _scope(wanted)
        conditions = {name: value for name, value in _conditions(wanted, now).items() if name not in scope}
        walk = Walk(index, DESCENDING, scope, {"$lt": cursor} if cursor else {})
        found, next_cursor = find_page(self._collection, walk, conditions, limit=limit)
        return Page([_approval(each) for each in found], next_cursor)

    def expire_due(self, now: datetime) -> int:
        """Note of every approval that nobody decided in time that it has expired; return how many they were."""
        due = {"status": _PENDING, "expires_at": {"$lte": now}}
        return self._collection.update_many(due, {"$set": {"status": str(ApprovalStatus.EXPIRED)}}).modified_count


def adding(approval: Approval) -> GuardedWrite:
    """Return the insertion of a new approval, to go with the transaction that records the asking."""
    return GuardedWrite(SPEC.name, guard={"_id": approval.id}, refusal=StateConflict(), insert=_document(approval))


def ending(
    approval: Approval,
    status: ApprovalStatus,
    decision: Decision,
    *,
    transaction_id: str | None = None,
    failure: str | None = None,
) -> GuardedWrite:
    """Return the write that ends an approval, if it is still pending, in time, and asks for what was read."""
    guard: Document = {"_id": approval.id, "status": _PENDING, "payload": approval.payload}
    guard |= {"operation": str(approval.operation), "requested_by.id": approval.requested_by.id}
    guard["expires_at"] = {"$eq": approval.expires_at, "$gt": decision.at}
    facts: Document = {"status": str(status), "decision": _decision(decision)}
    facts |= {"transaction_id": transaction_id, "failure": failure}
    update = {"$set": {name: value for name, value in facts.items() if value is not None}}
    return GuardedWrite(SPEC.name, guard=guard, refusal=ApprovalDecided(), update=update)


def _scope(wanted: ApprovalFilter) -> tuple[str, Document]:
    """Return the part of a filter that an index walks by time, and its name: what narrows most comes first."""
    if wanted.requested_by is not None:
        return "requested_by", {"requested_by.id": wanted.requested_by}
    if wanted.operation is not None:
        return "operation", {"operation": str(wanted.operation)}
    if wanted.status is ApprovalStatus.EXPIRED:
        return "status", {"status": {"$in": [_PENDING, str(wanted.status)]}}
    return ("status", {"status": str(wanted.status)}) if wanted.status is not None else ("_id_", {})


def _conditions(wanted: ApprovalFilter, now: datetime) -> Document:
    conditions: Document = {}
    if wanted.operation is not None:
        conditions["operation"] = str(wanted.operation)
    if wanted.status is ApprovalStatus.PENDING:
        conditions |= {"status": _PENDING, "expires_at": {"$gt": now}}
    elif wanted.status is ApprovalStatus.EXPIRED:
        late = {"status": _PENDING, "expires_at": {"$lte": now}}
        conditions["$or"] = [{"status": str(ApprovalStatus.EXPIRED)}, late]
    elif wanted.status is not None:
        conditions["status"] = str(wanted.status)
    return conditions


def _document(approval: Approval) -> Document:
    document: Document = {
        "_id": approval.id,
        "request_id": approval.request_id,
        "operation": str(approval.operation),
        "subject": approval.subject,
        "payload": dict(approval.payload),
        "requested_by": approval.requested_by._asdict(),
        "requested_at": approval.requested_at,
        "expires_at": approval.expires_at,
        "branch": approval.branch,
        "status": str(approval.status),
    }
    return {name: value for name, value in document.items() if value is not None}


def _decision(decision: Decision) -> Document:
    document = {"by": decision.by._asdict(), "at": decision.at, "approves": decision.approves, "key": decision.key}
    document["comment"] = decision.comment
    return {name: value for name, value in document.items() if value is not None}


def _approval(found: Mapping[str, Any]) -> Approval:
    decided = found.get("decision")
    return Approval(
        id=found["_id"],
        request_id=found["request_id"],
        operation=OperationName(found["operation"]),
        subject=found["subject"],
        payload=found["payload"],
        requested_by=Person(**found["requested_by"]),
        requested_at=found["requested_at"],
        expires_at=found["expires_at"],
        branch=found.get("branch"),
        status=ApprovalStatus(found["status"]),
        decision=_read_decision(decided) if decided else None,
        transaction_id=found.get("transaction_id"),
        failure=found.get("failure"),
    )


def _read_decision(found: Mapping[str, Any]) -> Decision:
    return Decision(
        by=Person(**found["by"]),
        at=found["at"],
        approves=found["approves"],
        comment=found.get("comment"),
        key=found["key"],
    )
