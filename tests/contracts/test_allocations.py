"""What the hot path takes in memory and in calls: counted, as times depend on the machine, and bounded a little above.

The bounds are those of today with some to spare. Whoever passes one has made the path longer, and says why or shortens
it; whoever makes it shorter brings the bound down.
"""

from __future__ import annotations

import gc
import io
import json
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import create_environ

from app import create_app
from app.domain.ledger.book import Book
from app.domain.ledger.draft import Moment
from app.domain.ledger.rules import apply
from app.models.store import Store
from config import Config
from tests.factories.ledger import OPENED_AT, account_state, deposit, transfer
from tests.factories.people import Person, new_person
from tests.processes import TIMEOUT_S

BUSY = "503 SERVICE UNAVAILABLE"
TRIES = 12
WARM_UP = 50
MANY = 1_000
LEFT_BLOCKS_MAX = 600
"""What a thousand requests may leave behind: caches that fill, and not one object for each."""
INTENTS = 500
CALLS_MAX = {"GET /balance": 900, "POST /deposit": 1_130}
"""Calls of Python functions in the request's own thread, the journal's threads apart."""
PEAK_BYTES_MAX = {"GET /balance": 26_000, "POST /deposit": 35_000}
"""The most that a request holds at once, over what was held before it."""
BLOCKS_PER_INTENT_MAX = {"deposit": 16.0, "transfer": 15.0}
"""What is left of each intent once the rules were applied: its transaction, its entries, its outcome."""


class Caller:
    """Calls the application as a server does, without a test client in between."""

    def __init__(self, app: Flask, person: Person) -> None:
        self._app = app
        self._authorization = person.login.headers["Authorization"]

    def ask(self, name: str) -> None:
        """Send a request by its method and path; it has to succeed, if not at once on a machine that is busy."""
        deadline = time.monotonic() + TIMEOUT_S
        while (status := self._status_of(name)) == BUSY:
            assert time.monotonic() < deadline
        assert status.startswith("2"), status

    def _status_of(self, name: str) -> str:
        method, path = name.split()
        body = json.dumps({"amount": "1.00"}).encode() if method == "POST" else b""
        environ = create_environ(path, method=method, content_type="application/json" if body else None)
        environ |= {"HTTP_AUTHORIZATION": self._authorization, "REMOTE_ADDR": "127.0.0.1"}
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        statuses: list[str] = []
        answer = self._app.wsgi_app(environ, lambda status, _headers, _error=None: statuses.append(status) or bytes)
        assert b"".join(answer)
        return statuses[0]


@pytest.fixture
def caller(config: Config, store: Store) -> Caller:
    """Somebody with an account, at an application that has answered them before."""
    app = create_app(config, store)
    tracer = threading.gettrace()
    threading.settrace(None)  # type: ignore[arg-type]  # the journal's threads begin here, and none measures coverage
    try:
        caller = Caller(app, new_person(app.test_client(), store, "alice", "Alice Archer", balance=1_000))
        for _ in range(WARM_UP):
            for name in CALLS_MAX:
                caller.ask(name)
    finally:
        threading.settrace(tracer)  # type: ignore[arg-type]  # none is a tracer, too
    return caller


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions of Python are called in this thread."""
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def peak_of(work: Callable[[], object]) -> int:
    """Return how many bytes are held at most, over what was held before."""
    gc.collect()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    tracer = sys.gettrace()
    sys.settrace(None)  # what the measuring of coverage takes is not the request's
    try:
        work()
    finally:
        sys.settrace(tracer)
    _, peak = tracemalloc.get_traced_memory()
    return peak - before


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", list(CALLS_MAX))
def test_a_request_makes_no_more_calls_than_it_did(caller: Caller, name: str) -> None:
    assert min(calls_of(lambda: caller.ask(name)) for _ in range(TRIES)) <= CALLS_MAX[name]


@pytest.mark.parametrize("name", list(PEAK_BYTES_MAX))
def test_a_request_takes_no_more_memory_than_it_did(caller: Caller, name: str) -> None:
    with traced():
        caller.ask(name)
        assert min(peak_of(lambda: caller.ask(name)) for _ in range(TRIES)) <= PEAK_BYTES_MAX[name]


@pytest.mark.parametrize("name", list(CALLS_MAX))
def test_a_thousand_requests_leave_nothing_behind(caller: Caller, name: str) -> None:
    assert left_after(lambda: caller.ask(name)) <= LEFT_BLOCKS_MAX


def left_after(work: Callable[[], object]) -> int:
    """Return how many blocks of memory are still there after a thousand times; three tries, for threads beside."""
    for _ in range(3):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(MANY):
            work()
        gc.collect()
        left = sys.getallocatedblocks() - before
        if left <= LEFT_BLOCKS_MAX:
            break
    return left


@pytest.mark.parametrize("kind", list(BLOCKS_PER_INTENT_MAX))
def test_the_rules_make_no_more_of_an_intent_than_they_did(kind: str) -> None:
    assert blocks_per_intent(kind) <= BLOCKS_PER_INTENT_MAX[kind]


def blocks_per_intent(kind: str) -> float:
    """Apply many intents to a book, and return how many blocks of memory each has left."""
    one, other = account_state(balance=10**9), account_state()
    cash = account_state(id="cash-USD#00", holders=(), overdraft_limit=10**12)
    book = Book(stripe=0)
    book.accounts.update({each.id: each for each in (one, other, cash)})
    made = {"deposit": lambda: deposit(one.id, 100), "transfer": lambda: transfer(one.id, other.id, 100)}[kind]
    intents = [made() for _ in range(INTENTS)]
    moment = Moment(OPENED_AT, "2026-01-05")
    apply(book, [made()], moment)
    gc.collect()
    before = sys.getallocatedblocks()
    outcomes = apply(book, intents, moment)
    gc.collect()
    left = sys.getallocatedblocks() - before
    assert len(outcomes) == INTENTS
    return left / INTENTS


def test_a_request_that_keeps_something_is_noticed(caller: Caller) -> None:
    kept: list[bytearray] = []

    def leaking() -> None:
        caller.ask("GET /balance")
        kept.append(bytearray(10))

    assert left_after(leaking) > LEFT_BLOCKS_MAX
