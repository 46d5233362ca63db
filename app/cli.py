"""The `flask` commands: what operators do by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import Progress

from app.audit_commands import audit_commands
from app.command_store import NOT_FINISHED, begun_store, fail, opened_store, ready_store
from app.controllers import registration, staff
from app.domain.actor import Role
from app.domain.errors import BankError, NotFound
from app.job_commands import job_commands
from app.models.connection import as_bank_error
from app.models.database_role import ROLE
from app.models.ledger_reader import LedgerReader
from app.models.passwords import generated_password
from app.models.reconcile import Reconciliation, Report
from app.models.startup import StoreNotUsable, has_login

_GENERATED_PASSWORD_BYTES = 12
database_commands = AppGroup("db", help="Create and check what the bank needs in its database.")
user_commands = AppGroup("users", help="Create staff, and decide who may log in. Running servers notice in 2 seconds.")
staff_role = click.Choice([str(Role.BANKER), str(Role.ADMIN)])


def register_commands(app: Flask) -> None:
    """Add the bank's commands to `flask`."""
    app.cli.add_command(database_commands)
    app.cli.add_command(user_commands)
    app.cli.add_command(reconcile)
    app.cli.add_command(audit_commands)
    app.cli.add_command(job_commands)


@database_commands.command("init")
def init_database() -> None:
    """Create the collections, indexes, validators and the bank's own accounts that are missing. Safe to repeat."""
    store = opened_store()
    try:
        store.prepare()
    except StoreNotUsable as error:
        fail(error)
    click.echo(f"The database {store.config.mongo_database} is ready.")


@database_commands.command("check")
def check_database() -> None:
    """Say what the database lacks, and exit with 1 if that is anything. Changes nothing."""
    store = opened_store()
    try:
        store.check()
    except StoreNotUsable as error:
        fail(error)
    click.echo(f"The database {store.config.mongo_database} has all that the bank needs.")


@database_commands.command("roles")
def make_roles() -> None:
    """Create the role of the server's own database user, or bring it up to date. Run it as the database's owner."""
    store = opened_store()
    try:
        store.prepare_role()
    except StoreNotUsable as error:
        fail(error)
    click.echo(f"The role {ROLE} of the database {store.config.mongo_database} is ready for the server's user.")
    if not has_login(store.client):
        click.echo("It counts once MongoDB's access control is on: for now MongoDB takes anybody.")


@click.command("reconcile")
@click.option("--account", metavar="N", help="Check this account alone, and the transactions that its entries name.")
@with_appcontext
def reconcile(account: str | None) -> None:
    """Prove that the ledger is sound, also while it is in use.

    Exits with 1 at the first difference and names it, with 2 where the database does not let it finish.
    """
    store = begun_store()
    try:
        report = _reconciled(LedgerReader(store.client, store.database), account)
    except PyMongoError as error:
        click.echo(f"The ledger could not be read to its end: {as_bank_error(error).detail}", err=True)
        sys.exit(NOT_FINISHED)
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


@user_commands.command("create")
@click.argument("name")
@click.option("--role", type=staff_role, required=True, help="Customers register by themselves.")
@click.option("--generate", is_flag=True, help="Make up a password and show it once, instead of asking for one.")
def create_user(name: str, role: str, generate: bool) -> None:
    """Create a banker or an administrator."""
    password = generated_password() if generate else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with _refusals_shown():
        registration.create_staff(ready_store(), name, password, Role(role))
    click.echo(f"Created the {role} {name}.")
    if generate:
        click.echo(f"Password, shown only now: {password}")


@user_commands.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """Let a user in no more, and end all their sessions."""
    with _refusals_shown():
        staff.set_disabled(ready_store(), name, disabled=True)
    click.echo(f"{name} may no longer log in.")


@user_commands.command("enable")
@click.argument("name")
def enable_user(name: str) -> None:
    """Let a disabled user in again."""
    with _refusals_shown():
        staff.set_disabled(ready_store(), name, disabled=False)
    click.echo(f"{name} may log in again.")


@user_commands.command("unlock")
@click.argument("name")
def unlock_user(name: str) -> None:
    """Let a user try again at once who is locked out, for a while or a day, after wrong passwords or codes."""
    with _refusals_shown():
        staff.unlock(ready_store(), name)
    click.echo(f"{name} may try again.")


@user_commands.command("role")
@click.argument("name")
@click.argument("role", type=staff_role)
def change_role(name: str, role: str) -> None:
    """Make a banker an administrator or the reverse, and end all their sessions."""
    with _refusals_shown():
        staff.set_role(ready_store(), name, Role(role))
    click.echo(f"{name} is now {role}.")


@user_commands.command("reset-mfa")
@click.argument("name")
def reset_mfa(name: str) -> None:
    """Take away the authenticator of a user who has lost it, and end all their sessions."""
    with _refusals_shown():
        staff.reset_mfa(ready_store(), name)
    click.echo(f"{name} logs in with the password alone until they enrol again.")


@user_commands.command("reset-password")
@click.argument("name")
def reset_password(name: str) -> None:
    """Make a code with which a user who has forgotten their password sets a new one. Their authenticator stays."""
    with _refusals_shown():
        made = staff.reset_password(ready_store(), name)
    click.echo(f"Code for {name}, shown only now: {made.code}")
    click.echo("Good once and for ten minutes, at POST /auth/password/reset; a code made before is void.")


@contextmanager
def _refusals_shown() -> Iterator[None]:
    """Tell the operator why the bank refused, and exit with 1."""
    try:
        yield
    except BankError as error:
        reasons = [text for texts in (error.errors or {}).values() for text in texts]
        raise click.ClickException(" ".join(reasons or [error.detail])) from None
