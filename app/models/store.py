"""One process's door to the database: the client, a model per collection, transactions, start-up checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from app.domain.clock import Clock, SystemClock
from app.models import accounts
from app.models.accounts import Accounts
from app.models.collection import Document, ensure_collections
from app.models.connection import MAJORITY
from config import Config

Result = TypeVar("Result")
SPECS = (accounts.SPEC,)


class Store:
    """Every collection of the bank, over one client that this process made for itself (never before a fork)."""

    def __init__(self, client: MongoClient[Document], config: Config, *, clock: Clock | None = None) -> None:
        self.client = client
        self.config = config
        self.clock = clock or SystemClock()
        self.database = client[config.mongo_database]
        self.accounts = Accounts(self.database)

    def transaction(self, work: Callable[[ClientSession | None], Result]) -> Result:
        """Run `work` in one majority transaction: all of it or nothing. It may run more than once.

        `work` passes its session to every operation and lets DuplicateKeyError escape. Not for money: see the journal.
        """
        if self.config.uses_mongomock:
            return work(None)
        with pymongo.timeout(2 * self.config.mongo_timeout_ms / 1000), self.client.start_session() as session:
            return session.with_transaction(work, read_concern=ReadConcern("snapshot"), write_concern=MAJORITY)

    def prepare(self) -> None:
        """Create collections, indexes, validators and the bank's own accounts where missing. Idempotent."""
        ensure_collections(self.database, SPECS)
        self.accounts.ensure_internal(self.config.bank_currency, now=self.clock.now())
