"""A fault that strikes nothing is no pass: each finds out whether it did."""

from __future__ import annotations

import math
import random
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.faults import preloaded
from tests.faults.bank import Bank
from tests.faults.clock_faults import HOUR_S, require_ahead
from tests.faults.cluster import Cluster
from tests.faults.history import Recorded
from tests.faults.nemesis import Field, PoolExhausted
from tests.faults.network_faults import (
    ConnectionsReset,
    PrimaryCutOff,
    PrimaryCutOffFromMembers,
    PrimaryCutOffFromServers,
    PrimaryDeaf,
    SlowMembers,
    SlowServers,
)
from tests.faults.proxy import Network
from tests.faults.storage_faults import SlowFsync
from tests.faults.story import SOUND


class Member:
    """Answers every command with what it is given, in turn; with None, it refuses."""

    number = 0

    def __init__(self, *answers: dict[str, Any] | None) -> None:
        self._answers = list(answers)

    def ask(self, *_command: object, **_arguments: object) -> dict[str, Any] | None:
        return self._answers.pop(0)


class Members:
    """Members of which these become primary, one after the other."""

    def __init__(self, *primaries: Member) -> None:
        self.members = list(dict.fromkeys(primaries))
        self._primaries = list(primaries)

    def wait_for_primary(self) -> Member:
        return self._primaries.pop(0)


class Book:
    """A history in which a write was acknowledged that was asked for at this time."""

    def __init__(self, newest_acknowledged_s: float) -> None:
        self.newest_acknowledged_s = newest_acknowledged_s

    def now_s(self) -> float:
        return math.inf


class Cuts:
    """A network that can be cut, for what it is worth."""

    def cut(self, _flows: object) -> None:
        pass

    def count(self, _whose: int) -> int:
        """Return how many connections there are: nobody has come."""
        return 0


def field(*primaries: Member, acknowledged_s: float = 0.0) -> Field:
    return Field(
        cast(Cluster, Members(*primaries)), cast(Bank, None), cast(Any, Book(acknowledged_s)), random.Random(1)
    )


def test_a_fail_point_that_a_member_does_not_take_breaks_the_run_down() -> None:
    with pytest.raises(AssertionError, match="member 0 did not take the fail point"):
        PoolExhausted().strike(field(Member(None)))
    PoolExhausted().strike(field(Member({})))


@pytest.mark.parametrize("fault", [PrimaryCutOff, PrimaryCutOffFromMembers, PrimaryDeaf])
def test_a_primary_that_stays_one_was_not_cut_off(
    fault: type[PrimaryCutOff | PrimaryCutOffFromMembers | PrimaryDeaf], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault, "hold_s_more", 0)
    old, new = Member(), Member()
    for primaries in ((old, new), (old, old)):
        cut, where = fault(), field(*primaries)
        cut.network = cast(Network, Cuts())
        cut.strike(where)
        if primaries[-1] is new:
            cut.hold(where, 1.0)
        else:
            with pytest.raises(AssertionError, match="nobody else was elected"):
                cut.hold(where, 1.0)


@pytest.mark.parametrize(("pings_ms", "is_slow"), [((400, 401), True), ((400, 1), False), ((), False)])
def test_a_link_between_members_that_is_not_slow_is_found(
    pings_ms: tuple[int, ...], is_slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlowMembers, "lasts_s", 0)
    told = {"members": [{}, *({"pingMs": ping_ms} for ping_ms in pings_ms)]}
    with nullcontext() if is_slow else pytest.raises(AssertionError, match=r"what was to take 0\.4 s"):
        SlowMembers().hold(field(Member(told)), 1.0)


@pytest.mark.parametrize(("takes_s", "is_slow"), [(0.1, True), (0.001, False)])
def test_a_link_of_the_servers_that_is_not_slow_is_found(
    takes_s: float, is_slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlowServers, "lasts_s", 0)
    monkeypatch.setattr(SlowServers, "takes_s", lambda *_: takes_s)
    with nullcontext() if is_slow else pytest.raises(AssertionError, match=r"what was to take 0\.1 s"):
        SlowServers().hold(field(), 1.0)


def test_connections_that_are_not_there_are_not_broken_off() -> None:
    fault = ConnectionsReset()
    fault.network = cast(Network, Cuts())
    with pytest.raises(AssertionError, match="no server was connected"):
        fault.strike(field())


@pytest.mark.parametrize(("ahead_s", "is_ahead"), [(HOUR_S, True), (0, False)])
def test_a_primary_whose_clock_is_right_after_all_is_found(ahead_s: int, is_ahead: bool) -> None:
    hello = {"localTime": datetime.now(UTC) + timedelta(seconds=ahead_s)}
    with nullcontext() if is_ahead else pytest.raises(AssertionError, match="the primary's clock is"):
        require_ahead(hello)


def test_a_primary_through_which_writes_go_was_not_cut_off_from_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrimaryCutOffFromServers, "lasts_s", 0)
    PrimaryCutOffFromServers().hold(field(acknowledged_s=0.9), 1.0)
    with pytest.raises(AssertionError, match="the servers still reached a primary"):
        PrimaryCutOffFromServers().hold(field(acknowledged_s=1.1), 1.0)


def synced(count: int, took_ms: int) -> dict[str, Any]:
    log = {"log sync operations": count, "log sync time duration (usecs)": took_ms * 1_000}
    return {"wiredTiger": {"log": log}}


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (synced(14, 1_630), []),
        (synced(14, 70), ["the primary's fsync took 10 ms"]),
        (synced(10, 30), ["the primary synced nothing"]),
    ],
    ids=["slow", "as quick as before", "none at all"],
)
def test_an_fsync_that_did_not_become_slow_is_found(
    after: dict[str, Any], found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlowFsync, "lasts_s", 0)
    monkeypatch.setattr(preloaded, "build", lambda name, folder: folder / name)  # no member is started here
    fault, where = SlowFsync(), field(Member(synced(10, 30), after))
    with fault.layout(tmp_path):
        fault.strike(where)
        fault.hold(where, 1.0)
    assert list(fault.check(Recorded(), SOUND)) == found
