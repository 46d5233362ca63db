"""Jobs: what the bank does by itself from time to time, by one process at a time, whichever comes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.domain.ids import random_id
from app.models.collection import CollectionSpec, Document

if TYPE_CHECKING:
    from app.models.store import Store

LEASE = timedelta(seconds=60)
"""How long a killed process keeps others from a job; no run takes as long."""
MESSAGE_LENGTH_MAX = 500

SPEC = CollectionSpec(
    "jobs",
    indexes=(IndexModel([("due_at", ASCENDING)], name="due"),),
    schema={
        "required": ["due_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "due_at": {"bsonType": "date"},
            "lease": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "lease_until": {"bsonType": "date"},
            "started_at": {"bsonType": "date"},
            "ended_at": {"bsonType": "date"},
            "succeeded": {"bsonType": "bool"},
            "message": {"bsonType": "string", "maxLength": MESSAGE_LENGTH_MAX},
        },
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Where a job stands: when it is due, who runs it until when, and how its last run ended."""

    name: str
    due_at: datetime
    lease_until: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    succeeded: bool | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job, under way in this process."""

    name: str
    lease: str
    started_at: datetime


class Jobs:
    """The state of each job, shared by all processes. A job that has never been due has none yet."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def find_all(self) -> dict[str, JobState]:
        """Return the state of every job that has one, by name."""
        return {found["_id"]: _state(found) for found in self._collection.find({"_id": {"$gte": ""}})}

    def ensure(self, name: str, *, due_at: datetime) -> None:
        """Note when a job is due for the first time, unless that is noted."""
        try:
            self._collection.update_one({"_id": name}, {"$setOnInsert": {"due_at": due_at}}, upsert=True)
        except DuplicateKeyError:
            return  # another process was quicker

    def request(self, name: str, *, now: datetime, session: ClientSession | None) -> None:
        """Make a job due now; see `request_run`."""
        self._collection.update_one({"_id": name}, {"$set": {"due_at": now}}, upsert=True, session=session)

    def take(self, name: str, *, now: datetime, only_due: bool = True) -> Run | None:
        """Take a job that is due and that nobody runs, or return None. It lapses if `finish` does not follow."""
        run = Run(name, random_id(), now)
        query: Document = {"_id": name, "$or": [{"lease": {"$exists": False}}, {"lease_until": {"$lte": now}}]}
        if only_due:
            query["due_at"] = {"$lte": now}
        taken = {"lease": run.lease, "lease_until": now + LEASE, "started_at": now}
        return run if self._collection.update_one(query, {"$set": taken}).modified_count else None

    def finish(self, run: Run, *, now: datetime, due_at: datetime, succeeded: bool, message: str) -> None:
        """Note how a run ended, and when the job is due again: at once if it was asked for meanwhile.

        Nothing is noted where the run took longer than its lease and somebody else has the job now.
        """
        asked_again: Document = {"$gt": ["$due_at", run.started_at]}
        ended: Document = {
            "ended_at": now,
            "succeeded": succeeded,
            "message": {"$literal": message[:MESSAGE_LENGTH_MAX]},
            "due_at": {"$cond": [asked_again, "$due_at", due_at]},
        }
        change: list[Document] = [{"$set": ended}, {"$unset": ["lease", "lease_until"]}]
        self._collection.update_one({"_id": run.name, "lease": run.lease}, change)


def request_run(store: Store, name: str, *, now: datetime, also: Callable[[ClientSession | None], None]) -> None:
    """Make a job due now (if it is running, again when it has ended), and do what belongs to it in one transaction."""

    def work(session: ClientSession | None) -> None:
        store.jobs.request(name, now=now, session=session)
        also(session)

    store.transaction(work)


def _state(found: Mapping[str, Any]) -> JobState:
    return JobState(
        name=found["_id"],
        due_at=found["due_at"],
        lease_until=found.get("lease_until"),
        started_at=found.get("started_at"),
        ended_at=found.get("ended_at"),
        succeeded=found.get("succeeded"),
        message=found.get("message"),
    )
