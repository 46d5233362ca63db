"""Is the service there, and can it work: for load balancers, orchestrators and people."""

from __future__ import annotations

from typing import Any

from app.domain.errors import ClockWrong, DatabaseUnavailable
from app.schemas.health import HealthOut, LiveOut
from app.version import VERSION
from app.views.blueprint import Blueprint
from app.views.guards import PUBLIC, guard
from app.views.http import store

bp = Blueprint("health", __name__, url_prefix="/health", description="Is the service there, and can it work?")
guard(bp, PUBLIC)


@bp.get("")
@bp.response(200, HealthOut)
def show_health() -> dict[str, Any]:
    """Show the version, whether the database answers, whether the clock is right, and how many postings wait."""
    is_up = store().ping()
    clock = store().clock_guard.state()
    return {
        "status": "ok" if is_up and clock.is_right else "degraded",
        "version": VERSION,
        "database": "up" if is_up else "down",
        "clock": "right" if clock.is_right else "wrong",
        "queue_depth": store().journal.queue_depth,
    }


@bp.get("/live")
@bp.response(200, LiveOut)
def show_liveness() -> dict[str, str]:
    """Say that the process answers, whatever the state of the database."""
    return {"status": "ok"}


@bp.get("/ready")
@bp.refuses(DatabaseUnavailable, ClockWrong)
@bp.response(200, LiveOut)
def show_readiness() -> dict[str, str]:
    """Say whether requests can be served now: the database answers, and this machine has its time."""
    if not store().ping():
        raise DatabaseUnavailable(retry_after_s=1)
    if not store().clock_guard.state().is_right:
        raise ClockWrong(retry_after_s=1)
    return {"status": "ok"}
