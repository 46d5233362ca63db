"""The application's own role in the database: all that it does there, and nothing else.

Whoever gets hold of the server's login can add to the ledger and the audit trail as the server does, but neither
change nor delete what is written, nor drop a collection, an index or a validator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from app.models.collection import CollectionSpec, Document

ROLE = "bank_app"
_EXISTS = 51002
Rights = dict[str, frozenset[str]]
"""By collection what may be done in it; the empty name stands for the database as a whole."""


def ensure_role(database: Database[Document], specs: Iterable[CollectionSpec]) -> None:
    """Create the role in the bank's database, or bring it up to date. Idempotent; needs the owner's login.

    Servers that run meanwhile always have what both versions allow: what is new is granted, then the rest is revoked.
    """
    wanted = _rights(specs)
    try:
        database.command({"createRole": ROLE, "privileges": _privileges(database.name, wanted), "roles": []})
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise
        database.command({"grantPrivilegesToRole": ROLE, "privileges": _privileges(database.name, wanted)})
        if surplus := _privileges(database.name, _present(database), less=wanted):
            database.command({"revokePrivilegesFromRole": ROLE, "privileges": surplus})


def _rights(specs: Iterable[CollectionSpec]) -> Rights:
    """Return what each collection allows, and the lists that the start looks at to find out what is missing."""
    return {"": frozenset({"listCollections"})} | {
        spec.name: frozenset({*spec.allowed.value, "listIndexes"}) for spec in specs
    }


def _present(database: Database[Document]) -> Rights:
    """Return what the role allows now in this database."""
    (role,) = database.command({"rolesInfo": ROLE, "showPrivileges": True})["roles"]
    return {each["resource"]["collection"]: frozenset(each["actions"]) for each in role["privileges"]}


def _privileges(database: str, rights: Rights, *, less: Rights | None = None) -> list[dict[str, Any]]:
    """Return rights, without those that stay, as the database writes them."""
    return [
        {"resource": {"db": database, "collection": name}, "actions": sorted(actions)}
        for name, given in rights.items()
        if (actions := given - (less or {}).get(name, frozenset()))
    ]
