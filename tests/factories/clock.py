"""Clocks that a test can move."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.hello import Hello
from pymongo.monitoring import ServerHeartbeatSucceededEvent

from app.domain.clock import to_milliseconds


class MovableClock:
    """The machine's clock, put forward by as much as the test says."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._stopped_at: datetime | None = None

    def now(self) -> datetime:
        return to_milliseconds((self._stopped_at or datetime.now(UTC)) + self._ahead)

    def forward(self, by: timedelta) -> None:
        self._ahead += by

    def stop(self) -> None:
        """Stand still from now on, but for what it is put forward by: however long the test takes."""
        self._stopped_at = datetime.now(UTC)


class MachineClock:
    """Stands in for `time` where this machine's clock is looked at; the test sets it, or sends the machine to sleep."""

    def __init__(self) -> None:
        self._off_s = 0.0
        self._slept_s = 0.0

    def time(self) -> float:
        return self.true_s() + self._off_s

    def monotonic(self) -> float:
        return time.monotonic()

    def true_s(self) -> float:
        """Return the time that a clock shows which is right."""
        return time.time() + self._slept_s

    def set_by(self, by_s: float) -> None:
        """Set the clock, as an operator or a time server does; the monotonic one goes on."""
        self._off_s += by_s

    def sleep(self, for_s: float) -> None:
        """Let time pass that the monotonic clock does not count."""
        self._slept_s += for_s


def heartbeat(address: tuple[str, int], said: datetime) -> ServerHeartbeatSucceededEvent:
    """Return what the driver tells when a member has said its time."""
    reply: Hello[dict[str, Any]] = Hello({"localTime": said.astimezone(UTC).replace(tzinfo=None), "ok": 1})
    return ServerHeartbeatSucceededEvent(0.001, reply, address)
