"""Payees: one document per customer, so that each account is in it once and their number stays bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo.database import Database

from app.domain.errors import NotFound, PayeeExists, StateConflict, TooManyPayees
from app.domain.payees import PAYEES_MAX, TRUSTED_MAX, SavedPayee
from app.models.collection import CollectionSpec, Document
from app.models.posting import GuardedWrite

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}

SPEC = CollectionSpec(
    "payees",
    schema={
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "payees": {
                "bsonType": "array",
                "maxItems": PAYEES_MAX,
                "items": {
                    "bsonType": "object",
                    "required": ["account", "label", "created_at"],
                    "additionalProperties": False,
                    "properties": {
                        "account": _ID,
                        "label": {"bsonType": "string", "minLength": 1, "maxLength": 100},
                        "created_at": {"bsonType": "date"},
                    },
                },
            },
            "trusted": {"bsonType": "array", "maxItems": TRUSTED_MAX, "items": _ID},
        },
    },
)


class Payees:
    """Whom customers have saved, and whom they have paid with a confirmation. An `_id` is a customer's."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def list_saved(self, customer_id: str) -> list[SavedPayee]:
        """Return a customer's payees, in the order they were saved."""
        found = self._find(customer_id)
        return [_payee_from(each, found) for each in found.get("payees", ())]

    def get(self, customer_id: str, account: str) -> SavedPayee:
        """Return a customer's payee.

        Raises:
            NotFound: they have not saved this account.
        """
        for payee in self.list_saved(customer_id):
            if payee.account == account:
                return payee
        raise NotFound

    def is_saved(self, customer_id: str, account: str) -> bool:
        """Tell whether a customer has saved this account."""
        return self._collection.find_one({"_id": customer_id, "payees.account": account}, {"_id": 1}) is not None

    def add(self, customer_id: str, account: str, label: str, *, now: datetime) -> None:
        """Save a payee; however many are saved at once, each account is there once, and never too many.

        Raises:
            PayeeExists: this account is saved already.
            TooManyPayees: there are PAYEES_MAX.
        """
        self._begin(customer_id)
        has_room = {"payees.account": {"$ne": account}, f"payees.{PAYEES_MAX - 1}": {"$exists": False}}
        payee = {"account": account, "label": label, "created_at": now}
        if not self._collection.update_one(
            {"_id": customer_id, **has_room}, {"$push": {"payees": payee}}
        ).matched_count:
            raise PayeeExists if self.is_saved(customer_id, account) else TooManyPayees

    def rename(self, customer_id: str, account: str, label: str) -> None:
        """Give a payee another label.

        Raises:
            NotFound: the customer has not saved this account.
        """
        query = {"_id": customer_id, "payees.account": account}
        if not self._collection.update_one(query, {"$set": {"payees.$.label": label}}).matched_count:
            raise NotFound

    def remove(self, customer_id: str, account: str) -> None:
        """Forget a payee, and that a payment to it was ever confirmed.

        Raises:
            NotFound: the customer has not saved this account.
        """
        query = {"_id": customer_id, "payees.account": account}
        forget = {"$pull": {"payees": {"account": account}, "trusted": account}}
        if not self._collection.update_one(query, forget).matched_count:
            raise NotFound

    def is_trusted(self, customer_id: str, account: str) -> bool:
        """Tell whether a payment of the customer's to this account has been confirmed before."""
        return self._collection.find_one({"_id": customer_id, "trusted": account}, {"_id": 1}) is not None

    def trust(self, customer_id: str, account: str) -> tuple[GuardedWrite, ...]:
        """Return what to write with the first confirmed payment to an account; the oldest make room for it.

        The posting is refused with StateConflict where another payment has just done the same.
        """
        if self.is_trusted(customer_id, account):
            return ()
        self._begin(customer_id)
        guard = {"_id": customer_id, "trusted": {"$ne": account}}
        update = {"$push": {"trusted": {"$each": [account], "$slice": -TRUSTED_MAX}}}
        return (GuardedWrite(SPEC.name, guard, StateConflict(), update=update),)

    def _begin(self, customer_id: str) -> None:
        """Make a customer's document, if there is none: apart, so that of many who do so at once nobody fails."""
        self._collection.update_one({"_id": customer_id}, {"$setOnInsert": {"payees": []}}, upsert=True)

    def _find(self, customer_id: str) -> Mapping[str, Any]:
        return self._collection.find_one({"_id": customer_id}) or {}


def _payee_from(found: Mapping[str, Any], of_customer: Mapping[str, Any]) -> SavedPayee:
    return SavedPayee(
        account=found["account"],
        label=found["label"],
        trusted=found["account"] in of_customer.get("trusted", ()),
        created_at=found["created_at"],
    )
