"""The running system, for administrators: its jobs, the settings in force, the state of each part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.controllers import jobs, settings, system_state
from app.domain.errors import NotFound
from app.domain.paging import Page
from app.schemas.base import page_of
from app.schemas.system import JobOut, SettingOut, SystemStateOut
from app.views.blueprint import Blueprint
from app.views.guards import ADMIN, guard
from app.views.http import actor, store

if TYPE_CHECKING:
    from app.models.job_registry import JobStatus

bp = Blueprint("admin_system", __name__, url_prefix="/admin", description="Jobs, settings and health.")
guard(bp, ADMIN)


@bp.get("/jobs")
@bp.response(200, page_of(JobOut))
def list_jobs() -> Page[JobStatus]:
    """List the bank's jobs: how the last run ended, and when each is due next."""
    return jobs.list_jobs(store())


@bp.post("/jobs/<name>/run")
@bp.refuses(NotFound)
@bp.response(202, JobOut)
def run_job(name: str) -> JobStatus:
    """Make a job due now; one of the server's processes runs it within a moment."""
    return jobs.request_job(store(), actor(), name)


@bp.get("/settings")
@bp.response(200, page_of(SettingOut))
def list_settings() -> Page[settings.Setting]:
    """Show the settings in force, defaults included, without secrets."""
    return settings.list_settings(store())


@bp.get("/health")
@bp.response(200, SystemStateOut)
def show_state() -> system_state.SystemState:
    """Show the state of each part: database, journal, audit trail, jobs."""
    return system_state.get_system_state(store())
