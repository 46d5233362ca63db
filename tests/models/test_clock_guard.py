"""A process posts money only while its machine has the time of most of the database's members."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.monitoring import ServerClosedEvent

from app.domain.clock import to_milliseconds
from app.domain.errors import ClockWrong, DatabaseUnavailable
from app.models import member_clocks
from app.models.clock_guard import ClockGuard, clocks_of
from app.models.connection import connect
from app.models.job_registry import run_due, run_now
from app.models.posting import Request
from app.models.store import Store
from config import Config
from tests.factories.clock import MachineClock, MovableClock, heartbeat
from tests.factories.ledger import an_account, deposit

SKEW_S_MAX = 4
HOUR_S = 3_600.0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> MachineClock:
    """This machine's clock, which the test sets."""
    clock = MachineClock()
    monkeypatch.setattr(member_clocks, "time", clock)
    return clock


class Members:
    """Members of a replica set that say their time when the test lets them, and a guard that hears it."""

    def __init__(self, client: MongoClient[dict[str, Any]], machine: MachineClock) -> None:
        self._machine = machine
        self._clocks = clocks_of(client)
        self.guard = ClockGuard(client, skew_s_max=SKEW_S_MAX)

    def say(self, *ahead_s: float, late_s: float = 0.0) -> None:
        """Let the first members say a time that is ahead of the true one by so much each, and arrives so late."""
        for number, each_s in enumerate(ahead_s):
            said = datetime.fromtimestamp(self._machine.true_s() - late_s + each_s, UTC)
            self._clocks.succeeded(heartbeat(("member", number), said))

    def remove(self, number: int) -> None:
        self._clocks.closed(ServerClosedEvent(("member", number), ObjectId()))

    def is_right(self) -> bool:
        return self.guard.state().is_right


@pytest.fixture
def members(machine: MachineClock) -> Iterator[Members]:
    with connect("mongodb://127.0.0.1:1", timeout_ms=100) as client:
        yield Members(client, machine)


@pytest.mark.parametrize("off_s", [HOUR_S, -HOUR_S, SKEW_S_MAX + 0.1, -SKEW_S_MAX - 0.1])
def test_a_clock_that_is_off_by_more_than_the_bound_is_noticed_the_moment_it_is_set(
    members: Members, machine: MachineClock, off_s: float
) -> None:
    members.say(0, 0, 0)
    members.guard.require_right()
    machine.set_by(off_s)
    with pytest.raises(ClockWrong) as refused:
        members.guard.require_right()
    assert refused.value.retry_after_s
    machine.set_by(-off_s)
    members.guard.require_right()


def test_a_clock_within_the_bound_is_right(members: Members, machine: MachineClock) -> None:
    members.say(0)
    machine.set_by(SKEW_S_MAX - 0.1)
    members.guard.require_right()
    assert members.guard.state().skew_s == pytest.approx(SKEW_S_MAX - 0.1, abs=0.1)


@pytest.mark.parametrize("ahead_s", [(HOUR_S, 0, 0), (HOUR_S, 0), (-HOUR_S, 0, 0, 0), (HOUR_S, -HOUR_S, 0, 0)])
def test_members_with_a_wrong_clock_stop_nobody_while_half_of_them_are_right_and_are_told_of(
    members: Members, ahead_s: tuple[float, ...]
) -> None:
    members.say(*ahead_s)
    members.guard.require_right()
    assert not members.guard.state().members_agree


@pytest.mark.parametrize("ahead_s", [(HOUR_S,), (HOUR_S, HOUR_S), (HOUR_S, HOUR_S, 0), (HOUR_S, HOUR_S, HOUR_S, 0)])
def test_who_has_another_time_than_most_members_is_wrong_whoever_it_is(
    members: Members, ahead_s: tuple[float, ...]
) -> None:
    members.say(*ahead_s)
    assert not members.is_right()


def test_a_late_heartbeat_is_not_taken_for_a_wrong_clock(members: Members) -> None:
    members.say(0)
    members.say(0, late_s=HOUR_S)
    assert members.is_right()


def test_a_member_whose_clock_was_set_right_counts_after_a_few_heartbeats(members: Members) -> None:
    members.say(HOUR_S)
    assert not members.is_right()
    for _ in range(member_clocks.HEARTBEATS_KEPT):
        members.say(0)
    assert members.is_right()


