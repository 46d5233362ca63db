"""Confirmations: payments that a customer has confirmed by a code, or is about to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.database import Database

from app.domain.confirmations import TRIES_MAX, Confirmation, ConfirmationStatus, Payment
from app.domain.errors import ConfirmationEnded, NotFound, StepUpRequired
from app.domain.money import Money
from app.models.collection import CollectionSpec, Document
from app.models.posting import GuardedWrite

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
SPEC = CollectionSpec(
    "confirmations",
    indexes=(IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    schema={
        "required": ["user_id", "digest", "payment", "status", "tries", "created_at", "expires_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "user_id": _ID,
            "digest": {"bsonType": "string", "minLength": 64, "maxLength": 64},
            "payment": {
                "bsonType": "object",
                "required": ["source", "payee", "payee_name", "amount", "currency"],
                "additionalProperties": False,
                "properties": {
                    "source": _ID,
                    "payee": _ID,
                    "payee_name": {"bsonType": ["string", "null"]},
                    "amount": {"bsonType": ["int", "long"], "minimum": 1},
                    "currency": {"bsonType": "string", "minLength": 3, "maxLength": 3},
                },
            },
            "status": {"enum": [str(status) for status in ConfirmationStatus]},
            "tries": {"bsonType": "int", "minimum": 0, "maximum": TRIES_MAX},
            "created_at": {"bsonType": "date"},
            "expires_at": {"bsonType": "date"},
            "used_at": {"bsonType": "date"},
        },
    },
)


class Confirmations:
    """Each is one user's, good for one payment, once, until it expires."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, confirmation: Confirmation) -> None:
        """Add one that waits for its code."""
        self._collection.insert_one(_document(confirmation))

    def get(self, confirmation_id: str, *, user_id: str, now: datetime) -> Confirmation:
        """Return a live confirmation of the user's.

        Raises:
            NotFound: there is none of this id, it is somebody else's, or its time is over.
        """
        found = self._collection.find_one({"_id": confirmation_id, "user_id": user_id, "expires_at": {"$gt": now}})
        if found is None:
            raise NotFound
        return _confirmation(found)

    def count_try(self, confirmation: Confirmation, *, now: datetime) -> None:
        """Count a try before it is evaluated: however many come at once, no more than TRIES_MAX get through.

        Raises:
            ConfirmationEnded: it was confirmed or used, tried too often, or its time is over.
        """
        query = _pending(confirmation, now) | {"tries": {"$lt": TRIES_MAX}}
        if self._collection.update_one(query, {"$inc": {"tries": 1}}).modified_count == 0:
            raise ConfirmationEnded

    def confirm(self, confirmation: Confirmation, *, now: datetime) -> Confirmation:
        """Let a confirmation count, its code having been given.

        Raises:
            ConfirmationEnded: its time is over meanwhile, or it was confirmed by another code.
        """
        found = self._collection.find_one_and_update(
            _pending(confirmation, now),
            {"$set": {"status": str(ConfirmationStatus.CONFIRMED)}},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            raise ConfirmationEnded
        return _confirmation(found)

    def use(self, confirmation_id: str, *, user_id: str, operation_digest: str, now: datetime) -> GuardedWrite:
        """Return what uses a confirmation up in the transaction of the posting that it is for.

        The posting is refused with StepUpRequired where the confirmation is not the user's, not for exactly this, not
        confirmed, used already, or its time is over.
        """
        guard = {
            "_id": confirmation_id,
            "user_id": user_id,
            "digest": operation_digest,
            "status": str(ConfirmationStatus.CONFIRMED),
            "expires_at": {"$gt": now},
        }
        update = {"$set": {"status": str(ConfirmationStatus.USED), "used_at": now}}
        refusal = StepUpRequired("This is not what was confirmed, or it was confirmed too long ago or used before.")
        return GuardedWrite(SPEC.name, guard, refusal, update=update)

    def missing(self, user_id: str, refusal: StepUpRequired) -> GuardedWrite:
        """Return what refuses a posting that needs a confirmation and has none, save where it is a replay."""
        return GuardedWrite(SPEC.name, {"_id": f"missing {user_id}"}, refusal, update={"$inc": {"tries": 1}})


def _pending(confirmation: Confirmation, now: datetime) -> Document:
    return {"_id": confirmation.id, "status": str(ConfirmationStatus.PENDING), "expires_at": {"$gt": now}}


def _document(confirmation: Confirmation) -> Document:
    payment = confirmation.payment
    return {
        "_id": confirmation.id,
        "user_id": confirmation.user_id,
        "digest": payment.digest,
        "payment": {
            "source": payment.source,
            "payee": payment.payee,
            "payee_name": payment.payee_name,
            "amount": payment.amount.amount_minor,
            "currency": payment.amount.currency,
        },
        "status": str(confirmation.status),
        "tries": confirmation.tries,
        "created_at": confirmation.created_at,
        "expires_at": confirmation.expires_at,
    }


def _confirmation(found: Mapping[str, Any]) -> Confirmation:
    payment = found["payment"]
    return Confirmation(
        id=found["_id"],
        user_id=found["user_id"],
        payment=Payment(
            source=payment["source"],
            payee=payment["payee"],
            payee_name=payment["payee_name"],
            amount=Money(payment["amount"], payment["currency"]),
        ),
        status=ConfirmationStatus(found["status"]),
        tries=found["tries"],
        created_at=found["created_at"],
        expires_at=found["expires_at"],
    )
