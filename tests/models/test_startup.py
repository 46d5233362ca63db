"""What the store says of a database that it can't stand on: one sentence for each fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pymongo import MongoClient

from app.models import mongod
from app.models.startup import StoreNotUsable, check_server, open_client
from app.models.store import Store
from config import Config
from tests.processes import wait_until

Start = Callable[..., int]


@pytest.fixture
def start_mongod(tmp_path: Path) -> Iterator[Start]:
    """Start servers by hand, with flags of one's own; returns their ports."""
    running = []

    def start(*flags: str) -> int:
        port, data = mongod.free_port(), tmp_path / str(len(running))
        data.mkdir()
        command = [str(mongod.find_binary()), "--bind_ip", "127.0.0.1", *flags]
        running.append(mongod.spawn(command, data=data, port=port, log=tmp_path / "log"))
        with MongoClient("127.0.0.1", port, directConnection=True) as client:
            wait_until(lambda: client.admin.command("ping"))
        return port

    yield start
    for process in running:
        mongod.stop(process)


def fault(config: Config, uri: str) -> str:
    """Return what is said when a store on this address is made ready."""
    with (
        pytest.raises(StoreNotUsable) as caught,
        closing(Store.open(replace(config, mongo_uri=uri, mongo_timeout_ms=500))) as store,
    ):
        store.make_ready()
    return str(caught.value)


@pytest.mark.parametrize("options", ["", "?replicaSet=bank"])
def test_a_standalone_server_is_refused_with_the_way_to_a_replica_set(
    config: Config, start_mongod: Start, options: str
) -> None:
    said = fault(config, f"mongodb://127.0.0.1:{start_mongod()}/{options}")
    assert said.startswith("MongoDB runs standalone, which has no transactions: start mongod with `--replSet bank`")
    assert "rs.initiate()" in said


@pytest.mark.parametrize("options", ["", "?replicaSet=bank"])
def test_a_replica_set_that_was_never_initiated_is_named_as_such(
    config: Config, start_mongod: Start, options: str
) -> None:
    said = fault(config, f"mongodb://127.0.0.1:{start_mongod('--replSet', 'bank')}/{options}")
    assert said.startswith("MongoDB was started as a replica set that is not initiated yet: run `rs.initiate()`")


def test_a_server_that_is_not_there_is_named_by_its_address(config: Config) -> None:
    port = mongod.free_port()
    said = fault(config, f"mongodb://someone:secret@127.0.0.1:{port}/?replicaSet=bank")
    assert said.startswith(f"MongoDB can't be reached at 127.0.0.1:{port}: ")
    assert "secret" not in said


def test_another_replica_set_than_the_one_asked_for_is_named(config: Config, mongo_uri: str) -> None:
    said = fault(config, mongo_uri.replace("replicaSet=bank", "replicaSet=other"))
    assert said.startswith("MongoDB has no primary that MONGO_URI reaches")
    assert "'bank'" in said


def test_a_wrong_password_is_named_without_being_shown(config: Config, mongo_uri: str) -> None:
    said = fault(config, mongo_uri.replace("mongodb://", "mongodb://someone:secret@"))
    assert said == "MongoDB refuses the user name or password in MONGO_URI."


@pytest.mark.parametrize("uri", ["mongodb://", "postgres://host/", "mongodb://host:port/", "mongodb://user:p@ss@host/"])
def test_an_address_that_makes_no_sense_is_refused_without_being_shown(config: Config, uri: str) -> None:
    with pytest.raises(StoreNotUsable, match="MONGO_URI is not a MongoDB address") as caught:
        Store.open(replace(config, mongo_uri=uri))
    assert uri not in str(caught.value)


def test_an_old_server_is_refused_by_its_version(config: Config) -> None:
    with (
        open_client(config, None) as client,
        pytest.raises(StoreNotUsable, match=r"MongoDB \d+\.\d+ is too old: the bank needs 99\.0 or later\."),
    ):
        check_server(client, version_min=(99, 0))


@pytest.mark.security("S67")
def test_production_refuses_a_database_without_a_login(config: Config, store: Store, uri_with_login: str) -> None:
    open_to_all = replace(config, env="production")
    with closing(Store.open(open_to_all)) as production, pytest.raises(StoreNotUsable, match="without a user name"):
        production.make_ready()
    with closing(Store.open(replace(open_to_all, mongo_uri=uri_with_login))) as production:
        production.make_ready()


def test_development_creates_what_is_missing_and_production_names_it(config: Config, uri_with_login: str) -> None:
    fresh = replace(config, mongo_database=f"{config.mongo_database}_fresh")
    as_production = replace(fresh, env="production", mongo_uri=uri_with_login)
    with closing(Store.open(as_production)) as production, closing(Store.open(fresh)) as development:
        with pytest.raises(StoreNotUsable, match=r"lacks .*collection accounts,.*account cash-USD#00.*`flask db init`"):
            production.make_ready()
        assert production.database.list_collection_names() == []
        development.make_ready()
        development.make_ready()
        production.make_ready()
        development.client.drop_database(fresh.mongo_database)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda store: store.database.accounts.drop_index("holders"), "index holders of accounts"),
        (lambda store: store.database.command("collMod", "accounts", validator={}), "validator of accounts"),
        (lambda store: store.database.command("collMod", "accounts", validationAction="warn"), "validator of accounts"),
        (lambda store: store.database.command("collMod", "accounts", validationLevel="off"), "validator of accounts"),
        (lambda store: store.database.users.drop(), "collection users"),
        (lambda store: store.database.accounts.delete_one({"_id": "cash-USD#03"}), "account cash-USD#03"),
    ],
)
def test_each_missing_part_is_named_and_made_again(store: Store, damage: Callable[[Store], object], named: str) -> None:
    damage(store)
    with pytest.raises(StoreNotUsable, match=f"The database lacks {named}: run `flask db init` as its owner"):
        store.check()
    store.prepare()
    store.check()


def test_an_index_that_promises_less_than_its_name_is_named_and_not_taken_for_the_real_one(store: Store) -> None:
    entries = store.database.entries
    entries.drop_index("one_entry_per_number")
    entries.create_index([("account_id", 1), ("seq", 1)], name="one_entry_per_number")
    with pytest.raises(StoreNotUsable, match="lacks index one_entry_per_number of entries: run"):
        store.check()
    with pytest.raises(StoreNotUsable, match="another index one_entry_per_number of entries"):
        store.prepare()
    entries.drop_index("one_entry_per_number")
    store.prepare()
    store.check()


def test_an_in_memory_database_is_there_for_tests_of_what_moves_no_money(config: Config) -> None:
    with closing(Store.open(replace(config, mongo_uri="mongomock://"))) as store:
        store.make_ready()
        assert store.ping()
        assert store.users.is_empty()


def test_the_embedded_server_that_can_not_be_had_is_a_fault_too(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongod, "_DISTRIBUTIONS", ())
    with pytest.raises(StoreNotUsable, match="The embedded MongoDB is not installed"):
        Store.open(replace(config, mongo_uri="", data_dir=tmp_path))
