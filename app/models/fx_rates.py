"""Exchange rates: append-only. The rate in force is the newest of its pair whose time has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.errors import NotFound
from app.domain.fx import RATE_PATTERN, SPREAD_PATTERN, FxRate, pair_of
from app.domain.paging import Page
from app.models.collection import Allowed, CollectionSpec, Document

_CURRENCY = {"bsonType": "string", "pattern": "^[A-Z]{3}$"}
_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_NEWEST_FIRST = [("valid_from", DESCENDING), ("_id", DESCENDING)]

SPEC = CollectionSpec(
    "fx_rates",
    allowed=Allowed.APPEND,
    indexes=(
        IndexModel([("pair", ASCENDING), *_NEWEST_FIRST], name="pair_and_time"),
        IndexModel([("pair", ASCENDING), ("_id", DESCENDING)], name="pair"),
    ),
    schema={
        "required": ["pair", "base", "quote", "rate", "spread", "valid_from", "set_by", "set_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "pair": {"bsonType": "string", "pattern": "^[A-Z]{3}-[A-Z]{3}$"},
            "base": _CURRENCY,
            "quote": _CURRENCY,
            "rate": {"bsonType": "string", "pattern": f"^{RATE_PATTERN}$"},
            "spread": {"bsonType": "string", "pattern": f"^{SPREAD_PATTERN}$"},
            "valid_from": {"bsonType": "date"},
            "set_by": _ID,
            "set_at": {"bsonType": "date"},
        },
    },
)


class FxRates:
    """Every exchange rate that was ever set. Nothing here changes or deletes one."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, rate: FxRate, *, session: ClientSession | None = None) -> None:
        """Add a rate.

        Raises:
            DuplicateKeyError: it was added before.
        """
        self._collection.insert_one(fx_rate_document(rate), session=session)

    def get(self, rate_id: str) -> FxRate:
        """Return a rate, or raise NotFound."""
        found = self._collection.find_one({"_id": rate_id})
        if found is None:
            raise NotFound
        return fx_rate_from(found)

    def find_in_force(self, one: str, other: str, *, now: datetime) -> FxRate | None:
        """Return the rate between two currencies that counts at this time, in whichever direction it was set.

        Of two rates of one time the one set later counts.
        """
        query = {"pair": pair_of(one, other), "valid_from": {"$lte": now}}
        found = self._collection.find_one(query, sort=_NEWEST_FIRST)
        return fx_rate_from(found) if found else None

    def page_in_force(self, *, now: datetime, limit: int, cursor: str | None) -> Page[FxRate]:
        """Return a page of the rates that count at this time, by pair: one step on an index for each, however many
        rates were set before."""
        in_force = {
            "from": SPEC.name,
            "localField": "_id",
            "foreignField": "pair",
            "pipeline": [
                {"$match": {"valid_from": {"$lte": now}}},
                {"$sort": dict(_NEWEST_FIRST)},
                {"$limit": 1},
            ],
            "as": "in_force",
        }
        pipeline: list[Document] = [
            {"$match": {"pair": {"$gt": cursor or ""}}},
            {"$sort": {"pair": ASCENDING}},
            {"$group": {"_id": "$pair"}},
            {"$sort": {"_id": ASCENDING}},
            {"$limit": limit + 1},
            {"$lookup": in_force},
        ]
        found = list(self._collection.aggregate(pipeline))
        rates = [fx_rate_from(rate) for each in found[:limit] for rate in each["in_force"]]
        return Page(rates, found[limit - 1]["_id"] if len(found) > limit else None)

    def page(self, *, pair: str | None, limit: int, cursor: str | None) -> Page[FxRate]:
        """Return a page of all rates, or of a pair's, the one set last first."""
        query: Document = {"pair": pair} if pair else {}
        query |= {"_id": {"$lt": cursor}} if cursor else {}
        found = [fx_rate_from(each) for each in self._collection.find(query).sort("_id", DESCENDING).limit(limit + 1)]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def fx_rate_document(rate: FxRate) -> Document:
    """Return a rate's document, with the name of its pair, which both directions share."""
    return {
        "_id": rate.id,
        "pair": rate.pair,
        "base": rate.base,
        "quote": rate.quote,
        "rate": rate.rate,
        "spread": rate.spread,
        "valid_from": rate.valid_from,
        "set_by": rate.set_by,
        "set_at": rate.set_at,
    }


def fx_rate_from(found: Mapping[str, Any]) -> FxRate:
    """Read a rate's document."""
    return FxRate(
        id=found["_id"],
        base=found["base"],
        quote=found["quote"],
        rate=found["rate"],
        spread=found["spread"],
        valid_from=found["valid_from"],
        set_by=found["set_by"],
        set_at=found["set_at"],
    )
