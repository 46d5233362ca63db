"""The store of a `flask` command: opened when the command needs it, with every fault told in one sentence."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from flask import current_app
from pymongo.errors import PyMongoError

from app.models.connection import as_bank_error
from app.models.startup import StoreNotUsable, check_server, has_server
from app.models.store import Store

NOT_FINISHED = 2
"""The exit code where the database does not let a command finish."""


def opened_store() -> Store:
    """Return the application's store as it is, unchecked; a fault ends the command."""
    found: Store | None = current_app.extensions["store"]
    if found is None:
        try:
            found = Store.open(current_app.extensions["config"])
        except StoreNotUsable as error:
            fail(error)
        current_app.extensions["store"] = found
    return found


def ready_store() -> Store:
    """Return the application's store, checked and (save in production) prepared; a fault ends the command."""
    store = opened_store()
    try:
        store.make_ready()
    except StoreNotUsable as error:
        fail(error)
    return store


def begun_store() -> Store:
    """Return the store of a bank that was begun; where there is none the command ends, and nothing was created."""
    config = current_app.extensions["config"]
    if current_app.extensions["store"] is None and not has_server(config):
        _fail_unbegun(str(config.data_dir))
    store = opened_store()
    try:
        check_server(store.client)
        length = store.bank.find_account_number_length()
    except StoreNotUsable as error:
        fail(error)
    except PyMongoError as error:
        click.echo(f"The database could not be read to its end: {as_bank_error(error).detail}", err=True)
        sys.exit(NOT_FINISHED)
    if length is None:
        _fail_unbegun(f"the database {config.mongo_database}")
    return store


def fail(error: StoreNotUsable) -> NoReturn:
    """End the command with what is wrong with the database."""
    click.echo(str(error), err=True)
    sys.exit(1)


def _fail_unbegun(where: str) -> NoReturn:
    click.echo(
        f"No bank was ever begun in {where}: give MONGO_URI and MONGO_DATABASE, or DATA_DIR, as the server has them."
        " `make run` or `flask db init` begins a new one.",
        err=True,
    )
    sys.exit(1)
