"""The `flask` commands: what operators do by hand."""

from __future__ import annotations

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from rich.console import Console
from rich.progress import Progress

from app.domain.errors import NotFound
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation, Report
from app.models.startup import StoreNotUsable, check_server
from app.models.store import Store

database_commands = AppGroup("db", help="Create and check what the bank needs in its database.")


def register_commands(app: Flask) -> None:
    """Add the bank's commands to `flask`."""
    app.cli.add_command(database_commands)
    app.cli.add_command(reconcile)


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


@click.command("reconcile")
@click.option("--account", metavar="N", help="Check this account alone, and the transactions that its entries name.")
@with_appcontext
def reconcile(account: str | None) -> None:
    """Prove that the ledger is sound, also while it is in use. Exits with 1 at the first difference and names it."""
    store: Store = current_app.extensions["store"]
    try:
        check_server(store.client)
    except StoreNotUsable as error:
        _fail(error)
    report = _reconciled(LedgerReader(store.client, store.database), account)
    if report.difference is not None:
        click.echo(str(report.difference))
        sys.exit(1)
    click.echo(
        f"The ledger is sound: {report.accounts:,} accounts, {report.entries:,} entries and"
        f" {report.transactions:,} transactions checked."
    )


def _reconciled(reader: LedgerReader, account: str | None) -> Report:
    """Reconcile behind a progress bar, which only a terminal gets to see."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reconciling", total=None if account else reader.documents_estimated())
        run = Reconciliation(
            reader, on_progress=lambda so_far: progress.update(task, completed=so_far.entries + so_far.transactions)
        )
        try:
            return run.run_account(account) if account else run.run()
        except NotFound:
            raise click.BadParameter(f"There is no account {account}.", param_hint="--account") from None


def _fail(error: StoreNotUsable) -> None:
    click.echo(str(error), err=True)
    sys.exit(1)
