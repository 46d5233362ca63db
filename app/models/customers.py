"""Customers: the people whom the bank serves, apart from how they log in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.addresses import Address
from app.domain.customer_search import PREFIX_LENGTH_MAX, search_keys
from app.domain.customers import NAME_LENGTH_MAX, Customer, CustomerStatus, Decision, Invitation, KycStatus
from app.domain.errors import NotFound, StateConflict
from app.models.collection import CollectionSpec, Document
from app.models.posting import GuardedWrite

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_COUNTRY = {"bsonType": "string", "pattern": "^[A-Z]{2}$"}
_DECISION = {
    "bsonType": "object",
    "required": ["reason", "by", "at"],
    "additionalProperties": False,
    "properties": {"reason": {"bsonType": "string"}, "by": _ID, "at": {"bsonType": "date"}},
}

SPEC = CollectionSpec(
    "customers",
    indexes=(
        IndexModel([("number", ASCENDING)], name="one_customer_per_number", unique=True),
        IndexModel([("search", ASCENDING), ("_id", ASCENDING)], name="search"),
        IndexModel([("status", ASCENDING), ("_id", ASCENDING)], name="status"),
        IndexModel([("kyc_status", ASCENDING), ("_id", ASCENDING)], name="kyc_status"),
        IndexModel(
            [("invitation.digest", ASCENDING)],
            name="one_customer_per_invitation",
            unique=True,
            partialFilterExpression={"invitation.digest": {"$exists": True}},
        ),
    ),
    schema={
        "required": ["number", "search", "kyc_status", "status", "openings", "version", "created_at", "updated_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "number": {"bsonType": "string", "pattern": "^C[0-9]{12}$"},
            "full_name": {"bsonType": "string", "minLength": 1, "maxLength": NAME_LENGTH_MAX},
            "date_of_birth": {"bsonType": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "email": {"bsonType": "string", "minLength": 3, "maxLength": 254},
            "phone": {"bsonType": "string", "pattern": r"^\+[0-9]{3,15}$"},
            "address": {
                "bsonType": "object",
                "required": ["line1", "city", "country"],
                "additionalProperties": False,
                "properties": {
                    **{name: {"bsonType": "string", "maxLength": 100} for name in Address.__dataclass_fields__},
                    "country": _COUNTRY,
                },
            },
            "nationality": _COUNTRY,
            "kyc_status": {"enum": [str(status) for status in KycStatus]},
            "kyc_decision": _DECISION,
            "status": {"enum": [str(status) for status in CustomerStatus]},
            "status_decision": _DECISION,
            "invitation": {
                "bsonType": "object",
                "required": ["digest", "expires_at"],
                "additionalProperties": False,
                "properties": {
                    "digest": {"bsonType": "string", "minLength": 64, "maxLength": 64},
                    "expires_at": {"bsonType": "date"},
                },
            },
            "search": {"bsonType": "array", "items": {"bsonType": "string", "maxLength": PREFIX_LENGTH_MAX}},
            "openings": {"bsonType": "int", "minimum": 0},
            "version": {"bsonType": "int", "minimum": 1},
            "created_at": {"bsonType": "date"},
            "updated_at": {"bsonType": "date"},
        },
    },
)
WITHOUT_SEARCH = {"search": 0}
_OF_STATUS = ("status", "status_decision", "updated_at")


class Customers:
    """The customers of the bank."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, customer: Customer, *, session: ClientSession | None) -> None:
        """Add a new customer, within the transaction of whatever comes with them.

        Raises:
            DuplicateKeyError: the number is taken.
        """
        self._collection.insert_one(customer_document(customer), session=session)

    def get(self, customer_id: str, *, session: ClientSession | None = None) -> Customer:
        """Return the customer of this id, as the session's transaction sees them.

        Raises:
            NotFound: there is none.
        """
        found = self._collection.find_one({"_id": customer_id}, WITHOUT_SEARCH, session=session)
        if found is None:
            raise NotFound
        return customer_from(found)

    def find_invited(self, digest: str, *, session: ClientSession | None = None) -> Customer | None:
        """Return the customer whom the code of this digest invites, or None."""
        found = self._collection.find_one({"invitation.digest": digest}, WITHOUT_SEARCH, session=session)
        return customer_from(found) if found else None

    def update(self, before: Customer, after: Customer, *, session: ClientSession | None) -> None:
        """Write a customer as changed.

        Raises:
            StateConflict: somebody else has changed them since `before` was read.
        """
        written = self._collection.update_one(_at_version(before), _change(after), session=session)
        if written.matched_count == 0:
            raise StateConflict

    def set_status(self, before: Customer, after: Customer, *, session: ClientSession | None) -> None:
        """Write a customer's new status alone.

        Raises:
            StateConflict: since `before` was read they have got another status or a further account.
        """
        write = self.guarded_status(before, after)
        if self._collection.update_one(write.guard, write.update or {}, session=session).matched_count == 0:
            raise write.refusal

    @staticmethod
    def guarded_status(before: Customer, after: Customer) -> GuardedWrite:
        """Return the same as a write that goes with a posting.

        It does not rely on the version: customers change their own records, and could put a suspension off for ever.
        """
        guard = {"_id": before.id, "status": str(before.status), "openings": before.openings}
        status = {name: value for name, value in _set(after).items() if name in _OF_STATUS}
        update = {"$set": status, "$unset": {"invitation": ""}, "$inc": {"version": 1}}
        return GuardedWrite(SPEC.name, guard, StateConflict(), update=update)

    @staticmethod
    def relied_upon(customer: Customer) -> GuardedWrite:
        """Return the write by which a further account relies on an active customer's record as it was read.

        It counts the openings and the version on, so that nobody suspends or changes the customer at the same time
        unseen; the refusal is a StateConflict.

        Raises:
            StateConflict: the customer is not active.
        """
        customer.require_active()
        counted = {"$inc": {"openings": 1, "version": 1}}
        return GuardedWrite(SPEC.name, _at_version(customer), StateConflict(), update=counted)


