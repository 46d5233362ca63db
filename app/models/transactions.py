"""Transactions: append-only documents of what happened, found by id or by what they reverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.errors import NotFound
from app.domain.ledger.records import Entry, Posting, Transaction, TransactionType
from app.domain.lines import SHOWN_OF_METADATA
from app.domain.money import AMOUNT_MINOR_MAX
from app.models.collection import Allowed, CollectionSpec, Document

_SCHEMA_VERSION = 1
_TEXT = {"bsonType": "string", "maxLength": 500}
_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}

SPEC = CollectionSpec(
    "transactions",
    allowed=Allowed.APPEND,
    indexes=(
        IndexModel(
            [("reverses", ASCENDING)],
            name="one_reversal_per_transaction",
            unique=True,
            partialFilterExpression={"reverses": {"$exists": True}},
        ),
    ),
    schema={
        "required": ["type", "account_id", "postings", "initiated_by", "channel", "fingerprint", "business_date",
                     "value_date", "created_at", "schema"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "type": {"enum": [str(type_) for type_ in TransactionType]},
            "account_id": _ID,
            "postings": {
                "bsonType": "array",
                "maxItems": 100,
                "items": {
                    "bsonType": "object",
                    "required": ["account_id", "amount", "currency", "entry_id"],
                    "additionalProperties": False,
                    "properties": {
                        "account_id": _ID,
                        "amount": {"bsonType": "long", "minimum": -AMOUNT_MINOR_MAX, "maximum": AMOUNT_MINOR_MAX},
                        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
                        "entry_id": _ID,
                    },
                },
            },
            "description": _TEXT,
            "initiated_by": _ID,
            "channel": _ID,
            "branch": _ID,
            "fingerprint": _ID,
            "hold_id": _ID,
            "reverses": _ID,
            "forced_by": _ID,
            "metadata": {"bsonType": "object"},
            "business_date": {"bsonType": "string", "minLength": 10, "maxLength": 10},
            "value_date": {"bsonType": "string", "minLength": 10, "maxLength": 10},
            "created_at": {"bsonType": "date"},
            "schema": {"enum": [_SCHEMA_VERSION]},
        },
    },
)  # fmt: skip


class Transactions:
    """The journal's records. Inserted by the journal alone; nothing here changes or deletes one."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def get(self, transaction_id: str) -> Transaction:
        """Return a transaction, or raise NotFound."""
        found = self.find(transaction_id)
        if found is None:
            raise NotFound
        return found

    def find(self, transaction_id: str) -> Transaction | None:
        found = self._collection.find_one({"_id": transaction_id})
        return transaction_from(found) if found else None

    def find_reversal(self, transaction_id: str) -> Transaction | None:
        """Return the transaction that reversed this one, if any did."""
        found = self._collection.find_one({"reverses": transaction_id})
        return transaction_from(found) if found else None

    def told_of(self, entries: Iterable[Entry]) -> dict[str, Mapping[str, str]]:
        """Return what lines show of the metadata of the transfers among these entries, by transaction."""
        ids = sorted({entry.transaction_id for entry in entries if entry.type is TransactionType.TRANSFER})
        if not ids:
            return {}
        found = self._collection.find({"_id": {"$in": ids}}, {f"metadata.{name}": 1 for name in SHOWN_OF_METADATA})
        return {each["_id"]: each.get("metadata", {}) for each in found}

    def find_many(
        self, ids: Iterable[str], *, reversed_ids: Iterable[str], session: ClientSession
    ) -> list[Transaction]:
        """Return the transactions of these ids, and the reversals of `reversed_ids`, in one command."""
        wanted, originals = list(ids), list(reversed_ids)
        query: Document = {"_id": {"$in": wanted}}
        if originals:
            query = {"$or": [query, {"reverses": {"$in": originals}}]}
        in_one_reply = len(wanted) + len(originals) + 1
        return [
            transaction_from(each) for each in self._collection.find(query, session=session, batch_size=in_one_reply)
        ]

    def insert_many(self, transactions: Iterable[Transaction], *, session: ClientSession) -> None:
        self._collection.insert_many([_document(each) for each in transactions], session=session)


def _document(transaction: Transaction) -> Document:
    document: Document = {
        "_id": transaction.id,
        "type": str(transaction.type),
        "account_id": transaction.account_id,
        "postings": [
            {
                "account_id": posting.account_id,
                "amount": Int64(posting.amount),
                "currency": posting.currency,
                "entry_id": posting.entry_id,
            }
            for posting in transaction.postings
        ],
        "description": transaction.description,
        "initiated_by": transaction.initiated_by,
        "channel": transaction.channel,
        "branch": transaction.branch,
        "fingerprint": transaction.fingerprint,
        "hold_id": transaction.hold_id,
        "reverses": transaction.reverses,
        "forced_by": transaction.forced_by,
        "metadata": dict(transaction.metadata) or None,
        "business_date": transaction.business_date,
        "value_date": transaction.value_date,
        "created_at": transaction.created_at,
        "schema": _SCHEMA_VERSION,
    }
    return {name: value for name, value in document.items() if value is not None}


def transaction_from(found: Mapping[str, Any]) -> Transaction:
    """Read a transaction's document."""
    return Transaction(
        id=found["_id"],
        type=TransactionType(found["type"]),
        account_id=found["account_id"],
        postings=tuple(
            Posting(posting["account_id"], int(posting["amount"]), posting["currency"], posting["entry_id"])
            for posting in found["postings"]
        ),
        description=found.get("description"),
        initiated_by=found["initiated_by"],
        channel=found["channel"],
        branch=found.get("branch"),
        fingerprint=found["fingerprint"],
        hold_id=found.get("hold_id"),
        reverses=found.get("reverses"),
        forced_by=found.get("forced_by"),
        metadata=found.get("metadata", {}),
        business_date=found["business_date"],
        value_date=found["value_date"],
        created_at=found["created_at"],
    )
