"""Customers: the people whom the bank serves, apart from how they log in."""

from __future__ import annotations

from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.errors import NotFound
from app.domain.users import Customer
from app.models.collection import CollectionSpec, Document

SPEC = CollectionSpec(
    "customers",
    schema={
        "required": ["created_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "full_name": {"bsonType": "string", "minLength": 1, "maxLength": 200},
            "email": {"bsonType": "string", "minLength": 3, "maxLength": 254},
            "created_at": {"bsonType": "date"},
        },
    },
)


class Customers:
    """The customers of the bank."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, customer: Customer, *, session: ClientSession | None) -> None:
        """Add a new customer, within the transaction of the login and the account that come with it."""
        document = {
            "_id": customer.id,
            "full_name": customer.full_name,
            "email": customer.email,
            "created_at": customer.created_at,
        }
        self._collection.insert_one(
            {name: value for name, value in document.items() if value is not None}, session=session
        )

    def get(self, customer_id: str) -> Customer:
        """Return the customer of this id.

        Raises:
            NotFound: there is none.
        """
        found = self._collection.find_one({"_id": customer_id})
        if found is None:
            raise NotFound
        return Customer(
            id=found["_id"],
            full_name=found.get("full_name"),
            email=found.get("email"),
            created_at=found["created_at"],
        )
