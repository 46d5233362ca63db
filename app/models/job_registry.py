"""The bank's jobs: which there are, where they stand, and running those that are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from app.domain.errors import BankError, NotFound
from app.models.audit_seals import seal_audit
from app.models.budget import database_time
from app.models.bulk_posting import take_up_left_behind
from app.models.hold_expiry import expire_holds
from app.models.jobs import LEASE, JobState, Run

if TYPE_CHECKING:
    from app.models.store import Store

RUN_S_MAX = 0.75 * LEASE.total_seconds()
"""The database's time for one run: it is over before its lease."""
OVERDUE_AFTER = LEASE + timedelta(seconds=30)
"""A job may wait for a killed process's lease; after that somebody should look."""
_log = structlog.get_logger("bank.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """Something the bank does again and again. `work` may be cut off and may run twice at once: it must not mind."""

    name: str
    every: timedelta
    description: str
    work: Callable[[Store], str]


def _expire_approvals(store: Store) -> str:
    return f"{store.approvals.expire_due(store.clock.now())} expired"


JOBS = (
    Job("seal-audit", timedelta(seconds=2), "Seal the audit trail's new records.", seal_audit),
    Job("expire-holds", timedelta(seconds=15), "End the holds whose time has passed.", expire_holds),
    Job("go-on-with-bulks", timedelta(seconds=10), "Post bulk payments left behind.", take_up_left_behind),
    Job("expire-approvals", timedelta(minutes=1), "End the approvals nobody decided in time.", _expire_approvals),
)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job and where it stands; without a state it has never been due."""

    job: Job
    state: JobState | None
    now: datetime

    @property
    def every_s(self) -> int:
        return int(self.job.every.total_seconds())

    @property
    def is_running(self) -> bool:
        return bool(self.state and self.state.lease_until and self.state.lease_until > self.now)

    @property
    def is_overdue(self) -> bool:
        return bool(self.state and self.state.due_at + OVERDUE_AFTER <= self.now)

    @property
    def result(self) -> str:
        """Return how the last run ended, or what there is instead of a last run."""
        if self.is_running:
            return "running"
        if self.state is None or self.state.succeeded is None:
            return "never"
        return "ok" if self.state.succeeded else "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run of a job ended."""

    job: Job
    succeeded: bool
    message: str


def job_statuses(store: Store) -> list[JobStatus]:
    """Return every job with its last run and when it is due next."""
    states, now = store.jobs.find_all(), store.clock.now()
    return [JobStatus(job, states.get(job.name), now) for job in JOBS]


def run_due(store: Store) -> Iterator[Ended]:
    """Run every job that is due and that nobody runs; one that fails does not keep the others from it.

    Raises:
        ClockWrong: this machine's clock does not tell what is due.
    """
    store.clock_guard.require_right()
    for status in job_statuses(store):
        if status.state is None:
            store.jobs.ensure(status.job.name, due_at=status.now)
        elif status.state.due_at > status.now or status.is_running:
            continue
        ended = _take(store, status.job, only_due=True)
        if ended is not None:
            yield ended


def run_now(store: Store, name: str) -> Ended | None:
    """Run one job, due or not; None where another process is running it.

    Raises:
        NotFound: there is no such job.
        ClockWrong: this machine's clock does not tell what is due.
    """
    job = get_job(name)
    store.clock_guard.require_right()
    store.jobs.ensure(name, due_at=store.clock.now())
    return _take(store, job, only_due=False)


def _take(store: Store, job: Job, *, only_due: bool) -> Ended | None:
    run = store.jobs.take(job.name, now=store.clock.now(), only_due=only_due)
    return None if run is None else _run(store, job, run)


def _run(store: Store, job: Job, run: Run) -> Ended:
    try:
        with database_time(RUN_S_MAX):
            ended = Ended(job, True, job.work(store))
    except Exception as error:  # whatever it is, it is kept, and the others have their turn
        _log.error("job_failed", job=job.name, exc_info=error)
        ended = Ended(job, False, error.detail if isinstance(error, BankError) else type(error).__name__)
    due_at = run.started_at + job.every
    store.jobs.finish(run, now=store.clock.now(), due_at=due_at, succeeded=ended.succeeded, message=ended.message)
    return ended


def get_job(name: str) -> Job:
    """Return a job.

    Raises:
        NotFound: there is none of this name.
    """
    for job in JOBS:
        if job.name == name:
            return job
    raise NotFound
