"""Accounts: their documents, indexes and reads. Balances are written by the journal alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from functools import lru_cache
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, WriteError

from app.domain.accounts import (
    HOLDERS_MAX,
    NO_LIMITS,
    NOTHING_SPENT,
    Account,
    AccountKind,
    AccountRef,
    AccountStatus,
    AccountType,
    InternalAccount,
    Limits,
    Spent,
    StatusDecision,
    new_stripes,
)
from app.domain.actor import Actor
from app.domain.errors import AccountClosed, NotFound
from app.domain.money import BALANCE_MINOR_MAX
from app.models.collection import CollectionSpec, Document, find_by_ids
from app.models.lookups import Lookup, Lookups

_REFS_MAX = 20_000
_MONEY = {"bsonType": "long", "minimum": -BALANCE_MINOR_MAX, "maximum": BALANCE_MINOR_MAX}
_POSITIVE = {**_MONEY, "minimum": 0}
_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_CUSTOMERS = {"bsonType": "array", "maxItems": HOLDERS_MAX, "items": _ID}

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
        *(IndexModel([(name, ASCENDING), ("_id", ASCENDING)], name=name) for name in ("status", "currency", "type")),
        *(
            IndexModel(
                [(name, ASCENDING), ("_id", ASCENDING)], name=name, partialFilterExpression={name: {"$exists": True}}
            )
            for name in ("product", "branch")
        ),
    ),
    schema={
        "required": ["kind", "holders", "type", "currency", "status", "blocked", "balance", "held", "overdraft_limit",
                     "seq", "opened_at"],
        "additionalProperties": False,
        "properties": {
            "_id": _ID,
            "kind": {"enum": [str(kind) for kind in AccountKind]},
            "holders": _CUSTOMERS,
            "holder_names": {"bsonType": "array", "maxItems": HOLDERS_MAX,
                             "items": {"bsonType": ["string", "null"], "maxLength": 200}},
            "suspended_holders": {**_CUSTOMERS, "minItems": 1},
            "primary_for": {**_CUSTOMERS, "minItems": 1},
            "type": {"enum": [str(type_) for type_ in AccountType]},
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "status": {"enum": [str(status) for status in AccountStatus]},
            "blocked": {"bsonType": "bool"},
            "balance": _MONEY,
            "held": _POSITIVE,
            "overdraft_limit": _POSITIVE,
            "minimum_balance": _POSITIVE,
            "limits": {"bsonType": "object", "additionalProperties": False,
                       "properties": dict.fromkeys(Limits._fields, _POSITIVE)},
            "spent": {"bsonType": "object", "additionalProperties": False, "required": list(Spent._fields),
                      "properties": dict.fromkeys(Spent._fields, _POSITIVE)},
            "seq": {"bsonType": "long", "minimum": 0},
            "last_entry_at": {"bsonType": "date"},
            "business_date": {"bsonType": "string"},
            "opened_at": {"bsonType": "date"},
            "product": _ID,
            "branch": _ID,
            "nickname": {"bsonType": "string", "minLength": 1, "maxLength": 100},
            "status_decision": {"bsonType": "object", "additionalProperties": False, "required": ["by", "at"],
                                "properties": {"reason": {"bsonType": "string", "maxLength": 500}, "by": _ID,
                                               "at": {"bsonType": "date"}}},
            "claims": {"bsonType": ["int", "long"], "minimum": 1},
        },
    },
)  # fmt: skip


class Accounts:
    """The accounts of the bank."""

    def __init__(self, database: Database[Document], lookups: Lookups) -> None:
        self._collection = database[SPEC.name]
        self._lookups = lookups
        self._refs = lru_cache(maxsize=_REFS_MAX)(self._read_ref)

    def get_ref(self, actor: Actor, number: str | None) -> AccountRef:
        """Return what never changes of the account that an actor may act upon; of a customer's own, from memory.

        Whether they still may is for the ledger's rules to say, in the transaction of whatever they do.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        if number is not None and actor.customer_id is not None:
            return self._refs(number, actor.customer_id)
        return self.get_reachable(actor, number).ref

    def get_reachable(self, actor: Actor, number: str | None) -> Account:
        """Return the account that an actor may act upon: staff any customer's, a customer their own or primary one.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        if actor.customer_id is None:
            return self.get_customer_account(number)
        return self.get_owned(number, actor.customer_id) if number else self.get_primary(actor.customer_id)

    def by_number(self, number: str) -> Lookup[Account | None]:
        """Return the look-up of an account, whosever it is, the bank's own included."""
        return Lookup(SPEC.name, number, _found_account)

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
        found = self._lookups.get(self.by_number(number))
        if found is None or customer_id not in found.holders:
            raise NotFound
        return found

    def get_primary(self, customer_id: str) -> Account:
        """Return the account that serves this customer when they name none.

        Raises:
            NotFound: the customer has no open account.
        """
        found = self._find_primary(customer_id)
        if found is None:
            self.settle_primary(customer_id)
            found = self._find_primary(customer_id)
        if found is None:
            raise NotFound("You have no open account: open one with POST /accounts, or ask the bank.")
        return found

    def settle_primary(self, customer_id: str) -> None:
        """Let the customer's oldest open account serve them when they name none, unless another one does.

        A closed account serves nobody. Whoever closes one calls this then; a reader does where that was not to be.
        """
        if self._collection.find_one({"primary_for": customer_id}, {"_id": 1}) is not None:
            return
        still_open = [each for each in self.list_owned(customer_id) if each.status is not AccountStatus.CLOSED]
        oldest = min(still_open, key=lambda each: (each.opened_at, each.id), default=None)
        if oldest is None:
            return
        chosen = {"_id": oldest.id, "holders": customer_id, "status": {"$ne": str(AccountStatus.CLOSED)}}
        try:
            self._collection.update_one(chosen, {"$addToSet": {"primary_for": customer_id}})
        except DuplicateKeyError:
            return  # another one was chosen at the same time

    def list_owned(self, customer_id: str, *, session: ClientSession | None = None) -> list[Account]:
        """Return the customer's accounts, by number, as the session's transaction sees them."""
        found = self._collection.find({"holders": customer_id}, session=session).sort("_id", ASCENDING)
        return [account_from(each) for each in found]

    def rename_holder(self, customer_id: str, name: str | None, *, session: ClientSession | None) -> None:
        """Write a holder's new name onto their accounts, within the transaction of the customer's own record."""
        for account in self.list_owned(customer_id, session=session):
            known = zip(account.holders, account.names_of_holders, strict=True)
            names = [name if id_ == customer_id else old for id_, old in known]
            self._collection.update_one({"_id": account.id}, {"$set": {"holder_names": names}}, session=session)

    def set_nickname(self, number: str, customer_id: str, nickname: str | None) -> Account:
        """Name the customer's account, or take its name away, and return it.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        change: Document = {"$unset": {"nickname": ""}} if nickname is None else {"$set": {"nickname": nickname}}
        found = self._collection.find_one_and_update(
            {"_id": number, "holders": customer_id}, change, return_document=ReturnDocument.AFTER
        )
        if found is None:
            raise NotFound
        return account_from(found)

    def set_primary(self, number: str, customer_id: str, *, session: ClientSession | None) -> Account:
        """Let the customer's account serve them when they name none, instead of the one before, and return it.

        Raises:
            NotFound: there is none, or it is somebody else's.
            AccountClosed: it is closed.
        """
        chosen = self._get({"_id": number, "holders": customer_id}, session=session)
        if chosen.status is AccountStatus.CLOSED:
            raise AccountClosed
        if customer_id in chosen.primary_for:
            return chosen
        before = self._collection.find_one({"primary_for": customer_id}, {"primary_for": 1}, session=session)
        if before is not None:
            others = [customer for customer in before["primary_for"] if customer != customer_id]
            change = {"$set": {"primary_for": others}} if others else {"$unset": {"primary_for": ""}}
            self._collection.update_one({"_id": before["_id"]}, change, session=session)
        self._collection.update_one({"_id": number}, {"$addToSet": {"primary_for": customer_id}}, session=session)
        return chosen._replace(primary_for=(*chosen.primary_for, customer_id))

    def insert(self, account: Account, *, session: ClientSession | None) -> None:
        """Add a new account, within the transaction of whatever it belongs to.

        Raises:
            DuplicateKeyError: the number is taken, or the customer has a primary account already.
        """
        self._collection.insert_one(account_document(account), session=session)

    def find_many(self, ids: Iterable[str], *, session: ClientSession | None = None) -> dict[str, Account]:
        """Return the accounts of these ids, by id, as the session's transaction sees them."""
        return {found["_id"]: account_from(found) for found in find_by_ids(self._collection, ids, session=session)}

    def claim(self, ids: Iterable[str], *, session: ClientSession) -> None:
        """Hold these accounts from here on, within the journal's transaction, before they are read.

        Nobody else can change them meanwhile; the count says nothing, but a write that changes nothing would not hold.
        """
        self._collection.update_many({"_id": {"$in": sorted(ids)}}, {"$inc": {"claims": 1}}, session=session)

    def insert_many(self, accounts: Iterable[Account], *, session: ClientSession) -> None:
        """Add new accounts, within the journal's transaction."""
        self._collection.insert_many([account_document(account) for account in accounts], session=session)

    def write_states(self, accounts: Sequence[Account], *, whole: Set[str], session: ClientSession) -> None:
        """Write what postings change on accounts, in one command, within the journal's transaction.

        Accounts in `whole` have changed in more than that, and are written as they are. The command is sent as it is:
        the driver's bulk interface costs more than the rules do.
        """
        updates = [
            {"q": {"_id": each.id}, "u": account_document(each) if each.id in whole else {"$set": _state(each)}}
            for each in accounts
        ]
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

    def _read_ref(self, number: str, customer_id: str) -> AccountRef:
        return self.get_owned(number, customer_id).ref

    def _find_primary(self, customer_id: str) -> Account | None:
        found = self._lookups.get(Lookup(SPEC.name, customer_id, _found_account, by="primary_for"))
        return found if found and customer_id in found.holders else None

    def _get(self, query: Mapping[str, Any], *, session: ClientSession | None = None) -> Account:
        found = self._collection.find_one(query, session=session)
        if found is None:
            raise NotFound
        return account_from(found)


