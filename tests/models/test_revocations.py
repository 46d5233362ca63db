"""What a process knows of revocations."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from pymongo.monitoring import ServerClosedEvent

from app import create_app
from app.models.clock_guard import clocks_of
from app.models.store import Store
from config import Config
from tests.factories.clock import MovableClock, heartbeat
from tests.factories.users import new_customer
from tests.processes import wait_until


def revoke(store: Store) -> None:
    store.revocations.add_session("a session", session=None)
    store.revocations.add_user("a user", 3, session=None)


def test_a_new_process_knows_what_was_revoked_before(config: Config, store: Store) -> None:
    revoke(store)
    other = Store.open(config)
    assert other.revocations.is_revoked("anybody", "a session", 0)
    assert other.revocations.is_revoked("a user", "another session", 2)
    assert not other.revocations.is_revoked("a user", "another session", 3)
    assert not other.revocations.is_revoked("anybody", "another session", 0)
    other.close()


def test_a_later_revocation_of_a_user_is_never_undone_by_an_earlier_one(store: Store) -> None:
    store.revocations.add_user("a user", 5, session=None)
    store.revocations.learn_user("a user", 5)
    store.revocations.add_user("a user", 4, session=None)
    store.revocations.learn_user("a user", 4)
    assert store.revocations.is_revoked("a user", "a session", 4)
    (found,) = store.database["revocations"].find()
    assert found["epoch"] == 5


def test_what_can_matter_no_more_is_forgotten(config: Config, store: Store) -> None:
    clock = MovableClock()
    own = Store.open(config, clock=clock)
    revoke(own)
    assert own.revocations.is_revoked("anybody", "a session", 0)
    clock.forward(config.access_token_lifetime + timedelta(minutes=2))
    deadline_s = time.monotonic() + 5
    while own.revocations.is_revoked("anybody", "a session", 0):
        assert time.monotonic() < deadline_s
    assert not own.revocations.is_revoked("a user", "a session", 0)
    own.close()


def test_a_revocation_is_seen_however_far_the_clocks_of_its_member_and_of_the_one_before_are_apart(
    config: Config, store: Store
) -> None:
    later, now = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC)
    other = Store.open(config)
    revoke(store)
    store.database["revocations"].update_many({}, {"$set": {"at": later}})  # by a member whose clock is ahead
    assert other.revocations.is_revoked("anybody", "a session", 0)
    clocks = clocks_of(other.client)
    clocks.succeeded(heartbeat(("ahead", 1), later))
    clocks.succeeded(heartbeat(("right", 1), now))
    store.revocations.add_session("another session", session=None)
    wait_until(lambda: other.revocations.is_revoked("anybody", "another session", 0))
    for address in (("ahead", 1), ("right", 1)):
        clocks.closed(ServerClosedEvent(address, ObjectId()))  # what it has dated meanwhile stays
    store.revocations.add_session("a third session", session=None)
    wait_until(lambda: other.revocations.is_revoked("anybody", "a third session", 0))
    other.close()


@pytest.mark.security("S06", "S18")
@pytest.mark.parametrize("skew_s_max", [4, 600])
def test_a_server_whose_clock_is_behind_takes_no_token_that_is_over_by_the_clocks_of_the_members(
    config: Config, store: Store, skew_s_max: int
) -> None:
    """It would else take a revoked one again: what was revoked is forgotten a minute after the token is over."""
    clock = MovableClock()
    own = replace(config, clock_skew_seconds_max=skew_s_max)
    behind = Store.open(own, clock=clock)
    for address in (("one", 1), ("two", 1)):
        clocks_of(behind.client).succeeded(heartbeat(address, datetime.now(UTC) + timedelta(minutes=4)))
    client = create_app(own, behind).test_client()
    login = new_customer(client)
    assert client.get("/auth/me", headers=login.headers).status_code == 200
    clock.forward(config.access_token_lifetime - timedelta(minutes=2))
    assert client.get("/auth/me", headers=login.headers).status_code == 401
    behind.close()


@pytest.mark.parametrize("ahead_h", [-1, 1])
def test_a_server_whose_clock_is_wrong_revokes_and_learns_as_the_others_do(
    config: Config, store: Store, ahead_h: int
) -> None:
    clock = MovableClock()
    clock.forward(timedelta(hours=ahead_h))
    other = Store.open(config, clock=clock)
    said = datetime.now(UTC) - timedelta(hours=ahead_h)  # as members do whose clocks are right
    for address in (("one", 1), ("two", 1)):
        clocks_of(other.client).succeeded(heartbeat(address, said))
    store.revocations.add_session("a session", session=None)
    wait_until(lambda: other.revocations.is_revoked("anybody", "a session", 0))
    other.revocations.add_session("another session", session=None)
    wait_until(lambda: store.revocations.is_revoked("anybody", "another session", 0))
    other.close()
