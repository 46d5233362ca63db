"""`flask jobs`: what the servers do by themselves, for operators who want to see it or do it by hand."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup
from pymongo.errors import PyMongoError

from app.command_store import begun_store
from app.domain.errors import NotFound
from app.models.connection import as_bank_error
from app.models.job_registry import Ended, job_statuses, run_due, run_now

job_commands = AppGroup("jobs", help="See the bank's jobs and run them. Servers run them by themselves.")


@job_commands.command("list")
def list_jobs() -> None:
    """Show every job, how its last run ended, and when it is due next."""
    try:
        for status in job_statuses(begun_store()):
            due = status.state.due_at.isoformat(timespec="seconds") if status.state else "at once"
            message = (status.state.message if status.state else None) or ""
            click.echo(f"{status.job.name:<20} {status.result:<8} due {due:<26} {message}".rstrip())
    except PyMongoError as error:
        raise click.ClickException(as_bank_error(error).detail) from None


@job_commands.command("run")
@click.argument("name", required=False)
def run_jobs(name: str | None) -> None:
    """Run what is due, or the job of this NAME now. Exits with 1 if a job failed or is running elsewhere."""
    try:
        ended = [_run_named(name)] if name else list(run_due(begun_store()))
    except PyMongoError as error:
        raise click.ClickException(as_bank_error(error).detail) from None
    for each in ended:
        click.echo(f"{each.job.name}: {each.message}", err=not each.succeeded)
    if not ended:
        click.echo("Nothing is due.")
    if not all(each.succeeded for each in ended):
        sys.exit(1)


def _run_named(name: str) -> Ended:
    try:
        ended = run_now(begun_store(), name)
    except NotFound:
        raise click.BadParameter(f"There is no job {name}.", param_hint="NAME") from None
    if ended is None:
        raise click.ClickException(f"{name} is running elsewhere.")
    return ended
