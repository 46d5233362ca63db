"""Counting attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.rates import Rate
from app.models.store import Store
from tests.parallel import at_once

NOON = datetime(2100, 1, 31, 12, tzinfo=UTC)  # to come: MongoDB removes counters of periods that are over
RATE = Rate(3, timedelta(minutes=1))


def take(store: Store, *, after_s: float = 0) -> int:
    return store.attempts.take("test", "somebody", RATE, now=NOON + timedelta(seconds=after_s))


def test_as_many_as_the_rate_allows_get_through_in_a_period(store: Store) -> None:
    assert [take(store, after_s=second) for second in range(5)] == [0, 0, 0, 57, 56]


def test_the_period_begins_with_the_first_attempt_and_then_begins_anew(store: Store) -> None:
    assert [take(store), take(store, after_s=50), take(store, after_s=59)] == [0, 0, 0]
    assert take(store, after_s=59.5) == 1
    assert [take(store, after_s=60), take(store, after_s=61)] == [0, 0]


def test_looking_does_not_count(store: Store) -> None:
    for _ in range(10):
        assert store.attempts.wait_s("test", "somebody", RATE, now=NOON) == 0
    assert [take(store), take(store), take(store), take(store)] == [0, 0, 0, 60]
    assert store.attempts.wait_s("test", "somebody", RATE, now=NOON) == 60


def test_what_is_forgotten_counts_no_more(store: Store) -> None:
    for _ in range(4):
        take(store)
    store.attempts.forget("test", "somebody")
    assert take(store) == 0


@pytest.mark.parametrize("after_s", [0, 120])
def test_however_many_try_at_once_no_more_get_through(store: Store, after_s: int) -> None:
    take(store)
    store.attempts.forget("test", "somebody") if after_s == 0 else None
    waits = at_once(40, lambda _: take(store, after_s=after_s))
    assert waits.count(0) == RATE.amount


def test_subjects_and_kinds_are_counted_apart_and_kept_as_hashes_alone(store: Store) -> None:
    for kind, subject in (("a", "alice"), ("b", "alice"), ("a", "bob"), ("a", "\ud800")):
        assert store.attempts.take(kind, subject, Rate(1, timedelta(minutes=1)), now=NOON) == 0
    assert all(len(found["_id"]) == 64 for found in store.database["attempts"].find())
