"""The faults of clocks: one that is set an hour off, a server's or the primary's."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

from tests.faults import preloaded
from tests.faults.bank import BankSettings
from tests.faults.cluster import ELECTION_TIMEOUT_MS_RECOMMENDED, Cluster, ClusterSettings, MemberSettings
from tests.faults.history import INFO, OK, Attempt, Recorded
from tests.faults.nemesis import Fault, Field, Layout
from tests.faults.outcome import FinalState
from tests.processes import wait_until

APART_S_MAX = 30.0
"""How far dates and the passing of time may differ, at most: a wrong clock is off by far more."""
HOUR_S = 3_600


class _WrongClock(Fault):
    """Clocks that read how wrong they are from a file each."""

    def missing(self) -> str:
        return preloaded.missing()

    def variables(self, folder: Path, clock: Path) -> dict[str, object]:
        """Return under which variables a program's clock is off by what stands in a file; the monotonic one is not."""
        return {"LD_PRELOAD": preloaded.build("clock_offset", folder), "CLOCK_OFFSET_FILE": clock}

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """Find money that bears a date of the wrong clock."""
        return misdated(history, final)


class ServerClockOff(_WrongClock):
    name = "server-clock-ahead"
    about = "The clock of one of two servers goes 59 minutes ahead (tokens live for 60), for 15 s"
    back_from = "heal"
    off_s = HOUR_S - 60

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        self._clock = folder / "clock"
        self._clock.write_text("0")
        yield Layout(
            ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS_RECOMMENDED),
            BankSettings(own_variables={0: self.variables(folder, self._clock)}),
        )

    def strike(self, field: Field) -> None:
        self._clock.write_text(str(self.off_s))

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(15.0)

    def heal(self, field: Field) -> None:
        self._clock.write_text("0")

    def excuses(self, attempt: Attempt, history: Recorded) -> bool:
        """Let the server with the wrong clock take no token: to it, one has expired or is made in the future."""
        is_asked = attempt.answered_s > history.time_of("strike") and attempt.invoked_s < history.time_of("whole")
        return is_asked and attempt.server == 0 and attempt.answer.status == 401

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """Find money that the server has moved although its clock was wrong, or that it refused by another name.

        And find that the server whose clock is right was of no use meanwhile.
        """
        begin_s, end_s = history.time_of("struck"), history.time_of("heal")
        asked = [
            each
            for each in history.attempts
            if each.operation.is_write and begin_s < each.invoked_s and each.answered_s < end_s
        ]
        wrong = [each for each in asked if each.server == 0]
        moved = [
            f"{each.operation.key} was posted by a server with a wrong clock" for each in wrong if each.outcome == OK
        ]
        named = any(each.answer.code == "clock_wrong" for each in wrong)
        served, in_vain = (sum(each.outcome == outcome for each in asked if each.server != 0) for outcome in (OK, INFO))
        useless = [] if served > in_vain else ["the server with the right clock did not serve"]
        return [
            *super().check(history, final),
            *moved,
            *([] if named else ["nothing was refused as clock_wrong"]),
            *useless,
        ]


class ServerClockBehind(ServerClockOff):
    name = "server-clock-behind"
    about = "The clock of one of two servers goes an hour back, for 15 s"
    off_s = -HOUR_S

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """As above; that server takes nobody's token, for it was made in its future."""
        return [each for each in super().check(history, final) if "clock_wrong" not in each]


class PrimaryClockOff(_WrongClock):
    name = "primary-clock-ahead"
    about = "A member whose clock is an hour ahead becomes primary, and later another one whose clock is right"

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        clock = folder / "clock"
        clock.write_text(str(HOUR_S))
        variables = (f"{name}={value}" for name, value in self.variables(folder, clock).items())
        members = {0: MemberSettings(prefix=("env", *variables))}
        yield Layout(ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS_RECOMMENDED, members=members))

    def strike(self, field: Field) -> None:
        for number in (1, 0):  # it may have been primary from the start
            _step_up(field.cluster, number)
        require_ahead(field.cluster.members[0].hello() or {})

    def heal(self, field: Field) -> None:
        _step_up(field.cluster, 1)


def require_ahead(hello: Mapping[str, Any]) -> None:
    """Make sure that a member whose clock was to be an hour ahead says so itself."""
    ahead_s = hello["localTime"].replace(tzinfo=UTC).timestamp() - time.time()
    assert abs(ahead_s - HOUR_S) < APART_S_MAX, f"the primary's clock is {ahead_s:+.0f} s off"


def _step_up(cluster: Cluster, number: int) -> None:
    """Make a member primary."""
    member = cluster.members[number]

    def is_primary() -> bool:
        if cluster.wait_for_primary() is not member:
            member.ask("replSetStepUp")
        return cluster.wait_for_primary() is member

    wait_until(is_primary)


def misdated(history: Recorded, final: FinalState) -> list[str]:
    """Find lines that are dated otherwise than any time at which they were asked for, whoever was told of them."""
    writes = [each for each in history.attempts if each.operation.is_write]
    asked_s: defaultdict[str, list[float]] = defaultdict(list)
    for each in writes:
        asked_s[each.operation.key].append(each.invoked_s)
    first = min((each for each in writes if each.outcome == OK), key=lambda each: each.answered_s)
    began_s = _dated_s(first.answer.content["id"]) - first.answered_s
    found = []
    for number, account in final.accounts.items():
        for line in account.lines:
            apart_s = [_dated_s(line.id) - began_s - invoked_s for invoked_s in asked_s[line.key]]
            nearest_s = min(apart_s, key=abs, default=0.0)  # what nobody asked for is found elsewhere
            if abs(nearest_s) > APART_S_MAX:
                found.append(f"{line.key} is dated {nearest_s:+.0f} s off on {number}")
    return found


def _dated_s(entry: str) -> float:
    """Return the time that an entry's id begins with."""
    return int(entry[:12], 16) / 1000


FAULTS: tuple[type[Fault], ...] = (ServerClockOff, ServerClockBehind, PrimaryClockOff)
