"""Quotes: each is good once. The transfer that uses one marks it so in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from app.domain.errors import QuoteNotValid
from app.domain.fx import Quote
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.models.collection import CollectionSpec, Document
from app.models.fx_rates import fx_rate_document, fx_rate_from
from app.models.posting import GuardedWrite

_UNUSED_KEPT = timedelta(days=1)
_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_MONEY = {
    "bsonType": "object",
    "required": ["amount", "currency"],
    "additionalProperties": False,
    "properties": {
        "amount": {"bsonType": "long", "minimum": 1, "maximum": AMOUNT_MINOR_MAX},
        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
    },
}

SPEC = CollectionSpec(
    "fx_quotes",
    indexes=(IndexModel([("forget_at", ASCENDING)], name="unused", expireAfterSeconds=0),),
    schema={
        "required": ["customer_id", "from_account", "to_account", "source", "target", "rate", "created_at",
                     "expires_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "customer_id": _ID,
            "from_account": _ID,
            "to_account": _ID,
            "source": _MONEY,
            "target": _MONEY,
            "rate": {"bsonType": "object"},
            "created_at": {"bsonType": "date"},
            "expires_at": {"bsonType": "date"},
            "forget_at": {"bsonType": "date"},
            "used_by": _ID,
        },
    },
)  # fmt: skip


class FxQuotes:
    """Quotes. One that was used is kept for ever, so that a retry of its transfer finds it; the others for a day."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, quote: Quote) -> None:
        document = {
            "_id": quote.id,
            "customer_id": quote.customer_id,
            "from_account": quote.from_account,
            "to_account": quote.to_account,
            "source": _money_document(quote.source),
            "target": _money_document(quote.target),
            "rate": fx_rate_document(quote.rate),
            "created_at": quote.created_at,
            "expires_at": quote.expires_at,
            "forget_at": quote.expires_at + _UNUSED_KEPT,
        }
        self._collection.insert_one(document)

    def get_for(self, quote_id: str, customer_id: str, *, source: Money, from_account: str, to_account: str) -> Quote:
        """Return a quote of this customer for exactly this transfer, used and expired ones too: see `use_up`.

        Raises:
            QuoteNotValid: there is none.
        """
        query = {
            "_id": quote_id,
            "customer_id": customer_id,
            "from_account": from_account,
            "to_account": to_account,
            "source": _money_document(source),
        }
        found = self._collection.find_one(query)
        if found is None:
            raise QuoteNotValid
        return _quote_from(found)


def use_up(quote: Quote, transaction_id: str, *, now: datetime) -> GuardedWrite:
    """Return the write that goes with the quote's transfer: it was not used, nor had it expired at this time.

    The time is that of the request: who came within the quote's time is served, even if the posting takes a moment.
    """
    return GuardedWrite(
        collection=SPEC.name,
        guard={"_id": quote.id, "used_by": {"$exists": False}, "expires_at": {"$gt": now}},
        update={"$set": {"used_by": transaction_id}, "$unset": {"forget_at": ""}},
        refusal=quote.refusal(now),
    )


def _money_document(money: Money) -> Document:
    return {"amount": Int64(money.amount_minor), "currency": money.currency}


def _money_from(found: Mapping[str, Any]) -> Money:
    return Money(int(found["amount"]), found["currency"])


def _quote_from(found: Mapping[str, Any]) -> Quote:
    return Quote(
        id=found["_id"],
        customer_id=found["customer_id"],
        from_account=found["from_account"],
        to_account=found["to_account"],
        source=_money_from(found["source"]),
        target=_money_from(found["target"]),
        rate=fx_rate_from(found["rate"]),
        created_at=found["created_at"],
        expires_at=found["expires_at"],
        used_by=found.get("used_by"),
    )
