"""How the calls of many threads become figures; the journal is stood in for."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.errors import OutcomeUnknown, ServerBusy
from benchmarks.ledger import BATCH, Cell, Posted, load, sum_of

NUMBERS = [f"{place:012d}" for place in range(10)]
THREADS = 16


def store_with(post_many: Any) -> Any:
    return SimpleNamespace(journal=SimpleNamespace(post_many=post_many))


def test_a_rate_is_what_was_acknowledged_by_the_time_from_the_first_start_to_the_last_end() -> None:
    at_once = sum_of([Posted(10, 12, 30, times=[2]), Posted(11, 14, 50, times=[3])])
    assert at_once.rate == 20
    assert sum_of([at_once, Posted(18, 20, 20, times=[2])]).rate == 10  # a pause counts as well


def test_times_and_refusals_of_all_calls_are_kept() -> None:
    calls = [Posted(0, 1, 9, refused=1, times=[0.5]), Posted(0, 1, 8, refused=2, unknown=1, times=[1])]
    found = sum_of(calls)
    assert (found.acknowledged, found.refused, found.unknown, found.times) == (17, 3, 1, [0.5, 1])


def test_what_is_refused_is_not_acknowledged_and_may_be_of_unknown_outcome() -> None:
    def post_many(requests: list[Any]) -> list[Any]:
        return [ServerBusy(), OutcomeUnknown(), *requests[2:]]

    found = load(Cell("batches", 1, batch=BATCH), store_with(post_many), NUMBERS, 0, threads=THREADS)
    assert (found.acknowledged, found.refused, found.unknown) == (THREADS * (BATCH - 2), THREADS * 2, THREADS)
    assert len(found.times) == THREADS


def test_what_ends_one_of_many_threads_before_its_time_ends_the_run() -> None:
    first = threading.Lock()

    def post_many(requests: list[Any]) -> list[Any]:
        if first.acquire(blocking=False):
            raise ConnectionResetError("the first call of all")
        return requests

    with pytest.raises(BaseExceptionGroup, match="1 of 16 threads") as failed:
        load(Cell("spread", THREADS), store_with(post_many), NUMBERS, 0, threads=THREADS)
    assert [str(each) for each in failed.value.exceptions] == ["the first call of all"]
