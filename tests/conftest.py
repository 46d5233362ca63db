"""The fixtures that all tests share: one real MongoDB per run, one database per worker, emptied before each test."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.models import embedded
from app.models.collection import Document
from app.models.keeper import Home, try_lock
from app.models.startup import open_client
from app.models.store import Store
from config import Config
from tests.described import DescribedClient
from tests.processes import wait_until

_PREFIX = "bank-tests-"
_FOLDER_VARIABLE = "BANK_TESTS_FOLDER"
_SERVER_END_TIMEOUT_S = 30


def pytest_configure(config: pytest.Config) -> None:
    """Name this run's folder, for its workers too, and remove what killed runs left behind."""
    if hasattr(config, "workerinput"):
        return
    scratch = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
    for folder in scratch.glob(f"{_PREFIX}*"):
        _remove_unless_used(folder, timeout_s=0)
    os.environ[_FOLDER_VARIABLE] = str(scratch / f"{_PREFIX}{os.getpid()}")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k s24` find whatever is marked as showing requirement S24, beside the tests that are named after it."""
    for mark in item.iter_markers("security"):
        item.extra_keyword_matches.update(str(number).lower() for number in mark.args)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Wait for this run's server to end and remove its data; the workers have ended by then."""
    if not hasattr(config, "workerinput"):
        _remove_unless_used(Path(os.environ[_FOLDER_VARIABLE]), timeout_s=_SERVER_END_TIMEOUT_S)


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """The address of this run's real MongoDB, a replica set of one, shared by all workers; test commands are on."""
    with embedded.start(Path(os.environ[_FOLDER_VARIABLE]), test_commands=True) as server:
        yield server.uri


@pytest.fixture(scope="session")
def config(mongo_uri: str, worker_id: str) -> Config:
    """Quick settings for tests, on a database of this worker's own."""
    return Config(
        env="testing",
        secret_key="a signing key for tests, long enough",
        password_peppers={1: "a password pepper for tests, long enough"},
        mongo_uri=mongo_uri,
        mongo_database=f"bank_{worker_id}",
        bcrypt_cost=4,
    )


@pytest.fixture(scope="session")
def _first_day(config: Config) -> dict[str, list[Document]]:
    """Prepare the worker's database once; return what its collections hold then: the bank's own accounts."""
    store = Store.open(config)
    store.prepare()
    contents = {name: list(store.database[name].find()) for name in store.database.list_collection_names()}
    store.close()
    return contents


@pytest.fixture
def store(config: Config, _first_day: dict[str, list[Document]]) -> Iterator[Store]:
    """A store on the worker's real database, empty but for the bank's own accounts."""
    store = Store.open(config)
    for name in store.database.list_collection_names():
        store.database[name].delete_many({})
        if documents := _first_day.get(name):
            store.database[name].insert_many(documents)
    yield store
    store.close()


@pytest.fixture
def one_day() -> None:
    """Let a test of what counts by the day run within one: where midnight is near, it begins afterwards."""
    wait_until(lambda: datetime.now(UTC).time() < time(23, 59, 40))


@pytest.fixture
def uri_with_login(config: Config) -> Iterator[str]:
    """The address of the shared server, for a user of its own."""
    name = f"{config.mongo_database}_app"
    with open_client(config, None) as client:
        client.admin.command("createUser", name, pwd="secret", roles=["readWriteAnyDatabase", "dbAdminAnyDatabase"])
        yield config.mongo_uri.replace("mongodb://", f"mongodb://{name}:secret@") + "&authSource=admin"
        client.admin.command("dropUser", name)


@pytest.fixture
def app(config: Config, store: Store) -> Flask:
    """The application on that store, with errors that it does not expect shown instead of answered."""
    from app import create_app  # here, so that tests of what stands below it run without it

    application = create_app(config, store)
    application.testing = True
    application.test_client_class = DescribedClient  # every test over HTTP checks the description on its way
    return application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _remove_unless_used(folder: Path, *, timeout_s: float) -> None:
    """Remove a run's folder once nobody holds its clients' lock: neither a client, nor a server that is ending."""
    clients_lock = Home(folder / "mongo").clients_lock
    if not clients_lock.exists():
        return
    lock = os.open(clients_lock, os.O_RDWR)
    try:
        if try_lock(lock, fcntl.LOCK_EX, timeout_s=timeout_s):
            shutil.rmtree(folder, ignore_errors=True)  # another run may be at it, too
    finally:
        os.close(lock)
