"""Reset codes that were handed out: one for a user at most, kept as a digest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.reset_codes import reset_code_digest
from app.domain.users import User
from app.models.collection import Allowed, CollectionSpec, Document

SPEC = CollectionSpec(
    "password_resets",
    allowed=Allowed.REMOVE,
    indexes=(IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    schema={
        "required": ["digest", "epoch", "expires_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "digest": {"bsonType": "string", "minLength": 64, "maxLength": 64},
            "epoch": {"bsonType": "int", "minimum": 0},
            "expires_at": {"bsonType": "date"},
        },
    },
)
_NOBODY = "nobody"
"""Whose code is looked for where there is no such user, so that the same is done as where there is one."""


class PasswordResets:
    """Codes by their user. What ends a user's sessions voids their code, too: it names the epoch it was made in."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def put(self, user: User, code: str, *, expires_at: datetime, session: ClientSession | None) -> None:
        """Keep a user's code in the place of any that was there."""
        kept = {"digest": reset_code_digest(user.id, code), "epoch": user.epoch, "expires_at": expires_at}
        self._collection.replace_one({"_id": user.id}, kept, upsert=True, session=session)

    def is_live(self, user: User | None, code: str, *, now: datetime) -> bool:
        """Tell whether this is the user's code, still good; for nobody the work is the same, and the answer no."""
        return self._collection.find_one(_query(user, code, now)) is not None

    def use(self, user: User, code: str, *, now: datetime, session: ClientSession | None) -> bool:
        """Use a code up; False where it is not the user's (any more)."""
        return self._collection.delete_one(_query(user, code, now), session=session).deleted_count == 1


def _query(user: User | None, code: str, now: datetime) -> dict[str, Any]:
    user_id, epoch = (user.id, user.epoch) if user else (_NOBODY, 0)
    return {
        "_id": user_id,
        "digest": reset_code_digest(user_id, code),
        "epoch": epoch,
        "expires_at": {"$gt": now},
    }
