"""What a collection declares beside its model: name, indexes and validator; and how a database is made to have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pymongo import IndexModel
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

Document = dict[str, Any]
_NAMESPACE_EXISTS = 48


class Allowed(Enum):
    """What the application's own database role may do in a collection; the value lists MongoDB's actions."""

    APPEND = ("find", "insert")
    CHANGE = ("find", "insert", "update")
    REMOVE = ("find", "insert", "update", "remove")


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """A collection's name, its named indexes, and its `$jsonSchema` (None where documents are not ours to judge).

    `allowed` is all that the application ever does there: what is written once is appended, never changed.
    """

    name: str
    indexes: tuple[IndexModel, ...] = ()
    schema: Mapping[str, Any] | None = field(default=None, compare=False)
    allowed: Allowed = Allowed.CHANGE


def ensure_collections(database: Database[Document], specs: Iterable[CollectionSpec]) -> None:
    """Create what is missing and bring validators up to date. Idempotent; safe while several processes start.

    Where nothing is to be changed nothing is locked: a transaction that a killed process left open is not waited for.
    """
    existing = _options(database)
    for spec in specs:
        if spec.name not in existing:
            _create(database, spec)
        if spec.schema is not None and not _is_validated(existing.get(spec.name, {}), spec):
            database.command("collMod", spec.name, **_validation(spec))
        if spec.indexes:
            database[spec.name].create_indexes(list(spec.indexes))


def missing_parts(database: Database[Document], specs: Iterable[CollectionSpec]) -> list[str]:
    """Name every collection, index and validator that the database lacks, in words for an operator."""
    options = _options(database)
    missing: list[str] = []
    for spec in specs:
        if spec.name not in options:
            missing.append(f"collection {spec.name}")
            continue
        if spec.schema is not None and not _is_validated(options[spec.name], spec):
            missing.append(f"validator of {spec.name}")
        present = database[spec.name].index_information()
        missing.extend(
            f"index {index.document['name']} of {spec.name}"
            for index in spec.indexes
            if _essence(index.document) != _essence(present.get(index.document["name"]))
        )
    return missing


def find_by_ids(
    collection: Collection[Document], ids: Iterable[str], *, session: ClientSession | None = None
) -> Cursor[Document]:
    """Find documents by their ids, all in the first reply: one command whatever their number."""
    wanted = list(ids)
    return collection.find({"_id": {"$in": wanted}}, session=session, batch_size=len(wanted) + 1)


def _options(database: Database[Document]) -> dict[str, Document]:
    return {info["name"]: info.get("options", {}) for info in database.list_collections()}


def _create(database: Database[Document], spec: CollectionSpec) -> None:
    try:
        database.create_collection(spec.name)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


def _validation(spec: CollectionSpec) -> Document:
    """Return the options that let the server refuse documents of another form, whatever was set before."""
    validator = {"$jsonSchema": dict(spec.schema or {})}
    return {"validator": validator, "validationLevel": "strict", "validationAction": "error"}


def _is_validated(options: Mapping[str, Any], spec: CollectionSpec) -> bool:
    """Tell whether a collection refuses what its spec refuses: a validator may also be set to warn, or be off."""
    present = {"validationLevel": "strict", "validationAction": "error", **options}
    return all(present.get(name) == value for name, value in _validation(spec).items())


def _essence(index: Mapping[str, Any] | None) -> Document | None:
    """Return what an index promises, apart from its name, as declared or as the server tells of it."""
    if index is None:
        return None
    promises = {name: index.get(name) for name in ("unique", "partialFilterExpression", "expireAfterSeconds")}
    keys = index["key"]
    return {**promises, "key": list(keys.items() if isinstance(keys, Mapping) else keys)}
