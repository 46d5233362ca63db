"""What time the database's members have, learned from the heartbeats that the driver exchanges with them anyway."""

from __future__ import annotations

import time
from datetime import UTC

from pymongo.monitoring import (
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
    ServerListener,
    ServerOpeningEvent,
)

HEARTBEATS_KEPT = 3
_Address = tuple[str, int | None]


class MemberClocks(ServerHeartbeatListener, ServerListener):
    """Each member's clock as of its latest heartbeats, told against this process's monotonic clock, which nobody sets.

    Members say their time in every heartbeat, about twice a second, so knowing it costs no command. It is known
    before the driver uses a member for anything, and carried on where a member is silent.
    """

    def __init__(self) -> None:
        self._latest_s: dict[_Address, tuple[float, ...]] = {}
        self._ahead_s: dict[_Address, float] = {}

    @property
    def is_known(self) -> bool:
        """Tell whether any member has said its time yet."""
        return bool(self._ahead_s)

    def skews_s(self) -> list[float]:
        """Return by how many seconds this machine's clock is ahead of each member's; behind, where negative."""
        machine_ahead_s = time.time() - time.monotonic()
        return [machine_ahead_s - ahead_s for ahead_s in list(self._ahead_s.values())]

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Learn a member's time.

        An answer is never early, but may be late: on its way, or because this process was halted. Of the last few the
        one that came quickest is believed, so that a delay is not taken for a clock that goes wrong.
        """
        said_s = event.reply.document["localTime"].replace(tzinfo=UTC).timestamp()
        earlier_s = self._latest_s.get(event.connection_id, ())[1 - HEARTBEATS_KEPT :]
        latest_s = (*earlier_s, said_s - time.monotonic())
        self._latest_s[event.connection_id] = latest_s
        self._ahead_s[event.connection_id] = max(latest_s)

    def closed(self, event: ServerClosedEvent) -> None:
        """Forget who is no member any more."""
        self._latest_s.pop(event.server_address, None)
        self._ahead_s.pop(event.server_address, None)

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Learn nothing."""

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Learn nothing: the clock of a member that is silent for a while goes on."""

    def opened(self, event: ServerOpeningEvent) -> None:
        """Learn nothing yet."""

    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        """Learn nothing."""
