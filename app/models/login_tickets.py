"""Login tickets: passwords that were proved and wait for a code. Good for one login, and for nothing else."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from app.domain.second_factor import LoginTicket
from app.domain.users import User
from app.models.collection import Allowed, CollectionSpec, Document

LIFETIME = timedelta(minutes=5)
_TICKET_BYTES = 32
SPEC = CollectionSpec(
    "login_tickets",
    allowed=Allowed.REMOVE,
    indexes=(IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    schema={
        "required": ["user_id", "epoch", "expires_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 64, "maxLength": 64},
            "user_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "epoch": {"bsonType": "int", "minimum": 0},
            "expires_at": {"bsonType": "date"},
        },
    },
)


class LoginTickets:
    """Tickets by their hash: random, so that none can be made up, and no tokens, so that none can be taken for one."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def issue(self, user: User, *, now: datetime) -> str:
        """Make a ticket for a user whose password was proved just now."""
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        document = {"_id": _digest(ticket), "user_id": user.id, "epoch": user.epoch, "expires_at": now + LIFETIME}
        self._collection.insert_one(document)
        return ticket

    def find_live(self, ticket: str, *, now: datetime) -> LoginTicket | None:
        """Return what a ticket stands for, or None where it was used, has expired or never was."""
        found = self._collection.find_one({"_id": _digest(ticket), "expires_at": {"$gt": now}})
        return LoginTicket(found["user_id"], found["epoch"]) if found else None

    def use(self, ticket: str) -> bool:
        """Use a ticket up; False where somebody else has done so."""
        return self._collection.delete_one({"_id": _digest(ticket)}).deleted_count == 1


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
