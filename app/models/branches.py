"""Branches, by their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bson import Int64
from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.domain.addresses import Address
from app.domain.branches import Branch, BranchStatus
from app.domain.errors import CodeTaken, NotFound, PreconditionFailed
from app.domain.paging import Page
from app.domain.routing import ROUTING_CODE_LENGTH_MAX, RoutingCode, RoutingType
from app.models.collection import CollectionSpec, Document

_LINE = {"bsonType": "string", "minLength": 1, "maxLength": 100}

SPEC = CollectionSpec(
    "branches",
    schema={
        "required": ["name", "address", "status", "version", "created_at", "updated_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 32},
            "name": _LINE,
            "address": {
                "bsonType": "object",
                "required": ["line1", "city", "country"],
                "additionalProperties": False,
                "properties": dict.fromkeys(("line1", "line2", "city", "region", "postal_code", "country"), _LINE),
            },
            "routing": {
                "bsonType": "object",
                "required": ["type", "code"],
                "additionalProperties": False,
                "properties": {
                    "type": {"enum": [str(type_) for type_ in RoutingType]},
                    "code": {"bsonType": "string", "minLength": 1, "maxLength": ROUTING_CODE_LENGTH_MAX},
                },
            },
            "status": {"enum": [str(status) for status in BranchStatus]},
            "version": {"bsonType": "long", "minimum": 1},
            "created_at": {"bsonType": "date"},
            "updated_at": {"bsonType": "date"},
        },
    },
)


class Branches:
    """The branches of the bank."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def insert(self, branch: Branch, *, session: ClientSession | None = None) -> None:
        """Add a new branch.

        Raises:
            CodeTaken: there is one of this code.
        """
        try:
            self._collection.insert_one(_document(branch), session=session)
        except DuplicateKeyError:
            raise CodeTaken from None

    def get(self, code: str) -> Branch:
        """Return the branch of this code.

        Raises:
            NotFound: there is none.
        """
        found = self._collection.find_one({"_id": code})
        if found is None:
            raise NotFound
        return _branch(found)

    def page(self, *, limit: int, cursor: str | None) -> Page[Branch]:
        """Return the branches behind `cursor` (a code), by code."""
        query: Document = {"_id": {"$gt": cursor}} if cursor else {}
        found = [_branch(each) for each in self._collection.find(query).sort("_id", ASCENDING).limit(limit + 1)]
        return Page(found[:limit], found[limit - 1].code if len(found) > limit else None)

    def replace(self, branch: Branch, *, version: int, session: ClientSession | None = None) -> None:
        """Write a branch over its own `version`.

        Raises:
            PreconditionFailed: somebody else has changed it.
        """
        written = self._collection.replace_one(
            {"_id": branch.code, "version": version}, _document(branch), session=session
        )
        if not written.matched_count:
            raise PreconditionFailed


def _document(branch: Branch) -> Document:
    document: Document = {
        "_id": branch.code,
        "name": branch.name,
        "address": {name: value for name, value in asdict(branch.address).items() if value is not None},
        "routing": branch.routing and {"type": str(branch.routing.type), "code": branch.routing.code},
        "status": str(branch.status),
        "version": Int64(branch.version),
        "created_at": branch.created_at,
        "updated_at": branch.updated_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def _branch(found: Mapping[str, Any]) -> Branch:
    routing = found.get("routing")
    return Branch(
        code=found["_id"],
        name=found["name"],
        address=Address(**found["address"]),
        routing=RoutingCode(RoutingType(routing["type"]), routing["code"]) if routing else None,
        status=BranchStatus(found["status"]),
        version=int(found["version"]),
        created_at=found["created_at"],
        updated_at=found["updated_at"],
    )