def customer_document(customer: Customer) -> Document:
    """Return the document of a customer; fields that are unset are left out."""
    return {"_id": customer.id, **_set(customer)}


def customer_from(found: Mapping[str, Any]) -> Customer:
    """Read a customer's document."""
    born, address, invitation = found.get("date_of_birth"), found.get("address"), found.get("invitation")
    return Customer(
        id=found["_id"],
        number=found["number"],
        full_name=found.get("full_name"),
        date_of_birth=date.fromisoformat(born) if born else None,
        email=found.get("email"),
        phone=found.get("phone"),
        address=Address(**address) if address else None,
        nationality=found.get("nationality"),
        kyc_status=KycStatus(found["kyc_status"]),
        kyc_decision=_decision(found.get("kyc_decision")),
        status=CustomerStatus(found["status"]),
        status_decision=_decision(found.get("status_decision")),
        invitation=Invitation(**invitation) if invitation else None,
        openings=found["openings"],
        version=found["version"],
        created_at=found["created_at"],
        updated_at=found["updated_at"],
    )


def _facts(customer: Customer) -> Document:
    """Return every field of the document but its id; None stands for one that is not there."""
    born = customer.date_of_birth
    return {
        "number": customer.number,
        "full_name": customer.full_name,
        "date_of_birth": born.isoformat() if born else None,
        "email": customer.email,
        "phone": customer.phone,
        "address": _nested(customer.address),
        "nationality": customer.nationality,
        "kyc_status": str(customer.kyc_status),
        "kyc_decision": _nested(customer.kyc_decision),
        "status": str(customer.status),
        "status_decision": _nested(customer.status_decision),
        "invitation": _nested(customer.invitation),
        "search": search_keys(customer),
        "openings": customer.openings,
        "version": customer.version,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }


def _set(customer: Customer) -> Document:
    return {name: value for name, value in _facts(customer).items() if value is not None}


def _change(customer: Customer) -> Document:
    absent = {name: "" for name, value in _facts(customer).items() if value is None}
    return {"$set": _set(customer)} | ({"$unset": absent} if absent else {})


def _at_version(customer: Customer) -> Document:
    return {"_id": customer.id, "version": customer.version}


def _nested(part: Address | Decision | Invitation | None) -> Document | None:
    return {name: value for name, value in asdict(part).items() if value is not None} if part else None


def _decision(found: Mapping[str, Any] | None) -> Decision | None:
    return Decision(**found) if found else None
