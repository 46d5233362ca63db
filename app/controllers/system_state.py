"""The state of each part of the system, for administrators; `/health` tells the public only whether it works."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.models.clock_guard import ClockState
from app.models.database_state import DatabaseState, observe_database
from app.models.job_registry import job_statuses
from app.version import VERSION

if TYPE_CHECKING:
    from app.models.store import Store

UNSEALED_COUNTED_MAX = 10_000
"""More are not counted: so many mean that nobody seals."""
_STARTED_S = time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemState:
    """This process, and what it shares with the others."""

    version: str
    uptime_s: int
    database: DatabaseState | None
    clock: ClockState
    journal_queue_depth: int
    audit_unsealed: int
    jobs_overdue: tuple[str, ...]
    jobs_failed: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        works = self.database is not None and self.database.is_primary
        works = works and self.clock.is_right and self.clock.members_agree
        return works and not self.jobs_overdue and not self.jobs_failed and self.audit_unsealed < UNSEALED_COUNTED_MAX


def get_system_state(store: Store) -> SystemState:
    """Look at every part once.

    Raises:
        DatabaseUnavailable: the database answers so little that nobody can be authenticated either.
    """
    statuses = job_statuses(store)
    return SystemState(
        version=VERSION,
        uptime_s=int(time.monotonic() - _STARTED_S),
        database=observe_database(store.client, timeout_ms=store.config.mongo_timeout_ms),
        clock=store.clock_guard.state(),
        journal_queue_depth=store.journal.queue_depth,
        audit_unsealed=store.audit_seals.backlog(count_max=UNSEALED_COUNTED_MAX),
        jobs_overdue=tuple(status.job.name for status in statuses if status.is_overdue),
        jobs_failed=tuple(status.job.name for status in statuses if status.result == "failed"),
    )
