"""Attempts: how often something was tried within a period. Logins by name and calls by address are counted here."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.domain.rates import Rate
from app.models.collection import Allowed, CollectionSpec, Document
from app.models.lookups import Lookup

SPEC = CollectionSpec(
    "attempts",
    allowed=Allowed.REMOVE,
    indexes=(IndexModel([("until", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    schema={
        "required": ["count", "until"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 64, "maxLength": 64},
            "count": {"bsonType": "int", "minimum": 1},
            "until": {"bsonType": "date"},
        },
    },
)
_TRIES = 3


class Attempts:
    """Counters that all processes share. One holds neither a name nor an address, only a hash of it."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def wait_s(self, kind: str, subject: str, rate: Rate, *, now: datetime) -> int:
        """Return for how many seconds the next attempt would be refused; 0 where it would not."""
        return _wait_s(self._collection.find_one({"_id": _key(kind, subject)}), rate, now)

    def waiting(self, kind: str, subject: str, rate: Rate, *, now: datetime) -> Lookup[int]:
        """Return the look-up of what `wait_s` says."""
        return Lookup(SPEC.name, _key(kind, subject), lambda found: _wait_s(found, rate, now))

    def take(self, kind: str, subject: str, rate: Rate, *, now: datetime) -> int:
        """Count one attempt and return 0, or return for how many seconds it is refused; that counts for nothing.

        However many processes take at once, no more than the rate's amount get through. The period begins with the
        first attempt and is over when it is over: attempts that are refused do not make it longer.
        """
        key = _key(kind, subject)
        for _ in range(_TRIES):
            wait_s = _wait_s(self._collection.find_one({"_id": key}), rate, now)
            if wait_s or self._count(key, rate, now) or self._begin(key, rate, now):
                return wait_s
        return 1  # others were quicker each time, and used up what there was

    def forget(self, kind: str, subject: str) -> None:
        """Begin anew: what was tried so far counts no more."""
        self._collection.delete_one({"_id": _key(kind, subject)})

    def _count(self, key: str, rate: Rate, now: datetime) -> bool:
        query = {"_id": key, "until": {"$gt": now}, "count": {"$lt": rate.amount}}
        return self._collection.update_one(query, {"$inc": {"count": 1}}).modified_count == 1

    def _begin(self, key: str, rate: Rate, now: datetime) -> bool:
        """Begin a period, where there is none or the last is over."""
        fresh = {"count": 1, "until": now + rate.period}
        if self._collection.update_one({"_id": key, "until": {"$lte": now}}, {"$set": fresh}).modified_count == 1:
            return True
        try:
            self._collection.insert_one({"_id": key, **fresh})
        except DuplicateKeyError:
            return False
        return True


def _wait_s(found: Mapping[str, Any] | None, rate: Rate, now: datetime) -> int:
    if found is None or found["count"] < rate.amount or found["until"] <= now:
        return 0
    until: datetime = found["until"]
    return math.ceil(min(until - now, rate.period).total_seconds())  # other callers' clocks may be a little ahead


def _key(kind: str, subject: str) -> str:
    return hashlib.sha256(f"{kind}\n{subject}".encode("utf-8", "surrogatepass")).hexdigest()
