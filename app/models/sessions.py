"""Sessions: each login's family of refresh tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.sessions import Device, Session
from app.domain.users import User
from app.models.collection import Allowed, CollectionSpec, Document

SPEC = CollectionSpec(
    "sessions",
    allowed=Allowed.REMOVE,
    indexes=(
        IndexModel([("user_id", ASCENDING), ("epoch", ASCENDING), ("_id", DESCENDING)], name="user"),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    schema={
        "required": ["user_id", "epoch", "device", "current_jti", "created_at", "rotated_at", "expires_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "user_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "epoch": {"bsonType": "int", "minimum": 0},
            "device": {
                "bsonType": "object",
                "required": ["address", "user_agent"],
                "additionalProperties": False,
                "properties": {
                    "address": {"bsonType": "string", "maxLength": 64},
                    "user_agent": {"bsonType": "string", "maxLength": 200},
                },
            },
            "current_jti": {"bsonType": "string"},
            "previous_jti": {"bsonType": "string"},
            "created_at": {"bsonType": "date"},
            "rotated_at": {"bsonType": "date"},
            "expires_at": {"bsonType": "date"},
            "second_factor": {"bsonType": "bool"},
        },
    },
)


class Sessions:
    """Every login that may still be carried on. One that has ended is gone; one that has expired is as good as gone."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, begun: Session, *, session: ClientSession | None = None) -> None:
        """Begin a session."""
        document = {
            "_id": begun.id,
            "user_id": begun.user_id,
            "epoch": begun.epoch,
            "device": {"address": begun.device.address, "user_agent": begun.device.user_agent},
            "current_jti": begun.current_jti,
            "created_at": begun.created_at,
            "rotated_at": begun.rotated_at,
            "expires_at": begun.expires_at,
            "second_factor": begun.second_factor,
        }
        self._collection.insert_one(document, session=session)

    def find_live(self, session_id: str, *, now: datetime) -> Session | None:
        """Return the session, or None where it has ended or expired."""
        found = self._collection.find_one({"_id": session_id, **_live(now)})
        return _session(found) if found else None

    def rotate(self, session: Session, new_jti: str, *, now: datetime, expires_at: datetime) -> Session | None:
        """Make a new refresh token the newest, unless somebody else has done so since `session` was read (None)."""
        found = self._collection.find_one_and_update(
            {"_id": session.id, "current_jti": session.current_jti, **_live(now)},
            {
                "$set": {
                    "current_jti": new_jti,
                    "previous_jti": session.current_jti,
                    "rotated_at": now,
                    "expires_at": expires_at,
                }
            },
            return_document=ReturnDocument.AFTER,
        )
        return _session(found) if found else None

    def page_of_user(self, user: User, *, now: datetime, limit: int, after: str | None) -> list[Session]:
        """Return up to `limit` of the user's live sessions, newest first, beginning after the session `after`."""
        query: Document = {"user_id": user.id, "epoch": user.epoch, **_live(now)}
        if after is not None:
            query["_id"] = {"$lt": after}
        return [_session(found) for found in self._collection.find(query).sort("_id", DESCENDING).limit(limit)]

    def end(self, session_id: str, user_id: str, *, now: datetime, session: ClientSession | None) -> bool:
        """End one live session of the user; False where there is none of this id."""
        query = {"_id": session_id, "user_id": user_id, **_live(now)}
        return self._collection.delete_one(query, session=session).deleted_count == 1


def _live(now: datetime) -> Document:
    return {"expires_at": {"$gt": now}}  # the server removes what has expired, but only once a minute


def _session(found: Mapping[str, Any]) -> Session:
    return Session(
        id=found["_id"],
        user_id=found["user_id"],
        epoch=found["epoch"],
        device=Device(found["device"]["address"], found["device"]["user_agent"]),
        current_jti=found["current_jti"],
        previous_jti=found.get("previous_jti"),
        created_at=found["created_at"],
        rotated_at=found["rotated_at"],
        expires_at=found["expires_at"],
        second_factor=found.get("second_factor", False),
    )
