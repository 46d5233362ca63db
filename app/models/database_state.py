"""What the database server says of itself, and how long it takes to say it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.models.collection import Document


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The member of the replica set that answers, as seen from this process."""

    replica_set: str | None
    is_primary: bool
    members: int
    round_trip_ms: float


def observe_database(client: MongoClient[Document], *, timeout_ms: int) -> DatabaseState | None:
    """Ask the primary who it is; None where nobody answers in time."""
    begun_s = time.perf_counter()
    try:
        with pymongo.timeout(timeout_ms / 1000):
            hello = client.admin.command("hello")
    except PyMongoError:
        return None
    return DatabaseState(
        replica_set=hello.get("setName"),
        is_primary=bool(hello.get("isWritablePrimary")),
        members=len(hello.get("hosts", ())),
        round_trip_ms=round((time.perf_counter() - begun_s) * 1000, 2),
    )
