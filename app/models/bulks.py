"""Bulk payments: what was asked for and how far it is. Their lines are kept in chunks, as they are posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.bulk import Bulk, BulkStatus
from app.domain.bulk_files import BulkMode, Payment
from app.domain.errors import NotFound, StateConflict
from app.domain.money import AMOUNT_MINOR_MAX
from app.models.collection import Allowed, CollectionSpec, Document, find_by_ids

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_COUNT = {"bsonType": "int", "minimum": 0}
_MONEY = {"bsonType": "long", "minimum": 0, "maximum": AMOUNT_MINOR_MAX}

SPEC = CollectionSpec(
    "bulks",
    indexes=(
        IndexModel([("requested_at", DESCENDING), ("_id", DESCENDING)], name="newest_first"),
        IndexModel(
            [("progressed_at", ASCENDING)],
            name="under_way",
            partialFilterExpression={"status": str(BulkStatus.RUNNING)},
        ),
    ),
    schema={
        "required": ["request_id", "digest", "source", "currency", "mode", "lines", "total", "requested_by",
                     "requested_at", "status", "done", "posted", "posted_total", "refused"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "request_id": _ID,
            "digest": _ID,
            "source": _ID,
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "mode": {"enum": [str(mode) for mode in BulkMode]},
            "lines": _COUNT,
            "total": _MONEY,
            "requested_by": _ID,
            "requested_at": {"bsonType": "date"},
            "branch": _ID,
            "status": {"enum": [str(status) for status in BulkStatus]},
            "approval": _ID,
            "done": _COUNT,
            "posted": _COUNT,
            "posted_total": _MONEY,
            "refused": _COUNT,
            "progressed_at": {"bsonType": "date"},
            "ended_at": {"bsonType": "date"},
        },
    },
)  # fmt: skip
CHUNKS = CollectionSpec(
    "bulk_chunks",
    allowed=Allowed.APPEND,
    schema={
        "required": ["lines"],
        "additionalProperties": False,
        "properties": {"_id": _ID, "lines": {"bsonType": "array", "minItems": 1, "maxItems": 1_000}},
    },
)


class Bulks:
    """The bulk payments. The lines of one never change."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]
        self._chunks = database[CHUNKS.name]

    def insert(self, bulk: Bulk, payments: Sequence[Payment], *, session: ClientSession | None) -> None:
        """Add a bulk payment with all its lines, within a transaction.

        Raises:
            DuplicateKeyError: it was added before.
        """
        self._collection.insert_one(_document(bulk), session=session)
        chunks = [_chunk_document(bulk.id, number, lines) for number, lines in enumerate(bulk.cut(payments))]
        self._chunks.insert_many(chunks, session=session)

    def get(self, bulk_id: str) -> Bulk:
        """Return a bulk payment, or raise NotFound."""
        found = self.find(bulk_id)
        if found is None:
            raise NotFound
        return found

    def find(self, bulk_id: str) -> Bulk | None:
        found = self._collection.find_one({"_id": bulk_id})
        return _bulk_from(found) if found else None

    def page(self, *, limit: int, before: Bulk | None) -> list[Bulk]:
        """Return bulk payments, the newest first, from behind the one given."""
        query: Document = {}
        if before is not None:
            earlier = {"requested_at": {"$lt": before.requested_at}}
            query = {"$or": [earlier, {"requested_at": before.requested_at, "_id": {"$lt": before.id}}]}
        found = self._collection.find(query).sort([("requested_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [_bulk_from(each) for each in found]

    def chunks(self, bulk_id: str, numbers: Sequence[int]) -> dict[int, list[Payment]]:
        """Return the lines of some chunks, by the chunk's number."""
        found = find_by_ids(self._chunks, [_chunk_id(bulk_id, number) for number in numbers])
        by_id = {each["_id"]: [_payment_from(line) for line in each["lines"]] for each in found}
        return {number: by_id[_chunk_id(bulk_id, number)] for number in numbers}

    def await_approval(self, bulk_id: str, approval: str) -> None:
        """Note whose approval it waits for, unless it has gone on meanwhile."""
        waiting = {"status": str(BulkStatus.AWAITING_APPROVAL), "approval": approval}
        self._collection.update_one({"_id": bulk_id, "status": str(BulkStatus.RECEIVED)}, {"$set": waiting})

    def start(self, bulk_id: str, *, approval: str | None, now: datetime, session: ClientSession | None) -> None:
        """Let the posting begin, by an approval where one was asked for.

        Raises:
            StateConflict: it has begun already.
        """
        waiting = {"$in": [str(BulkStatus.RECEIVED), str(BulkStatus.AWAITING_APPROVAL)]}
        change: Document = {"$set": {"status": str(BulkStatus.RUNNING), "progressed_at": now}}
        if approval is not None:
            change["$set"]["approval"] = approval
        if not self._collection.update_one({"_id": bulk_id, "status": waiting}, change, session=session).matched_count:
            raise StateConflict

    def advance(self, bulk: Bulk, *, posted: int, posted_total: int, refused: int, now: datetime) -> Bulk:
        """Count the results of the next chunk, once whoever comes with them, and return how far it is."""
        change: Document = {"done": bulk.done + 1, "progressed_at": now}
        if bulk.done + 1 == bulk.chunks:
            none_posted = bulk.mode is BulkMode.ALL_OR_NOTHING and refused
            change |= {"status": str(BulkStatus.REFUSED if none_posted else BulkStatus.COMPLETED), "ended_at": now}
        added = {"posted": posted, "posted_total": Int64(posted_total), "refused": refused}
        found = self._collection.find_one_and_update(
            {"_id": bulk.id, "done": bulk.done},
            {"$set": change, "$inc": added},
            return_document=ReturnDocument.AFTER,
        )
        return _bulk_from(found) if found else self.get(bulk.id)

    def refuse(self, bulk: Bulk, *, now: datetime) -> Bulk:
        """End a bulk payment of which nothing has been or will be posted."""
        change = {"$set": {"status": str(BulkStatus.REFUSED), "ended_at": now}}
        self._collection.update_one({"_id": bulk.id, "done": 0}, change)
        return self.get(bulk.id)

    def find_left_behind(self, *, before: datetime, limit: int) -> list[str]:
        """Return bulk payments under way that have not got on since: the process that posted them may be gone."""
        query = {"status": str(BulkStatus.RUNNING), "progressed_at": {"$lt": before}}
        return [each["_id"] for each in self._collection.find(query, {"_id": 1}).sort("progressed_at").limit(limit)]


def _chunk_id(bulk_id: str, number: int) -> str:
    return f"{bulk_id}-{number:04d}"


def _chunk_document(bulk_id: str, number: int, payments: Sequence[Payment]) -> Document:
    lines = [[each.to, Int64(each.amount), each.description, each.reference] for each in payments]
    return {"_id": _chunk_id(bulk_id, number), "lines": lines}


def _payment_from(line: Sequence[Any]) -> Payment:
    to, amount, description, reference = line
    return Payment(to, int(amount), description, reference)


def _document(bulk: Bulk) -> Document:
    document: Document = {
        "_id": bulk.id,
        "request_id": bulk.request_id,
        "digest": bulk.digest,
        "source": bulk.source,
        "currency": bulk.currency,
        "mode": str(bulk.mode),
        "lines": bulk.lines,
        "total": Int64(bulk.total),
        "requested_by": bulk.requested_by,
        "requested_at": bulk.requested_at,
        "branch": bulk.branch,
        "status": str(bulk.status),
        "approval": bulk.approval,
        "done": bulk.done,
        "posted": bulk.posted,
        "posted_total": Int64(bulk.posted_total),
        "refused": bulk.refused,
    }
    return {name: value for name, value in document.items() if value is not None}


def _bulk_from(found: Mapping[str, Any]) -> Bulk:
    return Bulk(
        id=found["_id"],
        request_id=found["request_id"],
        digest=found["digest"],
        source=found["source"],
        currency=found["currency"],
        mode=BulkMode(found["mode"]),
        lines=found["lines"],
        total=int(found["total"]),
        requested_by=found["requested_by"],
        requested_at=found["requested_at"],
        branch=found.get("branch"),
        status=BulkStatus(found["status"]),
        approval=found.get("approval"),
        done=found["done"],
        posted=found["posted"],
        posted_total=int(found["posted_total"]),
        refused=found["refused"],
        ended_at=found.get("ended_at"),
    )
