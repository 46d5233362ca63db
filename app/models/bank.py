"""What is decided once, when a bank's database is begun, and can't be changed by a setting later."""

from __future__ import annotations

from pymongo.database import Database

from app.models.collection import CollectionSpec, Document

_ID = "bank"

SPEC = CollectionSpec(
    "bank",
    schema={
        "required": ["account_number_length"],
        "additionalProperties": False,
        "properties": {
            "_id": {"enum": [_ID]},
            "account_number_length": {"bsonType": "int", "minimum": 6, "maximum": 20},
        },
    },
)


class Bank:
    """The one document about the bank itself."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def begin(self, *, account_number_length: int) -> None:
        """Write down what holds from the first start on; at every later start this changes nothing."""
        facts = {"account_number_length": account_number_length}
        self._collection.update_one({"_id": _ID}, {"$setOnInsert": facts}, upsert=True)

    def find_account_number_length(self) -> int | None:
        """Return how long the account numbers of this bank are, or None before its first start."""
        found = self._collection.find_one({"_id": _ID})
        return None if found is None else int(found["account_number_length"])
