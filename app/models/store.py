"""One process's door to the database: the client, a model per collection, transactions, start-up checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from app.domain.clock import Clock, SystemClock
from app.domain.products import default_product_code
from app.models import (
    accounts,
    approvals,
    attempts,
    audit,
    audit_seals,
    authenticators,
    bank,
    branches,
    bulks,
    confirmation_limits,
    confirmations,
    customers,
    entries,
    fx_quotes,
    fx_rates,
    holds,
    jobs,
    journal,
    login_tickets,
    password_resets,
    payees,
    policies,
    products,
    revocations,
    sessions,
    transactions,
    users,
)
from app.models.account_pages import AccountPages
from app.models.accounts import Accounts
from app.models.admins import Admins
from app.models.approvals import Approvals
from app.models.attempts import Attempts
from app.models.audit import Audit
from app.models.audit_seals import AuditSeals
from app.models.authenticators import Authenticators
from app.models.bank import Bank
from app.models.branches import Branches
from app.models.bulk_posting import BulkPoster
from app.models.bulks import Bulks
from app.models.clock_guard import ClockGuard
from app.models.collection import Document, ensure_collections, missing_parts
from app.models.confirmation_limits import ConfirmationLimits
from app.models.confirmations import Confirmations
from app.models.connection import MAJORITY, is_unavailable
from app.models.customer_pages import CustomerPages
from app.models.customers import Customers
from app.models.database_role import ROLE, ensure_role
from app.models.entries import Entries
from app.models.entry_pages import EntryPages
from app.models.fx_quotes import FxQuotes
from app.models.fx_rates import FxRates
from app.models.holders import Holders
from app.models.holds import Holds
from app.models.ibans import Ibans
from app.models.jobs import Jobs
from app.models.journal import Journal
from app.models.login_tickets import LoginTickets
from app.models.lookups import Lookups
from app.models.password_resets import PasswordResets
from app.models.passwords import Passwords
from app.models.payees import Payees
from app.models.policies import Policies
from app.models.products import Products
from app.models.revocations import Revocations
from app.models.seeds import Seeds
from app.models.sessions import Sessions
from app.models.startup import StoreNotUsable, check_server, open_client, require_login, share_server
from app.models.transactions import Transactions
from app.models.upgrade import upgrade
from app.models.user_pages import UserPages
from app.models.users import Users

if TYPE_CHECKING:
    from app.models.embedded import EmbeddedServer
    from config import Config  # for its name alone: config reads the domain

Result = TypeVar("Result")
_INDEX_DIFFERS_CODES = (85, 86)
"""IndexOptionsConflict, IndexKeySpecsConflict."""
_UNAUTHORIZED = 13
SPECS = (
    bank.SPEC,
    branches.SPEC,
    products.SPEC,
    accounts.SPEC,
    transactions.SPEC,
    entries.SPEC,
    holds.SPEC,
    journal.COUNTERS,
    users.SPEC,
    customers.SPEC,
    sessions.SPEC,
    revocations.SPEC,
    attempts.SPEC,
    authenticators.SPEC,
    confirmation_limits.SPEC,
    confirmations.SPEC,
    login_tickets.SPEC,
    password_resets.SPEC,
    fx_rates.SPEC,
    fx_quotes.SPEC,
    bulks.SPEC,
    bulks.CHUNKS,
    payees.SPEC,
    audit.SPEC,
    audit.UNSEALED,
    audit_seals.SPEC,
    jobs.SPEC,
    approvals.SPEC,
    policies.SPEC,
)


class Store:
    """Every collection of the bank, over one client that this process made for itself (never before a fork)."""

    def __init__(self, client: MongoClient[Document], config: Config, *, clock: Clock | None = None) -> None:
        self.client = client
        self.config = config
        self.clock = clock or SystemClock()
        self.clock_guard = ClockGuard(client, skew_s_max=config.clock_skew_seconds_max)
        self.database = client[config.mongo_database]
        self.bank = Bank(self.database)
        self.branches = Branches(self.database)
        self.products = Products(self.database)
        self.lookups = Lookups(self.database)
        self.accounts = Accounts(self.database, self.lookups)
        self.transactions = Transactions(self.database)
        self.entries = Entries(self.database)
        self.holds = Holds(self.database)
        self.account_pages = AccountPages(self.database)
        self.entry_pages = EntryPages(self.database)
        self.holders = Holders(self.database)
        self.ibans = Ibans(config)
        self.journal = Journal(client, self.database, config, clock=self.clock, clock_guard=self.clock_guard)
        self.users = Users(self.database)
        self.customers = Customers(self.database)
        self.customer_pages = CustomerPages(self.database)
        self.sessions = Sessions(self.database)
        self.revocations = Revocations(self.database, config, self.clock, clock_guard=self.clock_guard)
        self.attempts = Attempts(self.database)
        self.fx_rates = FxRates(self.database)
        self.fx_quotes = FxQuotes(self.database)
        self.bulks = Bulks(self.database)
        self.bulk_poster = BulkPoster(self)
        self.payees = Payees(self.database)
        self.passwords = Passwords(config)
        self.user_pages = UserPages(self.database)
        self.admins = Admins(self.database)
        self.authenticators = Authenticators(self.database)
        self.confirmation_limits = ConfirmationLimits(self.database, config, self.lookups)
        self.confirmations = Confirmations(self.database)
        self.login_tickets = LoginTickets(self.database)
        self.password_resets = PasswordResets(self.database)
        self.seeds = Seeds(config)
        self.audit = Audit(self.database, self.clock, self.transaction)
        self.audit_seals = AuditSeals(self.database)
        self.jobs = Jobs(self.database)
        self.approvals = Approvals(self.database)
        self.policies = Policies(self.database, config.bank_currency)
        self._server: EmbeddedServer | None = None

    @classmethod
    def open(cls, config: Config, *, clock: Clock | None = None) -> Self:
        """Connect to the configured database: MONGO_URI's, or else the embedded server, which this store then shares.

        Call it in the process that uses the store, never before a fork. Nothing is checked or created here.

        Raises:
            StoreNotUsable: MONGO_URI makes no sense, or the embedded server can't be had.
        """
        server = share_server(config)
        store = cls(open_client(config, server), config, clock=clock)
        store._server = server
        return store

    def make_ready(self) -> None:
        """Make sure that the database is fit to serve; save in production, create what it lacks.

        Raises:
            StoreNotUsable: it is not; the message says what to do.
        """
        try:
            if self.config.is_production:
                self.check()
            else:
                self.prepare()
        except PyMongoError as error:
            if not is_unavailable(error):
                raise
            raise StoreNotUsable("MongoDB does not answer in time: look at its load, then start again.") from error

    def close(self) -> None:
        """Finish what was accepted, then let go of the connections and of the embedded server. Idempotent."""
        self.bulk_poster.close()
        self.journal.close()
        with pymongo.timeout(self.config.mongo_timeout_ms / 1000):  # it tells the database that its sessions have ended
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

    def check(self) -> None:
        """Make sure of a server with transactions, every collection, index and validator, and the bank's own accounts.

        In production, also of a login.

        Raises:
            StoreNotUsable: naming what is wrong or missing.
        """
        check_server(self.client)
        if self.config.is_production:
            require_login(self.client)
        try:
            missing = self._missing()
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
            raise StoreNotUsable(
                f"MongoDB lets the user in MONGO_URI not read the bank's collections: run `flask db roles` as the owner"
                f" of the database and give the user the role {ROLE}."
            ) from error
        if missing:
            raise StoreNotUsable(f"The database lacks {', '.join(missing)}: run `flask db init` as its owner.")
        self._check_bank()

    def _missing(self) -> list[str]:
        """Name every collection, index, validator, account and product that the database lacks."""
        stripes = self.accounts.missing_internal(self.config.bank_currency, now=self.clock.now())
        missing = [*missing_parts(self.database, SPECS), *(f"account {stripe.id}" for stripe in stripes)]
        first_product = default_product_code(self.config.bank_currency)
        if self.products.find(first_product) is None:
            missing.append(f"product {first_product}")
        return missing

    def prepare(self) -> None:
        """Create collections, indexes, validators and the bank's own accounts where missing. Idempotent.

        What an earlier version left is brought up to date.

        Raises:
            StoreNotUsable: the server is none that the bank can stand on.
        """
        if not self.config.uses_mongomock:
            check_server(self.client)
            upgrade(self.database, now=self.clock.now())
            self._ensure_collections()
        self.bank.begin(account_number_length=self.config.account_number_length)
        self._check_bank()
        self.accounts.ensure_internal(self.config.bank_currency, now=self.clock.now())
        self.products.ensure_default(self.config.bank_currency, now=self.clock.now())

    def prepare_role(self) -> None:
        """Create the role that the server's own login needs, or bring it up to date. Idempotent.

        Raises:
            StoreNotUsable: this login may not, or the server is none that the bank can stand on.
        """
        check_server(self.client)
        try:
            ensure_role(self.database, SPECS)
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
            raise StoreNotUsable("Roles are made by the database's owner: MONGO_URI names somebody else.") from error

    def _ensure_collections(self) -> None:
        try:
            ensure_collections(self.database, SPECS)
        except OperationFailure as error:
            if error.code not in _INDEX_DIFFERS_CODES:
                raise
            others = ", ".join(part for part in missing_parts(self.database, SPECS) if part.startswith("index "))
            raise StoreNotUsable(f"The database has another {others}: drop it and start again.") from error

    def _check_bank(self) -> None:
        begun_with, asked_for = self.bank.find_account_number_length(), self.config.account_number_length
        if begun_with != asked_for:
            raise StoreNotUsable(
                f"This bank was begun with account numbers of {begun_with} digits, and BANK_COUNTRY asks for"
                f" {asked_for}: set BANK_COUNTRY as it was at the first start."
            )
