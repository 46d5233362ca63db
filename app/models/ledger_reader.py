"""Reads the whole ledger in bounded pieces, for whoever goes through all of it. Each piece is a read of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pymongo
from bson import Decimal128
from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.accounts import Account
from app.domain.ledger.records import Entry, HoldStatus, Transaction
from app.models import accounts, entries, holds, transactions
from app.models.accounts import account_from
from app.models.collection import CollectionSpec, Document, find_by_ids
from app.models.entries import entry_from
from app.models.transactions import transaction_from

ACCOUNTS_PER_PAGE = 500
DOCUMENTS_PER_BATCH = 1_000
SCAN_TIMEOUT_S = 3_600
"""How long the server may take to go through one whole collection; every other read has the client's limits."""

LEDGER = (accounts.SPEC, holds.SPEC, entries.SPEC, transactions.SPEC)


@dataclass(frozen=True, slots=True)
class Page:
    """The accounts of a range of ids, the sum of the open holds and the last entry's number of each: one instant's.

    `held` and `last_seq` also name ids in the range that have holds or entries but no account.
    """

    account_ids: Document
    accounts: list[Account]
    held: dict[str, int]
    last_seq: dict[str, int]


class LedgerReader:
    """The ledger's documents in the order of their keys."""

    def __init__(self, client: MongoClient[Document], database: Database[Document]) -> None:
        self._client = client
        self._database = database
        self._accounts = database[accounts.SPEC.name]
        self._entries = database[entries.SPEC.name]
        self._transactions = database[transactions.SPEC.name]
        self._holds = database[holds.SPEC.name]

    def documents_estimated(self) -> int:
        """Say about how many entries and transactions there are."""
        return self._entries.estimated_document_count() + self._transactions.estimated_document_count()

    def find_malformed(self, spec: CollectionSpec, where: Document) -> Any:
        """Return the id of a document that lacks the form its collection's validator asks for, or None."""
        with pymongo.timeout(SCAN_TIMEOUT_S):
            # foreign-filter: reconcile alone asks
            found = self._database[spec.name].find_one({**where, "$nor": [{"$jsonSchema": spec.schema}]}, {"_id": 1})
        return found and found["_id"]

    def totals(self) -> dict[str, int]:
        """Return the sum of all accounts' balances by currency, of one instant, exact beyond 64 bits."""
        pipeline = [{"$group": {"_id": "$currency", "total": {"$sum": {"$toDecimal": "$balance"}}}}]
        with pymongo.timeout(SCAN_TIMEOUT_S), self._snapshot() as session:
            return {each["_id"]: _whole(each["total"]) for each in self._accounts.aggregate(pipeline, session=session)}

    def pages(self) -> Iterator[Page]:
        """Yield all accounts by id, page by page; together the pages' ranges hold every possible id."""
        after = ""
        while True:
            page = self.page({"$gt": after}, limit=ACCOUNTS_PER_PAGE)
            yield page
            if "$lte" not in page.account_ids:
                return
            after = page.account_ids["$lte"]

    def page(self, ids: Document, *, limit: int) -> Page:
        """Return the first `limit` accounts of a range of ids. The page ends where they end, if there may be more."""
        with self._snapshot() as session:
            # foreign-filter: reconcile alone asks
            cursor = self._accounts.find({"_id": ids}, session=session).sort("_id", ASCENDING).limit(limit)
            found = [account_from(each) for each in cursor]
            if len(found) == limit:
                ids = {**ids, "$lte": found[-1].id}  # foreign-filter: reconcile alone asks
            return Page(ids, found, self._held(ids, session), self._last_seq(ids, session))

    def entries(self, account_ids: Document) -> Iterator[list[Entry]]:
        """Yield the entries of a range of accounts in batches, by account and number."""
        where: Document = {"account_id": account_ids}  # foreign-filter: reconcile alone asks
        while True:
            cursor = self._entries.find(where).sort([("account_id", ASCENDING), ("seq", ASCENDING)])
            batch = [entry_from(each) for each in cursor.limit(DOCUMENTS_PER_BATCH).batch_size(DOCUMENTS_PER_BATCH)]
            yield batch
            if len(batch) < DOCUMENTS_PER_BATCH:
                return
            last = batch[-1]
            rest = {"account_id": {**account_ids, "$gt": last.account_id}}  # foreign-filter: reconcile alone asks
            where = {"$or": [{"account_id": last.account_id, "seq": {"$gt": last.seq}}, rest]}

    def transactions(self) -> Iterator[list[Transaction]]:
        """Yield all transactions in batches, by id."""
        after = ""
        while True:
            cursor = self._transactions.find({"_id": {"$gt": after}}).sort("_id", ASCENDING)
            found = cursor.limit(DOCUMENTS_PER_BATCH).batch_size(DOCUMENTS_PER_BATCH)
            batch = [transaction_from(each) for each in found]
            yield batch
            if len(batch) < DOCUMENTS_PER_BATCH:
                return
            after = batch[-1].id

    def transactions_of(self, ids: Iterable[str]) -> dict[str, Transaction]:
        """Return those transactions of these ids that exist, by id."""
        return {each["_id"]: transaction_from(each) for each in find_by_ids(self._transactions, ids)}

    def entries_of(self, transactions: Iterable[Transaction]) -> dict[str, Entry]:
        """Return those entries that these transactions name and that exist, by id."""
        ids = [posting.entry_id for each in transactions for posting in each.postings]
        return {each["_id"]: entry_from(each) for each in find_by_ids(self._entries, ids)}

    def reversed_ids(self, ids: Iterable[str]) -> list[str]:
        """Return which of these transactions are reversed, each as often as it is."""
        found = self._transactions.find({"reverses": {"$in": list(ids)}}, {"reverses": 1})
        return [each["reverses"] for each in found]

    def _held(self, account_ids: Document, session: ClientSession) -> dict[str, int]:
        remaining = {"$cond": [{"$eq": ["$status", str(HoldStatus.OPEN)]}, {"$toDecimal": "$remaining"}, 0]}
        pipeline: list[Document] = [
            {"$match": {"account_id": account_ids}},
            {"$group": {"_id": "$account_id", "held": {"$sum": remaining}}},
        ]
        return {each["_id"]: _whole(each["held"]) for each in self._holds.aggregate(pipeline, session=session)}

    def _last_seq(self, account_ids: Document, session: ClientSession) -> dict[str, int]:
        """Read each account's highest number off the index; no entry is fetched."""
        pipeline: list[Document] = [
            {"$match": {"account_id": account_ids}},
            {"$sort": {"account_id": DESCENDING, "seq": DESCENDING}},
            {"$group": {"_id": "$account_id", "seq": {"$first": "$seq"}}},
        ]
        return {each["_id"]: int(each["seq"]) for each in self._entries.aggregate(pipeline, session=session)}

    def _snapshot(self) -> ClientSession:
        return self._client.start_session(snapshot=True)


def _whole(total: Decimal128 | int) -> int:
    return int(total.to_decimal()) if isinstance(total, Decimal128) else int(total)
