"""What earlier versions left otherwise than this one needs it, put right; with nothing to do it only looks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from app.domain.accounts import AccountStatus
from app.domain.customers import Customer, new_customer_number
from app.domain.products import default_product_code
from app.models import accounts, customers, holds
from app.models.collection import Document
from app.models.customers import customer_document

_HOLDS_WITHOUT_TIME = [("account_id", 1), ("status", 1), ("_id", 1)]
_NAMESPACE_NOT_FOUND = 26


def upgrade(database: Database[Document], *, now: datetime) -> None:
    """Bring documents and indexes of earlier versions up to date, before this version's rules are set. Idempotent."""
    _drop_index(database, holds.SPEC.name, "account_and_status", _HOLDS_WITHOUT_TIME)
    database[accounts.SPEC.name].update_many(
        {"primary_for": {"$exists": True}, "status": str(AccountStatus.CLOSED)},
        {"$unset": {"primary_for": ""}},
        bypass_document_validation=True,
    )
    for found in database[customers.SPEC.name].find({"number": {"$exists": False}}):
        _complete_customer(database, found, now)


def _drop_index(database: Database[Document], collection: str, name: str, keys: list[Any]) -> None:
    """Drop an index whose name now stands for other keys."""
    try:
        present = database[collection].index_information()
        if name in present and present[name]["key"] == keys:
            database[collection].drop_index(name)
    except OperationFailure as error:
        if error.code != _NAMESPACE_NOT_FOUND:
            raise


def _complete_customer(database: Database[Document], found: Document, now: datetime) -> None:
    """Give a customer of whom a name and an address were kept a whole record; tell their accounts the name."""
    customer = Customer(
        id=found["_id"],
        number=new_customer_number(),
        full_name=found.get("full_name"),
        email=found.get("email"),
        created_at=found["created_at"],
        updated_at=now,
    )
    own = database[accounts.SPEC.name].find({"holders": [customer.id], "holder_names": {"$exists": False}})
    for account in own:
        facts = {"holder_names": [customer.full_name], "product": default_product_code(account["currency"])}
        database[accounts.SPEC.name].update_one(
            {"_id": account["_id"], "holder_names": {"$exists": False}},  # another process may have been quicker
            {"$set": facts},
            bypass_document_validation=True,
        )
    database[customers.SPEC.name].replace_one(
        {"_id": customer.id, "number": {"$exists": False}},
        customer_document(customer),
        bypass_document_validation=True,  # the validator is the earlier version's still
    )
