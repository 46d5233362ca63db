"""Accounts: their documents, indexes and reads. Balances are written by the journal alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, WriteError

from app.domain.accounts import Account, AccountKind, AccountStatus, AccountType, InternalAccount, new_stripes
from app.domain.actor import Actor
from app.domain.errors import NotFound
from app.domain.money import BALANCE_MINOR_MAX
from app.models.collection import CollectionSpec, Document, find_by_ids

_MONEY = {"bsonType": "long", "minimum": -BALANCE_MINOR_MAX, "maximum": BALANCE_MINOR_MAX}

SPEC = CollectionSpec(
    "accounts",
    indexes=(
        IndexModel([("holders", ASCENDING), ("_id", ASCENDING)], name="holders"),
        IndexModel(
            [("primary_for", ASCENDING)],
            name="one_primary_per_customer",
            unique=True,
            partialFilterExpression={"primary_for": {"$exists": True}},
        ),
    ),
    schema={
        "required": ["kind", "holders", "type", "currency", "status", "blocked", "balance", "held", "overdraft_limit",
                     "seq", "opened_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "kind": {"enum": [str(kind) for kind in AccountKind]},
            "holders": {"bsonType": "array", "maxItems": 10, "items": {"bsonType": "string"}},
            "primary_for": {"bsonType": "array", "minItems": 1, "maxItems": 10, "items": {"bsonType": "string"}},
            "type": {"enum": [str(type_) for type_ in AccountType]},
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "status": {"enum": [str(status) for status in AccountStatus]},
            "blocked": {"bsonType": "bool"},
            "balance": _MONEY,
            "held": {**_MONEY, "minimum": 0},
            "overdraft_limit": {**_MONEY, "minimum": 0},
            "seq": {"bsonType": "long", "minimum": 0},
            "last_entry_at": {"bsonType": "date"},
            "business_date": {"bsonType": "string"},
            "opened_at": {"bsonType": "date"},
        },
    },
)  # fmt: skip


class Accounts:
    """The accounts of the bank."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def get_reachable(self, actor: Actor, number: str | None) -> Account:
        """Return the account that an actor may act upon: staff any customer's, a customer their own or primary one.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        if actor.customer_id is None:
            return self.get_customer_account(number)
        return self.get_owned(number, actor.customer_id) if number else self.get_primary(actor.customer_id)

    def get_customer_account(self, number: str | None) -> Account:
        """Return any customer's account, for staff. The bank's own accounts are not among them.

        Raises:
            NotFound: there is none.
        """
        return self._get({"_id": number, "kind": str(AccountKind.CUSTOMER)})

    def get_owned(self, number: str, customer_id: str) -> Account:
        """Return the customer's account of this number.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        return self._get({"_id": number, "holders": customer_id})

    def get_primary(self, customer_id: str) -> Account:
        """Return the account that serves this customer when they name none.

        Raises:
            NotFound: the customer has none.
        """
        return self._get({"primary_for": customer_id, "holders": customer_id})

    def list_owned(self, customer_id: str) -> list[Account]:
        """Return the customer's accounts, by number."""
        return [account_from(found) for found in self._collection.find({"holders": customer_id}).sort("_id", ASCENDING)]

    def insert(self, account: Account, *, session: ClientSession | None) -> None:
        """Add a new account, within the transaction of whatever it belongs to.

        Raises:
            DuplicateKeyError: the number is taken, or the customer has a primary account already.
        """
        self._collection.insert_one(account_document(account), session=session)

    def find_many(self, ids: Iterable[str], *, session: ClientSession | None = None) -> dict[str, Account]:
        """Return the accounts of these ids, by id, as the session's transaction sees them."""
        return {found["_id"]: account_from(found) for found in find_by_ids(self._collection, ids, session=session)}

    def write_states(self, accounts: Sequence[Account], *, session: ClientSession) -> None:
        """Write what postings change on accounts, in one command, within the journal's transaction.

        The command is sent as it is: the driver's bulk interface costs more than the rules do.
        """
        updates = [{"q": {"_id": account.id}, "u": {"$set": _state(account)}} for account in accounts]
        reply = self._collection.database.command("update", SPEC.name, updates=updates, session=session)
        for error in reply.get("writeErrors", ()):
            raise WriteError(error["errmsg"], error["code"], error)
        if reply["n"] != len(updates):
            raise RuntimeError(f"{len(updates) - reply['n']} of {len(updates)} accounts vanished inside a transaction")

    def missing_internal(self, currency: str, *, now: datetime) -> list[Account]:
        """Return the stripes of the bank's own accounts in this currency that are not there yet, as new ones."""
        stripes = [stripe for account in InternalAccount for stripe in new_stripes(account, currency, now=now)]
        found = self._collection.find({"_id": {"$in": [stripe.id for stripe in stripes]}}, {"_id": 1})
        present = {document["_id"] for document in found}
        return [stripe for stripe in stripes if stripe.id not in present]

    def ensure_internal(self, currency: str, *, now: datetime) -> None:
        """Create the stripes of the bank's own accounts in this currency, where they are missing."""
        for stripe in self.missing_internal(currency, now=now):
            try:
                self._collection.insert_one(account_document(stripe))
            except DuplicateKeyError:
                continue  # another process started at the same time

    def _get(self, query: Mapping[str, Any]) -> Account:
        found = self._collection.find_one(query)
        if found is None:
            raise NotFound
        return account_from(found)


def _state(account: Account) -> Document:
    state: Document = {
        "balance": Int64(account.balance),
        "held": Int64(account.held),
        "seq": Int64(account.seq),
        "status": str(account.status),
    }
    if account.last_entry_at is not None:
        state |= {"last_entry_at": account.last_entry_at, "business_date": account.business_date}
    return state


def account_document(account: Account) -> Document:
    """Return the document of an account; optional fields that are unset are left out."""
    document: Document = {
        "_id": account.id,
        "kind": str(account.kind),
        "holders": list(account.holders),
        "primary_for": list(account.primary_for) or None,
        "type": str(account.type),
        "currency": account.currency,
        "status": str(account.status),
        "blocked": account.blocked,
        "balance": Int64(account.balance),
        "held": Int64(account.held),
        "overdraft_limit": Int64(account.overdraft_limit),
        "seq": Int64(account.seq),
        "last_entry_at": account.last_entry_at,
        "business_date": account.business_date,
        "opened_at": account.opened_at,
    }
    return {name: value for name, value in document.items() if value is not None}


def account_from(found: Mapping[str, Any]) -> Account:
    """Read an account's document."""
    return Account(
        id=found["_id"],
        kind=AccountKind(found["kind"]),
        holders=tuple(found["holders"]),
        primary_for=tuple(found.get("primary_for", ())),
        type=AccountType(found["type"]),
        currency=found["currency"],
        status=AccountStatus(found["status"]),
        blocked=found["blocked"],
        balance=int(found["balance"]),
        held=int(found["held"]),
        overdraft_limit=int(found["overdraft_limit"]),
        seq=int(found["seq"]),
        last_entry_at=found.get("last_entry_at"),
        business_date=found.get("business_date"),
        opened_at=found["opened_at"],
    )
