"""Holds: money set aside on accounts. Written by the journal alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.errors import NotFound, ValidationFailed
from app.domain.ids import entry_id_floor
from app.domain.ledger.records import Hold, HoldStatus
from app.domain.money import AMOUNT_MINOR_MAX
from app.domain.paging import Page
from app.models.collection import CollectionSpec, Document, find_by_ids

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_DIGITS = 12
_CURSOR = re.compile(r"0[0-9a-f]{11}[0-9a-f]{32,64}")
_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}

SPEC = CollectionSpec(
    "holds",
    indexes=(
        IndexModel([("account_id", ASCENDING), ("placed_at", ASCENDING), ("_id", ASCENDING)], name="account_by_time"),
        IndexModel(
            [("account_id", ASCENDING), ("status", ASCENDING), ("placed_at", ASCENDING), ("_id", ASCENDING)],
            name="account_and_status",
        ),
        IndexModel(
            [("status", ASCENDING), ("expires_at", ASCENDING)],
            name="expiry",
            partialFilterExpression={"status": str(HoldStatus.OPEN), "expires_at": {"$exists": True}},
        ),
    ),
    schema={
        "required": ["account_id", "amount", "remaining", "currency", "type", "reason", "status", "placed_by",
                     "placed_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "account_id": _ID,
            "amount": {"bsonType": "long", "minimum": 1, "maximum": AMOUNT_MINOR_MAX},
            "remaining": {"bsonType": "long", "minimum": 0, "maximum": AMOUNT_MINOR_MAX},
            "captured": {"bsonType": "long", "minimum": 0, "maximum": AMOUNT_MINOR_MAX},
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "type": _ID,
            "reason": {"bsonType": "string", "maxLength": 500},
            "status": {"enum": [str(status) for status in HoldStatus]},
            "expires_at": {"bsonType": "date"},
            "placed_by": _ID,
            "placed_at": {"bsonType": "date"},
            "ended_by": _ID,
            "ended_at": {"bsonType": "date"},
            "end_reason": {"bsonType": "string", "maxLength": 500},
        },
    },
)  # fmt: skip


class Holds:
    """The holds on all accounts."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def get(self, hold_id: str) -> Hold:
        """Return a hold.

        Raises:
            NotFound: there is none of this id.
        """
        found = self._collection.find_one({"_id": hold_id})
        if found is None:
            raise NotFound
        return _hold_from(found)

    def page(self, account_id: str, status: HoldStatus | None, *, limit: int, cursor: str | None) -> Page[Hold]:
        """Return a page of an account's holds, of one status or of all, newest first."""
        query: Document = {"account_id": account_id}
        if status is not None:
            query["status"] = str(status)
        newest_first = [("placed_at", DESCENDING), ("_id", DESCENDING)]
        found = [
            _hold_from(each)
            for each in self._collection.find(query | _behind(cursor)).sort(newest_first).limit(limit + 1)
        ]
        return Page(found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None)

    def list_expired(self, *, now: datetime, limit: int) -> list[str]:
        """Return the ids of open holds whose time has passed, those that passed first in front."""
        passed = {"status": str(HoldStatus.OPEN), "expires_at": {"$lte": now}}
        found = self._collection.find(passed, {"_id": 1}).sort("expires_at", ASCENDING).limit(limit)
        return [each["_id"] for each in found]

    def find_many(self, ids: Iterable[str], *, session: ClientSession | None = None) -> dict[str, Hold]:
        """Return the holds of these ids, by id."""
        return {found["_id"]: _hold_from(found) for found in find_by_ids(self._collection, ids, session=session)}

    def put_many(self, holds: Iterable[Hold], *, session: ClientSession) -> None:
        """Write new and changed holds in one command."""
        replacements = [ReplaceOne({"_id": hold.id}, _document(hold), upsert=True) for hold in holds]
        self._collection.bulk_write(replacements, session=session)


def _cursor(last: Hold) -> str:
    return f"{entry_id_floor(last.placed_at)}{last.id}"


def _behind(cursor: str | None) -> Document:
    """Return what the holds behind a cursor have in common: placed before, or at the same time with a lower id."""
    if cursor is None:
        return {}
    if not _CURSOR.fullmatch(cursor):
        raise ValidationFailed(errors={"cursor": ["Send back the next_cursor of the page before, unchanged."]})
    placed_at = _EPOCH + timedelta(milliseconds=int(cursor[:_TIME_DIGITS], 16))
    before = [{"placed_at": {"$lt": placed_at}}, {"placed_at": placed_at, "_id": {"$lt": cursor[_TIME_DIGITS:]}}]
    return {"placed_at": {"$lte": placed_at}, "$or": before}


def _document(hold: Hold) -> Document:
    document: Document = {
        "_id": hold.id,
        "account_id": hold.account_id,
        "amount": Int64(hold.amount),
        "remaining": Int64(hold.remaining),
        "captured": Int64(hold.captured),
        "currency": hold.currency,
        "type": hold.type,
        "reason": hold.reason,
        "status": str(hold.status),
        "expires_at": hold.expires_at,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at,
        "ended_by": hold.ended_by,
        "ended_at": hold.ended_at,
        "end_reason": hold.end_reason,
    }
    return {name: value for name, value in document.items() if value is not None}


def _hold_from(found: Mapping[str, Any]) -> Hold:
    return Hold(
        id=found["_id"],
        account_id=found["account_id"],
        amount=int(found["amount"]),
        remaining=int(found["remaining"]),
        captured=int(found.get("captured", 0)),
        currency=found["currency"],
        type=found["type"],
        reason=found["reason"],
        status=HoldStatus(found["status"]),
        expires_at=found.get("expires_at"),
        placed_by=found["placed_by"],
        placed_at=found["placed_at"],
        ended_by=found.get("ended_by"),
        ended_at=found.get("ended_at"),
        end_reason=found.get("end_reason"),
    )
