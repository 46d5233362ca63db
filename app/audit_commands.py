"""`flask audit`: proving the audit trail, and exporting what shows that it was not cut off or written anew."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

import click
from flask.cli import AppGroup
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import Progress

from app.command_store import NOT_FINISHED, begun_store
from app.domain.audit_chain import Head, export_heads, read_heads
from app.models.audit_verification import AuditVerification, Report
from app.models.connection import as_bank_error
from app.models.ledger_reader import LedgerReader
from app.models.store import Store

audit_commands = AppGroup("audit", help="Prove the audit trail; export the ends of its chains.")


@audit_commands.command("verify")
@click.option("--head", "export", type=click.File(), help="Heads that were exported before: the trail must hold them.")
def verify(export: TextIO | None) -> None:
    """Prove that the audit trail is as it was written, also while it is in use.

    Exits with 1 at the first thing that is not and names it, with 2 where the database does not let it finish.
    """
    store = begun_store()
    heads = _read_heads(store, export) if export else []
    try:
        report = _verified(store, heads)
    except PyMongoError as error:
        _not_read(error)
    if report.finding is not None:
        click.echo(str(report.finding))
        sys.exit(1)
    click.echo(
        f"The audit trail is sound: {report.records:,} records under {report.seals:,} seals checked,"
        f" {report.unsealed:,} of them not sealed yet."
    )


@audit_commands.command("export-head")
@click.argument("file", type=click.File("w"), default="-")
def export_head(file: TextIO) -> None:
    """Write the ends of all chains, signed with a key of SECRET_KEY's. Keep it where the database is not."""
    store = begun_store()
    try:
        heads = store.audit_seals.heads()
    except PyMongoError as error:
        _not_read(error)
    file.write(export_heads(heads, secret=store.config.secret_key, at=store.clock.now()))


def _read_heads(store: Store, export: TextIO) -> list[Head]:
    try:
        return read_heads(export.read(), secrets=(store.config.secret_key, *store.config.secret_key_fallbacks))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from None


def _verified(store: Store, heads: Sequence[Head]) -> Report:
    """Verify behind a progress bar, which only a terminal gets to see."""
    console = Console(stderr=True)
    reader = LedgerReader(store.client, store.database)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Verifying", total=None)
        run = AuditVerification(
            store.audit_seals,
            reader,
            heads=heads,
            on_progress=lambda so_far: progress.update(task, completed=so_far.seals + so_far.records),
        )
        return run.run()


def _not_read(error: PyMongoError) -> NoReturn:
    click.echo(f"The audit trail could not be read to its end: {as_bank_error(error).detail}", err=True)
    sys.exit(NOT_FINISHED)
