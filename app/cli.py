"""The `flask` commands: what operators do by hand."""

from __future__ import annotations

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app.models.startup import StoreNotUsable
from app.models.store import Store

database_commands = AppGroup("db", help="Create and check what the bank needs in its database.")


def register_commands(app: Flask) -> None:
    """Add the bank's commands to `flask`."""
    app.cli.add_command(database_commands)


def ready_store() -> Store:
    """Return the application's store, checked and (save in production) prepared; a fault ends the command."""
    store: Store = current_app.extensions["store"]
    try:
        store.make_ready()
    except StoreNotUsable as error:
        _fail(error)
    return store


@database_commands.command("init")
def init_database() -> None:
    """Create the collections, indexes, validators and the bank's own accounts that are missing. Safe to repeat."""
    store: Store = current_app.extensions["store"]
    try:
        store.prepare()
    except StoreNotUsable as error:
        _fail(error)
    click.echo(f"The database {store.config.mongo_database} is ready.")


@database_commands.command("check")
def check_database() -> None:
    """Say what the database lacks, and exit with 1 if that is anything. Changes nothing."""
    store: Store = current_app.extensions["store"]
    try:
        store.check()
    except StoreNotUsable as error:
        _fail(error)
    click.echo(f"The database {store.config.mongo_database} has all that the bank needs.")


def _fail(error: StoreNotUsable) -> None:
    click.echo(str(error), err=True)
    sys.exit(1)
