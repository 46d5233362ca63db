"""How far a filtered page looks: a filter that matches little must not make the database read everything."""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection

from app.domain.paging import KEYS_EXAMINED_MAX
from app.models.collection import Document


def last_key_examined(collection: Collection[Document], scope: Document, span: Document, direction: int) -> str | None:
    """Return the `_id` at which a page over this indexed range stops looking, or None if it reaches the end before."""
    stages: list[dict[str, Any]] = [
        {"$match": scope | ({"_id": span} if span else {})},
        {"$sort": {"_id": direction}},
        {"$limit": KEYS_EXAMINED_MAX},
        {"$group": {"_id": None, "keys": {"$sum": 1}, "last": {"$last": "$_id"}}},
    ]
    for tail in collection.aggregate(stages):
        if tail["keys"] == KEYS_EXAMINED_MAX:
            return str(tail["last"])
    return None