def _found_account(found: Document | None) -> Account | None:
    return account_from(found) if found else None


def _state(account: Account) -> Document:
    state: Document = {
        "balance": Int64(account.balance),
        "held": Int64(account.held),
        "spent": {"withdrawn": Int64(account.spent.withdrawn), "transferred": Int64(account.spent.transferred)},
        "seq": Int64(account.seq),
    }
    if account.last_entry_at is not None:
        state |= {"last_entry_at": account.last_entry_at, "business_date": account.business_date}
    return state


def _amounts(given: Limits | Spent) -> Document:
    return {name: Int64(amount) for name, amount in zip(given._fields, given, strict=True) if amount is not None}


def account_document(account: Account) -> Document:
    """Return the document of an account; optional fields that are unset are left out."""
    document: Document = {
        "_id": account.id,
        "kind": str(account.kind),
        "holders": list(account.holders),
        "holder_names": list(account.holder_names) or None,
        "suspended_holders": list(account.suspended_holders) or None,
        "primary_for": list(account.primary_for) or None,
        "type": str(account.type),
        "currency": account.currency,
        "status": str(account.status),
        "blocked": account.blocked,
        "balance": Int64(account.balance),
        "held": Int64(account.held),
        "overdraft_limit": Int64(account.overdraft_limit),
        "minimum_balance": Int64(account.minimum_balance),
        "limits": _amounts(account.limits),
        "spent": _amounts(account.spent),
        "seq": Int64(account.seq),
        "last_entry_at": account.last_entry_at,
        "business_date": account.business_date,
        "opened_at": account.opened_at,
        "product": account.product,
        "branch": account.branch,
        "nickname": account.nickname,
        "status_decision": _decision_document(account.status_decision),
    }
    return {name: value for name, value in document.items() if value is not None}


