"""Seals over the audit trail: each stream's chain, continued by a job behind the records.

Beside every record stands a marker, written in the same transaction, with the digest of what the record says. Sealing
takes markers and puts a seal in their place, in one transaction: which records are still to be sealed depends on no
clock, and a record changed before its seal is found as one changed after. Of two who seal at once one is refused by
the unique number of the next seal, and begins anew behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from bson import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.audit import Stream, content_digest
from app.domain.audit_chain import Covered, Head, Seal, seal_after
from app.models import audit
from app.models.collection import Allowed, CollectionSpec, Document, find_by_ids

if TYPE_CHECKING:
    from app.models.store import Store

RECORDS_PER_SEAL_MAX = 500
SEALS_PER_RUN_MAX = 20
RECORDS_PER_BATCH = 500
SEALS_PER_BATCH = 4
_HASH = {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"}
_LIST = {"bsonType": "array", "minItems": 1, "maxItems": RECORDS_PER_SEAL_MAX}

SPEC = CollectionSpec(
    "audit_seals",
    allowed=Allowed.APPEND,
    indexes=(
        IndexModel([("stream", ASCENDING), ("n", ASCENDING)], name="one_seal_per_number", unique=True),
        IndexModel([("record_ids", ASCENDING)], name="records"),
    ),
    schema={
        "required": ["stream", "n", "record_ids", "digests", "digest", "previous", "hash", "at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "stream": {"enum": [str(stream) for stream in Stream]},
            "n": {"bsonType": "long", "minimum": 1},
            "record_ids": {**_LIST, "items": {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"}},
            "digests": {**_LIST, "items": _HASH},
            "digest": _HASH,
            "previous": _HASH,
            "hash": _HASH,
            "at": {"bsonType": "date"},
        },
    },
)


class AuditSeals:
    """The chains, their ends, and the markers of what is still to be sealed."""

    def __init__(self, database: Database[Document]) -> None:
        self._seals = database[SPEC.name]
        self._markers = database[audit.UNSEALED.name]
        self._records = database[audit.SPEC.name]

    def head(self, stream: Stream, *, session: ClientSession | None = None) -> Head:
        """Return the end of a stream's chain."""
        last = self._seals.find_one({"stream": str(stream)}, sort=[("n", DESCENDING)], session=session)
        return seal_from(last).head if last else Head(stream)

    def find_head(self, stream: Stream, number: int) -> Head | None:
        """Return what the end of the chain was when it had so many seals, or None."""
        if number == 0:
            return Head(stream)
        found = self._seals.find_one({"stream": str(stream), "n": number})
        return seal_from(found).head if found else None

    def heads(self) -> list[Head]:
        """Return the ends of all chains."""
        return [self.head(stream) for stream in Stream]

    def unsealed(self, stream: Stream, *, session: ClientSession | None = None) -> list[Covered]:
        """Return the oldest records without a seal, as many as one takes, with their digests."""
        query = self._markers.find({"stream": str(stream)}, session=session).sort("_id", ASCENDING)
        return [Covered(each["_id"], each["digest"]) for each in query.limit(RECORDS_PER_SEAL_MAX)]

    def backlog(self, *, count_max: int) -> int:
        """Count the records without a seal, up to a bound."""
        return self._markers.count_documents({"_id": {"$gte": ""}}, limit=count_max)  # by the index

    def put(self, seal: Seal, *, session: ClientSession | None) -> None:
        """Write a seal in place of the markers of what it covers."""
        self._seals.insert_one(seal_document(seal), session=session)
        ids = [each.record_id for each in seal.covered]
        self._markers.delete_many({"_id": {"$in": ids}}, session=session)

    def seals(self, stream: Stream) -> Iterator[Seal]:
        """Yield a stream's chain from its beginning, one seal after the other."""
        last = 0
        while True:
            query = self._seals.find({"stream": str(stream), "n": {"$gt": last}}).sort("n", ASCENDING)
            batch = [seal_from(each) for each in query.limit(SEALS_PER_BATCH)]
            yield from batch
            if not batch:
                return
            last = batch[-1].n

    def digests_of(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the digest of what each of these records says now; those that are gone are not named."""
        return {found["_id"]: content_digest(found) for found in find_by_ids(self._records, ids)}

    def record_ids(self) -> Iterator[list[str]]:
        """Yield the ids of all records, in batches."""
        last = ""
        while True:
            query = self._records.find({"_id": {"$gt": last}}, {"_id": 1}).sort("_id", ASCENDING)
            batch = [str(found["_id"]) for found in query.limit(RECORDS_PER_BATCH)]
            if not batch:
                return
            yield batch
            last = batch[-1]

    def not_sealed(self, ids: Sequence[str]) -> tuple[list[Covered], list[str]]:
        """Return which records wait for their seal, and which have neither seal nor marker: no door led them in."""
        marked = {found["_id"]: found["digest"] for found in find_by_ids(self._markers, ids)}  # first: from here ...
        query = {"record_ids": {"$in": list(ids)}, "stream": {"$in": [str(stream) for stream in Stream]}}
        sealed = {each for found in self._seals.find(query, {"record_ids": 1}) for each in found["record_ids"]}
        waiting = [Covered(each, marked[each]) for each in ids if each in marked and each not in sealed]
        return waiting, [each for each in ids if each not in marked and each not in sealed]  # ... they go there


def seal_audit(store: Store) -> str:
    """Seal what waits, stream by stream, as much as one run takes."""
    return f"{sum(_seal_stream(store, stream) for stream in Stream)} sealed"


def _seal_stream(store: Store, stream: Stream) -> int:
    sealed = 0
    for _ in range(SEALS_PER_RUN_MAX):
        if not store.audit_seals.unsealed(stream):
            break
        covered = store.transaction(lambda session: _seal_next(store, stream, session))
        sealed += covered
        if covered < RECORDS_PER_SEAL_MAX:
            break
    return sealed


def _seal_next(store: Store, stream: Stream, session: ClientSession | None) -> int:
    covered = store.audit_seals.unsealed(stream, session=session)
    if covered:
        head = store.audit_seals.head(stream, session=session)
        store.audit_seals.put(seal_after(head, covered, at=store.clock.now()), session=session)
    return len(covered)


def seal_document(seal: Seal) -> Document:
    """Return a seal as it is kept."""
    return {
        "_id": f"{seal.stream}-{seal.n:012d}",
        "stream": str(seal.stream),
        "n": Int64(seal.n),
        "record_ids": [each.record_id for each in seal.covered],
        "digests": [each.digest for each in seal.covered],
        "digest": seal.digest,
        "previous": seal.previous,
        "hash": seal.hash,
        "at": seal.at,
    }


def seal_from(found: Mapping[str, Any]) -> Seal:
    """Read a seal."""
    pairs = zip_longest(found["record_ids"], found["digests"], fillvalue="")  # whatever was added shall be seen
    return Seal(
        stream=Stream(found["stream"]),
        n=int(found["n"]),
        covered=tuple(Covered(str(record_id), str(digest)) for record_id, digest in pairs),
        digest=found["digest"],
        previous=found["previous"],
        hash=found["hash"],
        at=found["at"],
    )
