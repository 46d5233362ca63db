"""Users: who may log in. A document holds the login alone; who the person is stands on the customer's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.actor import Role
from app.domain.errors import Forbidden, NotFound, StateConflict
from app.domain.users import PasswordHash, User
from app.models.collection import CollectionSpec, Document
from app.models.posting import GuardedWrite

SPEC = CollectionSpec(
    "users",
    indexes=(
        IndexModel([("canonical", ASCENDING)], name="one_user_per_name", unique=True),
        IndexModel(
            [("branch", ASCENDING), ("canonical", ASCENDING)],
            name="branch",
            partialFilterExpression={"branch": {"$exists": True}},
        ),
        IndexModel([("role", ASCENDING), ("disabled", ASCENDING), ("canonical", ASCENDING)], name="role"),
        IndexModel(
            [("customer_id", ASCENDING)],
            name="one_user_per_customer",
            unique=True,
            partialFilterExpression={"customer_id": {"$exists": True}},
        ),
    ),
    schema={
        "required": ["username", "canonical", "role", "password", "disabled", "epoch", "created_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "username": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "canonical": {"bsonType": "string", "minLength": 3, "maxLength": 32},
            "role": {"enum": [str(role) for role in Role]},
            "password": {
                "bsonType": "object",
                "required": ["hash", "pepper_version"],
                "additionalProperties": False,
                "properties": {
                    "hash": {"bsonType": "string", "pattern": r"^\$2b\$\d\d\$.{53}$"},
                    "pepper_version": {"bsonType": "int", "minimum": 0},
                },
            },
            "disabled": {"bsonType": "bool"},
            "epoch": {"bsonType": "int", "minimum": 0},
            "last_decision": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "customer_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "branch": {"bsonType": "string", "minLength": 1, "maxLength": 32},
            "created_at": {"bsonType": "date"},
        },
    },
)
NO_BRANCH = ""
"""What a member of staff who belongs to no branch (any more) has in its place."""


class Users:
    """Everyone who may log in: customers and staff."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, user: User, *, session: ClientSession | None = None) -> None:
        """Add a new user.

        Raises:
            DuplicateKeyError: the name is taken.
        """
        self._collection.insert_one(_document(user), session=session)

    def is_empty(self) -> bool:
        """Tell whether there is no user at all: a database on its first day."""
        return self._collection.find_one({}, {"_id": 1}) is None

    def find_by_name(self, canonical: str) -> User | None:
        """Return the user of this canonical name, or None."""
        found = self._collection.find_one({"canonical": canonical})
        return user_from(found) if found else None

    def find_by_customer(self, customer_id: str) -> User | None:
        """Return the login of this customer, or None."""
        found = self._collection.find_one({"customer_id": customer_id})
        return user_from(found) if found else None

    def get(self, user_id: str) -> User:
        """Return the user of this id.

        Raises:
            NotFound: there is none.
        """
        found = self._collection.find_one({"_id": user_id})
        if found is None:
            raise NotFound
        return user_from(found)

    def usernames_of(self, customer_ids: Iterable[str], *, session: ClientSession | None = None) -> dict[str, str]:
        """Return the names that these customers log in with, by customer id; those without a login are left out."""
        query = {"customer_id": {"$in": list(customer_ids)}}
        found = self._collection.find(query, {"customer_id": 1, "username": 1}, session=session)
        return {each["customer_id"]: each["username"] for each in found}

    def change(
        self,
        user: User,
        *,
        password: PasswordHash | None = None,
        disabled: bool | None = None,
        role: Role | None = None,
        branch: str | None = None,
        session: ClientSession | None,
    ) -> User:
        """Change what decides about access, raise the epoch, and return the user as changed; NO_BRANCH takes it away.

        Raises:
            StateConflict: somebody else has changed it since `user` was read.
        """
        given: Document = {
            "password": _password_document(password) if password else None,
            "disabled": disabled,
            "role": role,
            "branch": branch or None,
        }
        change: Document = {"$set": {name: value for name, value in given.items() if value is not None}}
        gone = {"$unset": {"branch": ""}} if branch == NO_BRANCH else {}
        found = self._collection.find_one_and_update(
            {"_id": user.id, "epoch": user.epoch},
            {**change, **gone, "$inc": {"epoch": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if found is None:
            raise StateConflict
        return user_from(found)

    def rehash(self, user: User, password: PasswordHash) -> None:
        """Keep the same password under another hash, unless it has been changed meanwhile."""
        self._collection.update_one(
            {"_id": user.id, "password.hash": user.password.hash}, {"$set": {"password": _password_document(password)}}
        )


def confirming(user_id: str, *, roles: Iterable[Role], decided: str) -> GuardedWrite:
    """Return the write by which a decision relies on its author's role: a change of that comes before, or after.

    `decided` names what they decide about, once.
    """
    in_office = {"_id": user_id, "disabled": False, "role": {"$in": [str(role) for role in roles]}}
    return GuardedWrite(SPEC.name, guard=in_office, refusal=Forbidden(), update={"$set": {"last_decision": decided}})


def _password_document(password: PasswordHash) -> Document:
    return {"hash": password.hash, "pepper_version": password.pepper_version}


def _document(user: User) -> Document:
    document: Document = {
        "_id": user.id,
        "username": user.username,
        "canonical": user.canonical,
        "role": str(user.role),
        "password": _password_document(user.password),
        "disabled": user.disabled,
        "epoch": user.epoch,
        "customer_id": user.customer_id,
        "branch": user.branch,
        "created_at": user.created_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def user_from(found: Mapping[str, Any]) -> User:
    """Read a user."""
    return User(
        id=found["_id"],
        username=found["username"],
        canonical=found["canonical"],
        role=Role(found["role"]),
        password=PasswordHash(found["password"]["hash"], found["password"]["pepper_version"]),
        disabled=found["disabled"],
        epoch=found["epoch"],
        customer_id=found.get("customer_id"),
        branch=found.get("branch"),
        created_at=found["created_at"],
    )