def account_from(found: Mapping[str, Any]) -> Account:
    """Read an account's document."""
    return Account(
        id=found["_id"],
        kind=AccountKind(found["kind"]),
        holders=tuple(found["holders"]),
        holder_names=tuple(found.get("holder_names", ())),
        suspended_holders=tuple(found.get("suspended_holders", ())),
        primary_for=tuple(found.get("primary_for", ())),
        type=AccountType(found["type"]),
        currency=found["currency"],
        status=AccountStatus(found["status"]),
        balance=int(found["balance"]),
        held=int(found["held"]),
        overdraft_limit=int(found["overdraft_limit"]),
        minimum_balance=int(found.get("minimum_balance", 0)),
        limits=_limits_from(found.get("limits")),
        spent=_spent_from(found.get("spent")),
        seq=int(found["seq"]),
        last_entry_at=found.get("last_entry_at"),
        business_date=found.get("business_date"),
        opened_at=found["opened_at"],
        product=found.get("product"),
        branch=found.get("branch"),
        nickname=found.get("nickname"),
        status_decision=_decision_from(found.get("status_decision")),
    )


def _limits_from(found: Mapping[str, int] | None) -> Limits:
    return Limits(**{name: int(amount) for name, amount in found.items()}) if found else NO_LIMITS


def _spent_from(found: Mapping[str, int] | None) -> Spent:
    if not found or not (found["withdrawn"] or found["transferred"]):
        return NOTHING_SPENT
    return Spent(int(found["withdrawn"]), int(found["transferred"]))


def _decision_document(decision: StatusDecision | None) -> Document | None:
    if decision is None:
        return None
    return {name: value for name, value in decision._asdict().items() if value is not None}


def _decision_from(found: Mapping[str, Any] | None) -> StatusDecision | None:
    return StatusDecision(found.get("reason"), found["by"], found["at"]) if found else None
