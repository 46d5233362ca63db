"""Whether this machine's clock may date money: it is compared with the clocks of the database's members."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import structlog
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.domain.clock import Clock
from app.domain.errors import ClockWrong, DatabaseUnavailable
from app.models.collection import Document
from app.models.member_clocks import MemberClocks

RETRY_AFTER_S = 5
_log = structlog.get_logger("bank.clock")


@dataclass(frozen=True, slots=True)
class ClockState:
    """How this machine's clock stands to the members'.

    `skew_s`: at least half of the members are as close as that, or closer (None: no member has said its time yet).
    `members_apart_s`: how far the members' clocks are from each other.
    """

    skew_s: float | None
    members_apart_s: float
    skew_s_max: float

    @property
    def is_right(self) -> bool:
        """Tell whether this machine has the time of at least half of the members, so far as is known."""
        return self.skew_s is None or abs(self.skew_s) <= self.skew_s_max

    @property
    def members_agree(self) -> bool:
        return self.members_apart_s <= self.skew_s_max


class ClockGuard:
    """Keeps a process from posting while its machine's clock differs from most members' by more than a bound.

    It looks at the machine's own clock, whatever clock the bank's rules are given, and costs no command.
    """

    def __init__(self, client: MongoClient[Document], *, skew_s_max: float) -> None:
        self._client = client
        self._clocks = clocks_of(client)
        self._skew_s_max = skew_s_max
        self._was_right = self._members_agreed = True

    def state(self) -> ClockState:
        """Return how the clock stands this very moment; the log tells when that has changed."""
        skews_s = self._clocks.skews_s()
        state = ClockState(
            skew_s=round(sorted(skews_s, key=abs)[(len(skews_s) - 1) // 2], 3) if skews_s else None,
            members_apart_s=round(max(skews_s) - min(skews_s), 3) if skews_s else 0.0,
            skew_s_max=self._skew_s_max,
        )
        if (state.is_right, state.members_agree) != (self._was_right, self._members_agreed):
            self._tell(state)
        return state

    def require_right(self) -> None:
        """Make sure that what is dated now is dated right.

        Raises:
            ClockWrong: this machine's clock differs from those of more than half of the members.
            DatabaseUnavailable: no member has said its time yet, and none can be asked.
        """
        if not self._clocks.is_known:
            self._reach_a_member()
        if not self._is_plainly_right() and not self.state().is_right:
            raise ClockWrong(retry_after_s=RETRY_AFTER_S)

    def behind_s_max(self) -> float:
        """Return by how many seconds this machine's clock is behind that of the member that is furthest ahead of it."""
        return max(0.0, -min(self._clocks.skews_s(), default=0.0))

    def _is_plainly_right(self) -> bool:
        """Tell the usual case apart quickly, as every posting asks: nobody is far off, and there is nothing to tell."""
        if not (self._was_right and self._members_agreed):
            return False
        return max(map(abs, self._clocks.skews_s()), default=math.inf) <= self._skew_s_max / 2

    def _reach_a_member(self) -> None:
        try:
            self._client.admin.command("ping")
        except PyMongoError as error:
            raise DatabaseUnavailable(retry_after_s=1) from error

    def _tell(self, state: ClockState) -> None:
        self._was_right, self._members_agreed = state.is_right, state.members_agree
        wrong = "" if state.members_agree else "member_clocks_apart"
        wrong = wrong if state.is_right else "clock_wrong"
        tell = _log.error if wrong else _log.info
        tell(
            wrong or "clock_right",
            skew_s=state.skew_s,
            skew_s_max=state.skew_s_max,
            members_apart_s=state.members_apart_s,
        )


class GuardedClock:
    """A clock that tells no time while this machine's is wrong: what is dated by it is dated right."""

    def __init__(self, clock: Clock, guard: ClockGuard) -> None:
        self._clock = clock
        self._guard = guard

    def now(self) -> datetime:
        """Return the present instant; it is looked at after it was taken, lest the clock is set in between.

        Raises:
            ClockWrong: see `ClockGuard.require_right`.
        """
        now = self._clock.now()
        self._guard.require_right()
        return now


def clocks_of(client: MongoClient[Document]) -> MemberClocks:
    """Return what hears the heartbeats of a client that `connect` made; of an in-memory stand-in there are none."""
    if not isinstance(client, MongoClient):
        return MemberClocks()
    return next(listener for listener in client.options.event_listeners if isinstance(listener, MemberClocks))
