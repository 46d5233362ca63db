"""What the server's own login may do in the database: all that the bank does, and nothing that unmakes history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from pymongo.errors import OperationFailure

from app import create_app
from app.domain.actor import Role
from app.domain.ids import random_id
from app.models.collection import Allowed
from app.models.database_role import ROLE
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.startup import StoreNotUsable
from app.models.store import SPECS, Store
from config import Config
from tests.contracts.test_audit_completeness import DAY, Desk, staff_actions
from tests.contracts.test_indexes import journey
from tests.factories.ledger import an_account
from tests.factories.users import new_customer, new_staff
from tests.security.guarded_server import GuardedServer, guarded_server

HISTORY = ("transactions", "entries", "audit", "audit_seals")
UNAUTHORIZED = 13
OWNER, SERVER = "owner", "server"
WIDE = {"rate_limit_login": "6000/minute", "rate_limit_register": "6000/minute"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedServer]:
    with guarded_server(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture(scope="module")
def bank(server: GuardedServer, config: Config) -> Config:
    """The settings of a server in production that logs in with that role alone."""
    return new_bank(server, config)


@pytest.fixture
def own_store(bank: Config) -> Iterator[Store]:
    with closing(Store.open(bank)) as opened:
        opened.make_ready()
        yield opened


def new_bank(server: GuardedServer, config: Config) -> Config:
    """Let an owner make a database by `flask db init` and `flask db roles`, and return its server's settings."""
    database = f"bank_{random_id()[:12]}"
    own = replace(config, env="production", mongo_database=database, **WIDE)
    owner, user = f"{OWNER}-{database}", f"{SERVER}-{database}"
    server.add_owner(owner, database)
    for command in ("init", "roles", "roles"):
        done = invoke(replace(own, mongo_uri=server.uri(owner)), "db", command)
        assert done.exit_code == 0, done.output
    server.add_server_user(user, database)
    return replace(own, mongo_uri=server.uri(user))


def invoke(config: Config, *command: str) -> Result:
    with closing(Store.open(config)) as store:
        return create_app(config, store).test_cli_runner().invoke(args=command)


def refusal_of(work: Callable[[], Any]) -> int | None:
    """Return the code with which the database refuses, or None where it does not."""
    try:
        work()
    except OperationFailure as error:
        return error.code
    return None


def test_s72_the_servers_login_neither_changes_nor_deletes_history(own_store: Store) -> None:
    an_account(own_store, balance=5)
    for name in HISTORY:
        refused = {said: refusal_of(attempt) for said, attempt in changes_of_history(own_store, name).items()}
        assert refused == dict.fromkeys(refused, UNAUTHORIZED), name


def changes_of_history(own_store: Store, name: str) -> dict[str, Callable[[], Any]]:
    """Return all the ways to unmake what is written in a collection."""
    history = own_store.database[name]
    return {
        "update": lambda: history.update_many({}, {"$set": {"amount": 1}}),
        "replace": lambda: history.replace_one({}, {}),
        "find and change": lambda: history.find_one_and_update({}, {"$unset": {"amount": ""}}),
        "delete": lambda: history.delete_one({}),
        "delete many": lambda: history.delete_many({}),
        "drop": history.drop,
        "rename": lambda: history.rename("gone"),
        "drop an index": lambda: history.drop_index("one_entry_per_number"),
        "add an index": lambda: history.create_index("amount", expireAfterSeconds=0),
        "drop the validator": lambda: own_store.database.command("collMod", name, validator={}),
        "write past the validator": lambda: history.insert_one({}, bypass_document_validation=True),
        "overwrite by a pipeline": lambda: list(own_store.database.accounts.aggregate([{"$out": name}])),
        "merge by a pipeline": lambda: list(own_store.database.accounts.aggregate([{"$merge": {"into": name}}])),
    }


def test_s72_the_servers_login_reaches_nothing_beyond_its_own_collections(own_store: Store) -> None:
    database, client = own_store.database, own_store.client
    attempts = {
        "drop the database": lambda: client.drop_database(database.name),
        "read another database": lambda: client["another"]["things"].find_one(),
        "read the users": lambda: client.admin["system.users"].find_one(),
        "make itself a user": lambda: database.command({"createUser": "eve", "pwd": "eve", "roles": []}),
        "widen its role": lambda: database.command({"grantRolesToRole": ROLE, "roles": ["dbOwner"]}),
        "read the log of operations": lambda: client.local["oplog.rs"].find_one(),
        "add a collection": lambda: database.create_collection("more"),
        "delete an account": lambda: database.accounts.delete_one({}),
        "delete a user": lambda: database.users.delete_one({}),
        "change a setting of the server": lambda: client.admin.command({"setParameter": 1, "logLevel": 0}),
    }
    assert {said: refusal_of(attempt) for said, attempt in attempts.items()} == dict.fromkeys(attempts, UNAUTHORIZED)


def test_s72_whatever_is_written_once_is_declared_so() -> None:
    append_only = {spec.name for spec in SPECS if spec.allowed is Allowed.APPEND}
    assert append_only >= set(HISTORY)


def test_s72_all_that_customers_and_the_bank_do_works_with_that_login(bank: Config, own_store: Store) -> None:
    journey(create_app(bank, own_store).test_client(), own_store)
    found = Reconciliation(LedgerReader(own_store.client, own_store.database)).run()
    assert found.difference is None
    assert found.transactions > 10


def test_s72_all_that_staff_do_works_with_that_login(server: GuardedServer, config: Config) -> None:
    bank = new_bank(server, config)
    with closing(Store.open(bank)) as own_store:
        own_store.make_ready()
        a_day_at_the_desk(own_store)
    for command in (("jobs", "run", "seal-audit"), ("audit", "verify"), ("reconcile",), ("db", "check")):
        done = invoke(bank, *command)
        assert done.exit_code == 0, done.output


def a_day_at_the_desk(own_store: Store) -> None:
    """Do once whatever staff can do."""
    app = create_app(own_store.config, own_store)
    client: FlaskClient = app.test_client()
    bankers = [new_staff(client, own_store, name, Role.BANKER) for name in ("bella", "bruno")]
    admins = [new_staff(client, own_store, name, Role.ADMIN) for name in ("adam", "anna")]
    for username in ("alice", "bob"):
        new_customer(client, username)
    desk = Desk(app, client, own_store, *bankers, *admins)
    for part in DAY:
        part(desk)
    assert set(desk.records) == staff_actions(app)


def test_s72_who_does_not_own_the_database_makes_no_roles(bank: Config) -> None:
    done = invoke(bank, "db", "roles")
    assert (done.exit_code, done.output) == (
        1,
        "Roles are made by the database's owner: MONGO_URI names somebody else.\n",
    )


def test_s72_a_login_without_the_role_is_told_at_the_start(server: GuardedServer, bank: Config) -> None:
    server.add_server_user("nobody")
    with (
        closing(Store.open(replace(bank, mongo_uri=server.uri("nobody")))) as store,
        pytest.raises(StoreNotUsable, match=r"run `flask db roles` as the owner of the database .* the role bank_app"),
    ):
        store.make_ready()