def test_who_is_no_member_any_more_does_not_count(members: Members) -> None:
    members.say(HOUR_S, HOUR_S, 0)
    members.remove(0)
    members.remove(1)
    assert members.is_right()


def test_a_machine_that_was_asleep_waits_for_the_next_heartbeat(members: Members, machine: MachineClock) -> None:
    members.say(0)
    machine.sleep(HOUR_S)
    assert not members.is_right()
    members.say(0)
    assert members.is_right()


def test_where_no_member_can_be_asked_nothing_is_dated(members: Members) -> None:
    with pytest.raises(DatabaseUnavailable):
        members.guard.require_right()


def test_a_change_is_told_once(members: Members, machine: MachineClock, capsys: pytest.CaptureFixture[str]) -> None:
    members.say(0)
    for off_s in (HOUR_S, -HOUR_S):
        machine.set_by(off_s)
        members.is_right()
        members.is_right()
    told = capsys.readouterr().out
    assert (told.count("clock_wrong"), told.count("clock_right")) == (1, 1)


def test_nothing_is_posted_while_the_clock_is_wrong_and_money_moves_again_once_it_is_right(
    store: Store, machine: MachineClock
) -> None:
    number = an_account(store, balance=500)
    machine.set_by(HOUR_S)
    with pytest.raises(ClockWrong):
        store.journal.post(deposit(number, 100))
    assert store.accounts.find_many([number])[number].balance == 500
    machine.set_by(-HOUR_S)
    store.journal.post(deposit(number, 100))
    assert store.accounts.find_many([number])[number].balance == 600


def test_the_first_posting_of_a_process_is_looked_at_too(config: Config, store: Store, machine: MachineClock) -> None:
    number = an_account(store)
    with closing(Store.open(config)) as fresh:
        machine.set_by(-HOUR_S)
        with pytest.raises(ClockWrong):
            fresh.journal.post(deposit(number, 100))


def test_a_clock_that_a_test_gives_the_rules_is_not_the_machines(config: Config, store: Store) -> None:
    clock = MovableClock()
    clock.forward(timedelta(days=40))
    number = an_account(store)
    with closing(Store.open(config, clock=clock)) as later:
        later.journal.post(deposit(number, 100))


def test_a_job_is_not_begun_by_a_clock_that_is_wrong(store: Store, machine: MachineClock) -> None:
    list(run_due(store))
    machine.set_by(HOUR_S)
    with pytest.raises(ClockWrong):
        list(run_due(store))
    with pytest.raises(ClockWrong):
        run_now(store, "expire-holds")


class SetMeanwhile:
    """The machine's clock, which somebody sets an hour ahead at the very moment that a posting takes its date."""

    def __init__(self, machine: MachineClock) -> None:
        self._machine = machine
        self.is_to_be_set = False

    def now(self) -> datetime:
        if self.is_to_be_set:
            self._machine.set_by(HOUR_S)
        return to_milliseconds(datetime.fromtimestamp(self._machine.time(), UTC))


def test_what_was_accepted_before_the_clock_was_set_is_not_dated_by_it(
    config: Config, store: Store, machine: MachineClock
) -> None:
    number, clock = an_account(store), SetMeanwhile(machine)
    with closing(Store.open(config, clock=clock)) as other:
        other.journal.post(deposit(number, 100))
        clock.is_to_be_set = True
        with pytest.raises(ClockWrong):
            other.journal.post(deposit(number, 100))
        clock.is_to_be_set = False
        machine.set_by(-HOUR_S)
        other.journal.post(deposit(number, 100))
    account = store.accounts.find_many([number])[number]
    assert account.balance == 200
    assert account.last_entry_at is not None
    assert account.last_entry_at <= datetime.now(UTC)


def test_each_of_those_who_are_refused_together_gets_a_refusal_of_their_own(
    config: Config, store: Store, machine: MachineClock
) -> None:
    """One that many threads raise at once collects all their tracebacks."""
    number, clock = an_account(store), SetMeanwhile(machine)
    with closing(Store.open(config, clock=clock)) as other:
        other.journal.post(deposit(number, 100))
        clock.is_to_be_set = True
        outcomes = other.journal.post_many([Request(deposit(number, 100)) for _ in range(3)])
        assert {type(outcome) for outcome in outcomes} == {ClockWrong}
        assert len(set(map(id, outcomes))) == 3
