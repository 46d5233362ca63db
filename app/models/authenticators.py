"""Authenticators: a user's second factor, under the user's id. What is kept makes no code without the server's keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.domain.errors import MfaAlreadyEnrolled, MfaNotEnrolled, StateConflict
from app.domain.second_factor import RECOVERY_CODES, Authenticator, SealedSeed
from app.models.collection import Allowed, CollectionSpec, Document, find_by_ids
from app.models.lookups import Lookup

_DIGEST = {"bsonType": "string", "minLength": 64, "maxLength": 64}
SPEC = CollectionSpec(
    "authenticators",
    allowed=Allowed.REMOVE,
    schema={
        "required": ["seed", "enrolled_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "seed": {
                "bsonType": "object",
                "required": ["version", "nonce", "ciphertext"],
                "additionalProperties": False,
                "properties": {
                    "version": {"bsonType": "int", "minimum": 0},
                    "nonce": {"bsonType": "binData"},
                    "ciphertext": {"bsonType": "binData"},
                },
            },
            "enrolled_at": {"bsonType": "date"},
            "confirmed_at": {"bsonType": "date"},
            "last_step": {"bsonType": ["int", "long"], "minimum": 0},
            "recovery_codes": {"bsonType": "array", "maxItems": RECOVERY_CODES, "items": _DIGEST},
        },
    },
)


class Authenticators:
    """At most one of each user. One that is not confirmed yet counts for nothing."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def find(self, user_id: str) -> Authenticator | None:
        """Return the user's authenticator, confirmed or not, or None."""
        found = self._collection.find_one({"_id": user_id})
        return _authenticator(found) if found else None

    def find_confirmed(self, user_id: str) -> Authenticator | None:
        """Return the authenticator that the user's codes come from, or None."""
        found = self.find(user_id)
        return found if found and found.confirmed_at else None

    def get_confirmed(self, user_id: str) -> Authenticator:
        """Return the authenticator that the user's codes come from.

        Raises:
            MfaNotEnrolled: there is none.
        """
        found = self.find_confirmed(user_id)
        if found is None:
            raise MfaNotEnrolled
        return found

    def is_enrolled(self, user_id: str) -> Lookup[bool]:
        """Return the look-up of whether the user's codes are asked for."""
        return Lookup(SPEC.name, user_id, lambda found: found is not None and "confirmed_at" in found)

    def confirmed_among(self, user_ids: Iterable[str]) -> set[str]:
        """Return those of these users whose codes are asked for."""
        found = find_by_ids(self._collection, user_ids)
        return {each["_id"] for each in found if "confirmed_at" in each}

    def begin(self, user_id: str, seed: SealedSeed, *, now: datetime) -> None:
        """Keep a seed that is still to be confirmed, in place of an earlier one that never was.

        Raises:
            MfaAlreadyEnrolled: the user has a confirmed one.
        """
        fresh = {"seed": _seed_document(seed), "enrolled_at": now}
        try:
            self._collection.replace_one({"_id": user_id, "confirmed_at": {"$exists": False}}, fresh, upsert=True)
        except DuplicateKeyError:
            raise MfaAlreadyEnrolled from None

    def confirm(
        self,
        authenticator: Authenticator,
        step: int,
        recovery_codes: Sequence[str],
        *,
        now: datetime,
        session: ClientSession | None,
    ) -> None:
        """Let an authenticator count from now on; the code that confirmed it and its step are used.

        Raises:
            StateConflict: it was confirmed or replaced meanwhile.
        """
        change = {"confirmed_at": now, "last_step": step, "recovery_codes": list(recovery_codes)}
        query = {**_same(authenticator), "confirmed_at": {"$exists": False}}
        if self._collection.update_one(query, {"$set": change}, session=session).modified_count == 0:
            raise StateConflict

    def remove(self, user_id: str, *, session: ClientSession | None) -> None:
        """Forget the user's authenticator and recovery codes.

        Raises:
            MfaNotEnrolled: there is none.
        """
        if self._collection.delete_one({"_id": user_id}, session=session).deleted_count == 0:
            raise MfaNotEnrolled("This user has no authenticator.")

    def use_step(self, authenticator: Authenticator, step: int, reseal: SealedSeed | None) -> bool:
        """Use up a time step and all before it; False where somebody else has done so. A seed sealed anew is kept."""
        change: Document = {"last_step": step} | ({"seed": _seed_document(reseal)} if reseal else {})
        query = {**_same(authenticator), "last_step": {"$lt": step}}
        return self._collection.update_one(query, {"$set": change}).modified_count == 1

    def use_recovery_code(self, authenticator: Authenticator, digest: str) -> bool:
        """Use up a recovery code; False where there is none of this digest (any more)."""
        query = {**_same(authenticator), "recovery_codes": digest}
        return self._collection.update_one(query, {"$pull": {"recovery_codes": digest}}).modified_count == 1

    def replace_recovery_codes(self, authenticator: Authenticator, digests: Sequence[str]) -> None:
        """Put a new set in the place of the old one.

        Raises:
            StateConflict: the authenticator is another one meanwhile.
        """
        change = {"$set": {"recovery_codes": list(digests)}}
        if self._collection.update_one(_same(authenticator), change).modified_count == 0:
            raise StateConflict


def _same(authenticator: Authenticator) -> Document:
    return {"_id": authenticator.user_id, "enrolled_at": authenticator.enrolled_at}


def _seed_document(seed: SealedSeed) -> Document:
    return {"version": seed.version, "nonce": seed.nonce, "ciphertext": seed.ciphertext}


def _authenticator(found: Mapping[str, Any]) -> Authenticator:
    seed = found["seed"]
    return Authenticator(
        user_id=found["_id"],
        seed=SealedSeed(seed["version"], seed["nonce"], seed["ciphertext"]),
        enrolled_at=found["enrolled_at"],
        confirmed_at=found.get("confirmed_at"),
        last_step=found.get("last_step", -1),
        recovery_codes_left=len(found.get("recovery_codes", ())),
    )
