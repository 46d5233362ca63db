"""How far a filtered page looks: a filter that matches little must not make the database read everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pymongo.collection import Collection

from app.domain.paging import KEYS_EXAMINED_MAX
from app.models.collection import Document

KEYS_PER_LINE = 10
"""How many keys are looked at first, for each line wanted."""
GROWTH = 5
"""How many times as far each look reaches as the one before."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Documents in the order of `_id`, as an index holds them: those of `scope`, from one end of `span` to the other.

    The index is named, and not left to the database to choose: by another one it would sort, or read far too much.
    """

    index: str
    direction: int
    scope: Document = field(default_factory=dict)
    span: Document = field(default_factory=dict)

    def up_to(self, last: str | None) -> Walk:
        """Return the walk that ends at this `_id`; None leaves it as it is."""
        if last is None:
            return self
        return replace(self, span={**self.span, "$gte" if self.direction < 0 else "$lte": last})

    def behind(self, last: str) -> Walk:
        """Return the walk that goes on behind this `_id`, to the same end."""
        return replace(self, span={**self.span, "$lt" if self.direction < 0 else "$gt": last})

    @property
    def query(self) -> Document:
        return self.scope | ({"_id": self.span} if self.span else {})


def find_page(
    collection: Collection[Document],
    walk: Walk,
    conditions: Document,
    *,
    limit: int,
    projection: Document | None = None,
) -> tuple[list[Document], str | None]:
    """Return the first documents on a walk that meet the conditions, and the `_id` behind which the next page begins.

    Without conditions each document that is read is one that is wanted. With them a few keys are looked at, then more
    behind these, and KEYS_EXAMINED_MAX in all at most: what is common is found soon, however large the collection, and
    what is rare costs no more.
    """
    found: list[Document] = []
    last_examined = None
    for keys in _looks(limit) if conditions else (None,):
        last_examined = None if keys is None else _last_examined(collection, walk, keys)
        asked = walk.up_to(last_examined)
        # foreign-filter: the names of fields, by other models
        cursor = collection.find({"$and": [asked.query, conditions]} if conditions else asked.query, projection)
        found += cursor.hint(walk.index).sort("_id", walk.direction).limit(limit + 1 - len(found))
        if len(found) > limit:
            return found[:limit], found[limit - 1]["_id"]
        if last_examined is None:
            break
        walk = walk.behind(last_examined)
    return found, last_examined


def _looks(limit: int) -> Iterator[int]:
    """Yield how many keys each look takes, behind those of the looks before."""
    taken, reach = 0, KEYS_PER_LINE * (limit + 1)
    while taken < KEYS_EXAMINED_MAX:
        reach = min(reach, KEYS_EXAMINED_MAX)
        yield reach - taken
        taken, reach = reach, reach * GROWTH


def _last_examined(collection: Collection[Document], walk: Walk, keys: int) -> str | None:
    """Return the `_id` that a walk reaches after so many keys, or None if it ends before."""
    stages: list[dict[str, Any]] = [
        {"$match": walk.query},
        {"$sort": {"_id": walk.direction}},
        {"$limit": keys},
        {"$group": {"_id": None, "keys": {"$sum": 1}, "last": {"$last": "$_id"}}},
    ]
    for tail in collection.aggregate(stages, hint=walk.index):
        if tail["keys"] == keys:
            return str(tail["last"])
    return None
