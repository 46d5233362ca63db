"""Holds: money set aside on accounts. Written by the journal alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.ledger.records import Hold, HoldStatus
from app.domain.money import AMOUNT_MINOR_MAX
from app.models.collection import CollectionSpec, Document, find_by_ids

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}

SPEC = CollectionSpec(
    "holds",
    indexes=(
        IndexModel([("account_id", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)], name="account_and_status"),
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
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "type": _ID,
            "reason": {"bsonType": "string", "maxLength": 500},
            "status": {"enum": [str(status) for status in HoldStatus]},
            "expires_at": {"bsonType": "date"},
            "placed_by": _ID,
            "placed_at": {"bsonType": "date"},
            "ended_by": _ID,
            "ended_at": {"bsonType": "date"},
        },
    },
)  # fmt: skip


class Holds:
    """The holds on all accounts."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def find_many(self, ids: Iterable[str], *, session: ClientSession | None = None) -> dict[str, Hold]:
        """Return the holds of these ids, by id."""
        return {found["_id"]: _hold_from(found) for found in find_by_ids(self._collection, ids, session=session)}

    def put_many(self, holds: Iterable[Hold], *, session: ClientSession) -> None:
        """Write new and changed holds in one command."""
        replacements = [ReplaceOne({"_id": hold.id}, _document(hold), upsert=True) for hold in holds]
        self._collection.bulk_write(replacements, session=session)


def _document(hold: Hold) -> Document:
    document: Document = {
        "_id": hold.id,
        "account_id": hold.account_id,
        "amount": Int64(hold.amount),
        "remaining": Int64(hold.remaining),
        "currency": hold.currency,
        "type": hold.type,
        "reason": hold.reason,
        "status": str(hold.status),
        "expires_at": hold.expires_at,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at,
        "ended_by": hold.ended_by,
        "ended_at": hold.ended_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def _hold_from(found: Mapping[str, Any]) -> Hold:
    return Hold(
        id=found["_id"],
        account_id=found["account_id"],
        amount=int(found["amount"]),
        remaining=int(found["remaining"]),
        currency=found["currency"],
        type=found["type"],
        reason=found["reason"],
        status=HoldStatus(found["status"]),
        expires_at=found.get("expires_at"),
        placed_by=found["placed_by"],
        placed_at=found["placed_at"],
        ended_by=found.get("ended_by"),
        ended_at=found.get("ended_at"),
    )
