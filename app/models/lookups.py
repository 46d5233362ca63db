"""Look-ups by key, those of concurrent callers made together: one command for all that wait at the time.

A look-up by itself is sent at once by whoever asks. Who asks while another is under way waits for the next round, whose
first caller asks for all. What is answered was read after it was asked for, so nobody sees less than without rounds.
A round whose answer does not come holds up the next for a moment alone, and who is in it asks again by themselves.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

from pymongo.database import Database

from app.models.budget import REQUEST_S, deadline_within
from app.models.collection import Document

PATIENCE_S = 0.25
"""How long a round waits for the one before; an answer is there in a hundredth of that."""
LATE_S = 1.0
"""How long somebody waits for a round before they ask by themselves."""

Result = TypeVar("Result")
_Place = tuple[str, str]
"""A collection, and the field by whose value a document is looked up."""
_Found = dict[tuple[_Place, str], Document]


@dataclass(frozen=True, slots=True)
class Lookup(Generic[Result]):
    """The one document of `collection` whose `by` is `key`, or holds it; `read` makes of it, or of None, what it says.

    `by` has a unique index.
    """

    collection: str
    key: str
    read: Callable[[Document | None], Result]
    by: str = "_id"

    @property
    def place(self) -> _Place:
        return self.collection, self.by


@dataclass(slots=True, eq=False)
class _Round:
    """What is asked for together. Who waits for it holds a gate, which opens when there is an answer, or none."""

    wanted: defaultdict[_Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    gates: list[Lock] = field(default_factory=list)
    found: _Found | None = None


class Lookups:
    """Reads documents by key for all threads of this process; one round at a time, unless one is late."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._turn = Lock()
        self._joining = Lock()
        self._next: _Round | None = None

    @property
    def waiting(self) -> int:
        """How many callers wait for the next round."""
        coming = self._next
        return 1 + len(coming.gates) if coming else 0

    def get(self, lookup: Lookup[Result]) -> Result:
        """Return what one look-up says."""
        result: Result = self.get_all(lookup)[0]
        return result

    def get_all(self, *lookups: Lookup[Any]) -> list[Any]:
        """Return what each look-up says, in order; all of them take part in one round.

        Raises:
            PyMongoError: the database could not be asked, or not in time.
            TypeError: a key is none; nobody else's look-up is touched by that.
        """
        found = self._find(lookups)
        return [lookup.read(found.get((lookup.place, lookup.key))) for lookup in lookups]

    def _find(self, lookups: Iterable[Lookup[Any]]) -> _Found:
        wanted = _by_place(lookups)  # what is wrong with a key is found before anybody else has to do with it
        with self._joining:
            first = self._next is None
            if self._next is None:
                self._next = _Round()
            joined = self._next
            for place, keys in wanted.items():
                joined.wanted[place] |= keys
            if not first:
                gate = Lock()
                gate.acquire()
                joined.gates.append(gate)
        if first:
            return self._lead(joined)
        gate.acquire(timeout=min(LATE_S, _time_left_s()))
        if joined.found is None:  # it is late, or failed for another, whose time may be over: each by itself, then
            return self._read(wanted)
        return joined.found

    def _lead(self, led: _Round) -> _Found:
        """Ask for all who have joined until it is this round's turn, or the one before is late."""
        taken = self._turn.acquire(timeout=min(PATIENCE_S, _time_left_s()))
        try:
            with self._joining:
                self._next = None
            led.found = self._read(led.wanted)
            return led.found
        finally:
            if taken:
                self._turn.release()
            for gate in led.gates:
                gate.release()

    def _read(self, wanted: Mapping[_Place, Iterable[str]]) -> _Found:
        found: _Found = {}
        for place, keys in wanted.items():
            collection, by = place
            query = {by: {"$in": list(keys)}}  # foreign-filter: a place, which models alone name
            for document in self._database[collection].find(query, batch_size=len(query[by]["$in"]) + 1):
                value = document[by]
                for key in value if isinstance(value, list) else (value,):
                    found[place, key] = document
        return found


def _by_place(lookups: Iterable[Lookup[Any]]) -> dict[_Place, set[str]]:
    wanted: defaultdict[_Place, set[str]] = defaultdict(set)
    for lookup in lookups:
        if not isinstance(lookup.key, str):
            raise TypeError(f"{lookup.key!r} is no key of {lookup.collection}")
        wanted[lookup.place].add(lookup.key)
    return wanted


def _time_left_s() -> float:
    return max(0.0, deadline_within(REQUEST_S) - time.monotonic())
