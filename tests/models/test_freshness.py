"""A view in memory that requests keep fresh."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from pymongo.errors import ConnectionFailure

from app.domain.errors import DatabaseUnavailable
from app.models import freshness
from app.models.freshness import AGE_S_MAX, REFRESH_AFTER_S, Freshness
from tests.parallel import at_once


class Source:
    """Something to read, that can be slow or away."""

    def __init__(self) -> None:
        self.reads = 0
        self.is_away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def read(self) -> None:
        self.reads += 1
        self.may_answer.wait(timeout=10)
        if self.is_away:
            raise ConnectionFailure


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock; the test sets its only element."""
    present = [1_000.0]
    monkeypatch.setattr(freshness, "time", SimpleNamespace(monotonic=lambda: present[0]))
    return present


def test_the_first_caller_reads_and_those_soon_after_do_not(now_s: list[float]) -> None:
    source = Source()
    view = Freshness(source.read, wait_s_max=1)
    view.ensure()
    now_s[0] += REFRESH_AFTER_S
    view.ensure()
    assert source.reads == 1
    now_s[0] += 0.01
    view.ensure()
    assert source.reads == 2


def test_a_view_that_can_not_be_refreshed_serves_until_it_is_too_old_and_heals(now_s: list[float]) -> None:
    source = Source()
    view = Freshness(source.read, wait_s_max=1)
    view.ensure()
    source.is_away = True
    now_s[0] += AGE_S_MAX
    view.ensure()
    now_s[0] += 0.01
    with pytest.raises(ConnectionFailure):
        view.ensure()
    source.is_away = False
    now_s[0] += 0.01
    view.ensure()


def test_a_view_that_was_never_read_serves_nobody() -> None:
    source = Source()
    source.is_away = True
    with pytest.raises(ConnectionFailure):
        Freshness(source.read, wait_s_max=1).ensure()


def test_of_many_callers_one_reads_and_all_share_its_success() -> None:
    source = Source()
    view = Freshness(source.read, wait_s_max=5)
    at_once(20, lambda _: view.ensure())
    assert source.reads == 1


def test_of_many_callers_one_reads_and_all_share_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    source.is_away = True
    source.may_answer.clear()
    called: set[int] = set()

    def monotonic() -> float:
        called.add(threading.get_ident())  # each caller looks at the clock before it waits for another's read
        if len(called) == 8:
            source.may_answer.set()
        return 1_000.0

    monkeypatch.setattr(freshness, "time", SimpleNamespace(monotonic=monotonic))
    view = Freshness(source.read, wait_s_max=5)

    def call(_: int) -> type[Exception]:
        with pytest.raises((ConnectionFailure, DatabaseUnavailable)) as failure:
            view.ensure()
        return failure.type

    failures = at_once(8, call)
    assert failures.count(ConnectionFailure) == 1
    assert failures.count(DatabaseUnavailable) == 7
    assert source.reads == 1


def test_while_one_reads_the_others_go_on_with_a_view_that_is_not_too_old(now_s: list[float]) -> None:
    source = Source()
    view = Freshness(source.read, wait_s_max=0)
    view.ensure()
    now_s[0] += REFRESH_AFTER_S + 0.1
    source.may_answer.clear()
    reader = threading.Thread(target=view.ensure)
    reader.start()
    while source.reads < 2:
        pass
    view.ensure()
    now_s[0] += AGE_S_MAX
    with pytest.raises(DatabaseUnavailable):
        view.ensure()
    source.may_answer.set()
    reader.join()
