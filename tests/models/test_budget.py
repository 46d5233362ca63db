"""A request's operations share its time, so that one slow answer after another does not add up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pymongo.errors import PyMongoError

from app.domain.errors import BankError
from app.models.budget import database_time
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, deposit
from tests.fail_points import failing, named_store


@pytest.fixture
def named(config: Config, store: Store) -> Iterator[Store]:
    """A second store on the same database whose commands alone a fail point can catch."""
    other = named_store(config)
    yield other
    other.close()


def test_a_slow_read_leaves_a_posting_only_the_rest_of_the_requests_time(named: Store) -> None:
    number = an_account(named)
    with failing(named, "find", blockConnection=True, blockTimeMS=1_000), database_time(1.9):
        begun = time.monotonic()
        named.accounts.get_customer_account(number)
        with pytest.raises(BankError):
            named.journal.post(deposit(number, 100))
        assert time.monotonic() - begun < 3.0
    assert named.accounts.get_customer_account(number).balance == 0


def test_operations_are_refused_when_the_requests_time_is_over(named: Store) -> None:
    number = an_account(named)
    with failing(named, "find", blockConnection=True, blockTimeMS=2_000), database_time(0.5):
        begun = time.monotonic()
        for _ in range(3):
            with pytest.raises(PyMongoError):
                named.accounts.get_customer_account(number)
        assert time.monotonic() - begun < 2.0


def test_after_a_request_operations_have_their_own_time_again(named: Store) -> None:
    number = an_account(named)
    stalled = failing(named, "find", mode={"times": 1}, blockConnection=True, blockTimeMS=500)
    with stalled, database_time(0.1), pytest.raises(PyMongoError):
        named.accounts.get_customer_account(number)
    assert named.journal.post(deposit(number, 100)).entries[0].seq == 1


def test_a_store_is_closed_soon_also_where_the_database_does_not_answer_the_farewell(
    config: Config, store: Store
) -> None:
    leaving = named_store(replace(config, mongo_timeout_ms=500))
    leaving.accounts.list_owned("anybody")
    with failing(leaving, "endSessions", blockConnection=True, blockTimeMS=5_000):
        begun = time.monotonic()
        leaving.close()
        assert time.monotonic() - begun < 4.0
