"""A clock that a test can move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.clock import to_milliseconds


class MovableClock:
    """The machine's clock, put forward by as much as the test says."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return to_milliseconds(datetime.now(UTC) + self._ahead)

    def forward(self, by: timedelta) -> None:
        self._ahead += by
