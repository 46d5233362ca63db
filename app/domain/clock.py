"""Time: aware UTC with whole milliseconds (what BSON keeps), injected so that tests can move it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the present instant: aware, UTC, whole milliseconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """Cut an instant to whole milliseconds, as the database does."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def business_date(instant: datetime, timezone: ZoneInfo) -> str:
    """Return the bank's calendar day of an instant, as `YYYY-MM-DD`."""
    return instant.astimezone(timezone).date().isoformat()


def end_of_business_day(day: date, timezone: ZoneInfo) -> datetime:
    """Return the last millisecond of a day of the bank's calendar.

    Raises:
        OverflowError: the calendar ends there.
    """
    next_day = datetime.combine(day + timedelta(days=1), time(), timezone)
    return next_day.astimezone(UTC) - timedelta(milliseconds=1)
