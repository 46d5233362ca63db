"""Confirmation limits: above which amount a customer's transfer needs a code, where that is not the bank's default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.errors import StateConflict
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.models.collection import CollectionSpec, Document
from app.models.lookups import Lookup, Lookups

if TYPE_CHECKING:
    from config import Config

SPEC = CollectionSpec(
    "confirmation_limits",
    schema={
        "required": ["limit"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "limit": {"bsonType": ["int", "long"], "minimum": 1, "maximum": AMOUNT_MINOR_MAX},
        },
    },
)


class ConfirmationLimits:
    """Customers' own limits, by user, in minor units of the bank's currency."""

    def __init__(self, database: Database[Document], config: Config, lookups: Lookups) -> None:
        self._collection = database[SPEC.name]
        self._lookups = lookups
        self._currency = config.bank_currency
        self._default = config.confirmation_limit * 10 ** CURRENCY_EXPONENTS[config.bank_currency]

    def get(self, user_id: str) -> Money:
        """Return the limit that counts for a user."""
        return self._lookups.get(self.of_user(user_id))

    def of_user(self, user_id: str) -> Lookup[Money]:
        """Return the look-up of the limit that counts for a user."""
        return Lookup(SPEC.name, user_id, self._read)

    def change(self, user_id: str, *, before: Money, limit: Money, session: ClientSession | None = None) -> None:
        """Give a user another limit.

        Raises:
            StateConflict: it is not what it was before: somebody else has changed it meanwhile.
        """
        change: Document = {"$set": {"limit": limit.amount_minor}}
        if self._collection.find_one({"_id": user_id}, {"_id": 1}, session=session) is None:
            try:
                self._collection.insert_one({"_id": user_id, "limit": limit.amount_minor}, session=session)
            except DuplicateKeyError:
                raise StateConflict from None
            return
        query = {"_id": user_id, "limit": before.amount_minor}
        if not self._collection.update_one(query, change, session=session).matched_count:
            raise StateConflict

    def _read(self, found: Document | None) -> Money:
        return Money(found["limit"] if found else self._default, self._currency)
