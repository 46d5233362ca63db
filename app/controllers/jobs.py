"""What administrators see of the bank's jobs, and asking for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.audit import Subject
from app.domain.paging import Page
from app.models.job_registry import JobStatus, get_job, job_statuses
from app.models.jobs import request_run

if TYPE_CHECKING:
    from app.models.store import Store


def list_jobs(store: Store) -> Page[JobStatus]:
    """Return every job with its last run and when it is due next; they fit on one page."""
    return Page(job_statuses(store), None)


def request_job(store: Store, actor: Actor, name: str) -> JobStatus:
    """Make a job due now; whichever server process comes first runs it.

    Raises:
        NotFound: there is no such job.
    """
    job = get_job(name)
    audited = store.audit.also("staff.job_request", actor, Subject("job", job.name))
    request_run(store, job.name, now=store.clock.now(), also=audited)
    return next(status for status in job_statuses(store) if status.job is job)
