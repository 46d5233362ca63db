"""Revocations: which access tokens count no more although they have not expired."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pymongo
from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.clock import Clock
from app.models.clock_guard import ClockGuard
from app.models.collection import CollectionSpec, Document
from app.models.freshness import Freshness

if TYPE_CHECKING:
    from config import Config

SPEC = CollectionSpec(
    "revocations",
    indexes=(
        IndexModel([("at", ASCENDING)], name="time"),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    schema={
        "required": ["at", "expires_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "pattern": "^(session|user):"},
            "epoch": {"bsonType": "int", "minimum": 1},
            "at": {"bsonType": "date"},
            "expires_at": {"bsonType": "date"},
        },
    },
)
_OVERLAP = timedelta(seconds=15)
"""Read again each time: a transaction commits up to five seconds after it set `at`."""
_READ_TIMEOUT_S = 1.5
_MARGIN = timedelta(minutes=1)
"""A login that was under way when its user was changed still signs a token of the old epoch, a little later."""


class Revocations:
    """What has been revoked, kept in memory and read anew by the requests themselves, at most once a second.

    A token that was revoked in this process is refused at once, in any other within two seconds.
    """

    def __init__(self, database: Database[Document], config: Config, clock: Clock, *, clock_guard: ClockGuard) -> None:
        self._collection = database[SPEC.name]
        self._clock = clock
        self._clock_guard = clock_guard
        self._token_lifetime = config.access_token_lifetime
        self._newest_at: datetime | None = None
        self._members_apart = timedelta()  # the furthest ever: what was dated by a clock that was wrong stays so
        self._known: dict[str, tuple[int, datetime]] = {}  # by key: the epoch that counts again, and until when to keep
        self._learning = threading.Lock()
        self._freshness = Freshness(self._read, wait_s_max=_READ_TIMEOUT_S)

    def is_revoked(self, user_id: str, session_id: str, epoch: int) -> bool:
        """Tell whether a token of this session, signed in this epoch of its user, counts no more.

        Raises:
            DatabaseUnavailable: what is known is older than two seconds, and the database does not answer.
        """
        self._freshness.ensure()
        known = self._known.get(_user_key(user_id))
        return _session_key(session_id) in self._known or (known is not None and epoch < known[0])

    def has_ended(self, expires_at_s: float) -> bool:
        """Tell whether a token that counts until then is over, by this machine's clock or by that of most members.

        Where this machine's is behind, tokens would else live on whose revocation is forgotten.
        """
        now_s = self._clock.now().timestamp()
        if expires_at_s > now_s + self._clock_guard.behind_s_max():
            return False  # by nobody's clock, which is quick to tell and the usual case
        return expires_at_s <= max(now_s, self._now().timestamp())

    def add_session(self, session_id: str, *, session: ClientSession | None) -> None:
        """Write that the session's tokens end, within the transaction that ends it; `learn_session` must follow."""
        self._write(_session_key(session_id), {}, session)

    def add_user(self, user_id: str, epoch: int, *, session: ClientSession | None) -> None:
        """Write that the user's tokens of earlier epochs end; `learn_user` must follow the transaction."""
        self._write(_user_key(user_id), {"epoch": epoch}, session)

    def learn_session(self, session_id: str) -> None:
        """Refuse the session's tokens in this process from now on."""
        self._learn(_session_key(session_id), 0, self._expiry())

    def learn_user(self, user_id: str, epoch: int) -> None:
        """Refuse the user's tokens of earlier epochs in this process from now on."""
        self._learn(_user_key(user_id), epoch, self._expiry())

    def _write(self, key: str, values: Mapping[str, int], session: ClientSession | None) -> None:
        maximum = {**values, "expires_at": self._expiry()}
        change = {"$max": maximum, "$currentDate": {"at": True}}  # the server's clock: one for all processes
        self._collection.update_one({"_id": key}, change, upsert=True, session=session)

    def _learn(self, key: str, epoch: int, expires_at: datetime) -> None:
        with self._learning:
            known = self._known.get(key)
            self._known[key] = (
                (epoch, expires_at) if known is None else (max(epoch, known[0]), max(expires_at, known[1]))
            )

    def _expiry(self) -> datetime:
        return self._now() + self._token_lifetime + _MARGIN

    def _now(self) -> datetime:
        """Return the instant that most members have: with a clock that is wrong nothing is forgotten too early."""
        return self._clock.now() - timedelta(seconds=self._clock_guard.state().skew_s or 0.0)

    def _read(self) -> None:
        """Read what is new since the last time; the first time, everything."""
        apart = timedelta(seconds=self._clock_guard.state().members_apart_s)
        self._members_apart = max(apart, self._members_apart)
        query: Document = {"expires_at": {"$gt": self._now()}}
        if self._newest_at:  # one primary's clock may be behind that of the one before
            query["at"] = {"$gte": self._newest_at - _OVERLAP - self._members_apart}
        with pymongo.timeout(_READ_TIMEOUT_S):
            found = list(self._collection.find(query))
        self._forget_expired()
        for document in found:
            self._learn(document["_id"], document.get("epoch", 0), document["expires_at"])
            self._newest_at = max(document["at"], self._newest_at or document["at"])

    def _forget_expired(self) -> None:
        now = self._now()
        with self._learning:
            for key in [key for key, (_, expires_at) in self._known.items() if expires_at <= now]:
                del self._known[key]


def _session_key(session_id: str) -> str:
    return f"session:{session_id}"


def _user_key(user_id: str) -> str:
    return f"user:{user_id}"
