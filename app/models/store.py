"""One process's door to the database: the client, a model per collection, transactions, start-up checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.read_concern import ReadConcern

from app.domain.clock import Clock, SystemClock
from app.models import accounts, entries, holds, journal, transactions
from app.models.accounts import Accounts
from app.models.collection import Document, ensure_collections
from app.models.connection import MAJORITY, connect
from app.models.entries import Entries
from app.models.holds import Holds
from app.models.journal import Journal
from app.models.mongod import MongodFailed
from app.models.startup import StoreNotUsable, check_contents, check_server
from app.models.transactions import Transactions

if TYPE_CHECKING:
    from app.models.embedded import EmbeddedServer

if TYPE_CHECKING:
    from config import Config  # for its name alone: config reads the domain

Result = TypeVar("Result")
SPECS = (
    accounts.SPEC,
    transactions.SPEC,
    entries.SPEC,
    holds.SPEC,
    journal.COUNTERS,
)


class Store:
    """Every collection of the bank, over one client that this process made for itself (never before a fork)."""

    def __init__(self, client: MongoClient[Document], config: Config, *, clock: Clock | None = None) -> None:
        self.client = client
        self.config = config
        self.clock = clock or SystemClock()
        self.database = client[config.mongo_database]
        self.accounts = Accounts(self.database)
        self.transactions = Transactions(self.database)
        self.entries = Entries(self.database)
        self.holds = Holds(self.database)
        self.journal = Journal(client, self.database, config, clock=self.clock)
        self._server: EmbeddedServer | None = None

    @classmethod
    def open(cls, config: Config, *, clock: Clock | None = None) -> Self:
        """Connect to the configured database: MONGO_URI's, or else the embedded server, which this store then shares.

        Call it in the process that uses the store, never before a fork. Nothing is checked or created here.

        Raises:
            StoreNotUsable: MONGO_URI makes no sense, or the embedded server can't be had.
        """
        server = None if config.mongo_uri else _embedded_server(config)
        store = cls(_client(config, server.uri if server else config.mongo_uri), config, clock=clock)
        store._server = server
        return store

    def make_ready(self) -> None:
        """Check that the database is fit to serve and, save in production, create what it lacks.

        Raises:
            StoreNotUsable: it is not; the message says what to do.
        """
        if self.config.uses_mongomock:
            return
        check_server(self.client)
        if self.config.is_production:
            check_contents(self.database, SPECS)
        else:
            self.prepare()

    def close(self) -> None:
        """Finish what was accepted, then let go of the connections and of the embedded server. Idempotent."""
        self.journal.close()
        self.client.close()
        if self._server is not None:
            self._server.close()

    def transaction(self, work: Callable[[ClientSession | None], Result]) -> Result:
        """Run `work` in one majority transaction: all of it or nothing. It may run more than once.

        `work` passes its session to every operation and lets DuplicateKeyError escape. Not for money: see the journal.
        """
        if self.config.uses_mongomock:
            return work(None)
        with pymongo.timeout(2 * self.config.mongo_timeout_ms / 1000), self.client.start_session() as session:
            return session.with_transaction(work, read_concern=ReadConcern("snapshot"), write_concern=MAJORITY)

    def ping(self) -> bool:
        """Tell whether the database answers, within the time that one operation has."""
        if self.config.uses_mongomock:
            return True
        try:
            with pymongo.timeout(self.config.mongo_timeout_ms / 1000):
                self.client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def prepare(self) -> None:
        """Create collections, indexes, validators and the bank's own accounts where missing. Idempotent."""
        ensure_collections(self.database, SPECS)
        self.accounts.ensure_internal(self.config.bank_currency, now=self.clock.now())


def _embedded_server(config: Config) -> EmbeddedServer:
    from app.models import embedded  # it needs flock, which not every system that has a MONGO_URI knows

    try:
        return embedded.start(config.data_dir, cache_mib=config.embedded_cache_mib)
    except MongodFailed as error:
        raise StoreNotUsable(str(error)) from error


def _client(config: Config, uri: str) -> MongoClient[Document]:
    if config.uses_mongomock:
        import mongomock  # for tests alone

        in_memory: MongoClient[Document] = mongomock.MongoClient(tz_aware=True)
        return in_memory
    try:
        return connect(uri, timeout_ms=config.mongo_timeout_ms)
    except (ConfigurationError, ValueError):
        raise StoreNotUsable("MONGO_URI is not a MongoDB address (a password's special characters need %XX).") from None
