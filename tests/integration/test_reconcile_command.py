"""`flask reconcile`, as an operator runs it."""

from __future__ import annotations

from bson import Int64
from flask import Flask

from app.models.store import Store
from tests.factories.ledger import an_account


def test_a_sound_ledger_is_reported_with_what_was_checked(app: Flask, store: Store) -> None:
    an_account(store, balance=1_000)
    result = app.test_cli_runner().invoke(args=["reconcile"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "The ledger is sound: 17 accounts, 2 entries and 1 transactions checked.\n"


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
    assert runner.invoke(args=["reconcile", "--account", "cash-USD#00"]).exit_code == 0


def test_an_account_that_does_not_exist_is_a_wrong_argument(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["reconcile", "--account", "123456789012"])
    assert result.exit_code == 2
    assert "There is no account 123456789012." in result.stderr
