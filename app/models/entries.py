"""Entries: the lines of every account, append-only. An entry's id sorts by time, so one index serves every page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.errors import NotFound
from app.domain.ids import entry_id_ceiling, is_entry_id
from app.domain.ledger.records import Entry, TransactionType
from app.domain.money import AMOUNT_MINOR_MAX, BALANCE_MINOR_MAX
from app.models.collection import Allowed, CollectionSpec, Document, find_by_ids

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_DAY = {"bsonType": "string", "minLength": 10, "maxLength": 10}

BY_TIME = "account_by_time"

SPEC = CollectionSpec(
    "entries",
    allowed=Allowed.APPEND,
    indexes=(
        IndexModel([("account_id", ASCENDING), ("seq", ASCENDING)], name="one_entry_per_number", unique=True),
        IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)], name=BY_TIME),
    ),
    schema={
        "required": ["account_id", "seq", "transaction_id", "amount", "currency", "balance_after", "type",
                     "business_date", "value_date", "created_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "account_id": _ID,
            "seq": {"bsonType": "long", "minimum": 1},
            "transaction_id": _ID,
            "amount": {"bsonType": "long", "minimum": -AMOUNT_MINOR_MAX, "maximum": AMOUNT_MINOR_MAX},
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "balance_after": {"bsonType": "long", "minimum": -BALANCE_MINOR_MAX, "maximum": BALANCE_MINOR_MAX},
            "type": {"enum": [str(type_) for type_ in TransactionType]},
            "description": {"bsonType": "string", "maxLength": 500},
            "counterparty": _ID,
            "counterparty_name": {"bsonType": "string", "minLength": 1, "maxLength": 500},
            "business_date": _DAY,
            "value_date": _DAY,
            "created_at": {"bsonType": "date"},
        },
    },
)  # fmt: skip


class Entries:
    """The lines of the accounts. Inserted by the journal alone; nothing here changes or deletes one."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def get(self, entry_id: str) -> Entry:
        """Return an entry, or raise NotFound. Whether the caller may see its account is the caller's to check."""
        found = self._collection.find_one({"_id": entry_id})
        if found is None:
            raise NotFound
        return entry_from(found)

    def transaction_of(self, either_id: str) -> str:
        """Return the id of an entry's transaction; what is not an entry's id is taken for a transaction's.

        Raises:
            NotFound: it is an entry's by its form, and there is none.
        """
        return self.get(either_id).transaction_id if is_entry_id(either_id) else either_id

    def find_last(self, account_id: str, until: datetime) -> Entry | None:
        """Return the account's last entry of this instant or earlier, or None: one look into an index."""
        query = {"account_id": account_id, "_id": {"$lt": entry_id_ceiling(until)}}
        found = self._collection.find_one(query, sort=[("_id", DESCENDING)], hint=BY_TIME)
        return entry_from(found) if found else None

    def find_many(self, ids: Iterable[str], *, session: ClientSession | None = None) -> dict[str, Entry]:
        """Return the entries of these ids, by id."""
        return {found["_id"]: entry_from(found) for found in find_by_ids(self._collection, ids, session=session)}

    def insert_many(self, entries: Iterable[Entry], *, session: ClientSession) -> None:
        self._collection.insert_many([_document(each) for each in entries], session=session)


def _document(entry: Entry) -> Document:
    document: Document = {
        "_id": entry.id,
        "account_id": entry.account_id,
        "seq": Int64(entry.seq),
        "transaction_id": entry.transaction_id,
        "amount": Int64(entry.amount),
        "currency": entry.currency,
        "balance_after": Int64(entry.balance_after),
        "type": str(entry.type),
        "description": entry.description,
        "counterparty": entry.counterparty,
        "counterparty_name": entry.counterparty_name,
        "business_date": entry.business_date,
        "value_date": entry.value_date,
        "created_at": entry.created_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def entry_from(found: Mapping[str, Any]) -> Entry:
    """Read an entry's document."""
    return Entry(
        id=found["_id"],
        account_id=found["account_id"],
        seq=int(found["seq"]),
        transaction_id=found["transaction_id"],
        amount=int(found["amount"]),
        currency=found["currency"],
        balance_after=int(found["balance_after"]),
        type=TransactionType(found["type"]),
        description=found.get("description"),
        counterparty=found.get("counterparty"),
        business_date=found["business_date"],
        value_date=found["value_date"],
        created_at=found["created_at"],
        counterparty_name=found.get("counterparty_name"),
    )
