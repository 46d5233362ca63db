"""`flask reconcile`, as an operator runs it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from bson import Int64
from flask import Flask

from app import create_app
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account
from tests.fail_points import failing, named_store


def test_a_sound_ledger_is_reported_with_what_was_checked(app: Flask, store: Store) -> None:
    an_account(store, balance=1_000)
    result = app.test_cli_runner().invoke(args=["reconcile"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "The ledger is sound: 49 accounts, 2 entries and 1 transactions checked.\n"


def test_the_first_difference_is_named_on_one_line_and_by_the_exit_code(app: Flask, store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.database["entries"].update_one({"account_id": number}, {"$set": {"amount": Int64(900)}})
    result = app.test_cli_runner().invoke(args=["reconcile"])
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == f"entry balance: account {number} entry 1: expected 900, found 1000\n"


def test_one_account_is_checked_without_the_others(app: Flask, store: Store) -> None:
    sound, damaged = an_account(store, balance=1_000), an_account(store, balance=1_000)
    store.database["accounts"].update_one({"_id": damaged}, {"$set": {"balance": Int64(1)}})
    runner = app.test_cli_runner()
    assert runner.invoke(args=["reconcile", "--account", sound]).exit_code == 0
    assert runner.invoke(args=["reconcile", "--account", damaged]).exit_code == 1
    for internal in ("cash-USD#00", "cash-USD"):
        assert runner.invoke(args=["reconcile", "--account", internal]).exit_code == 0


def test_an_account_that_does_not_exist_is_a_wrong_argument(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["reconcile", "--account", "123456789012"])
    assert result.exit_code == 2
    assert "There is no account 123456789012." in result.stderr


def test_a_terminal_gets_a_progress_bar_beside_the_result(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # which makes rich take any stream for a terminal
    an_account(store, balance=1_000)
    result = app.test_cli_runner().invoke(args=["reconcile"])
    assert "Reconciling" in result.stderr
    assert result.stdout.startswith("The ledger is sound: 49 accounts")


def test_a_database_that_can_not_be_reached_is_named_on_one_line(config: Config) -> None:
    settings = replace(config, mongo_uri="mongodb://127.0.0.1:1/?replicaSet=bank", mongo_timeout_ms=200)
    with closing(Store.open(settings)) as nowhere:
        result = create_app(settings, nowhere).test_cli_runner().invoke(args=["reconcile"])
    assert result.exit_code == 1
    assert "MongoDB can't be reached at 127.0.0.1:1" in result.stderr


def test_a_database_that_stops_answering_is_no_difference(config: Config, store: Store) -> None:
    with closing(named_store(config)) as named:
        runner = create_app(config, named).test_cli_runner()
        with failing(named, "aggregate", errorCode=50):
            result = runner.invoke(args=["reconcile"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "could not be read to its end: The database is not available" in result.stderr
