"""Look-ups that concurrent callers share: fewer commands, and nobody is told what was true before they asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.models import lookups
from app.models.lookups import Lookup
from app.models.store import Store
from config import Config
from tests.factories.ledger import ALICE, an_account, deposit, some_accounts
from tests.fail_points import failing, named_store
from tests.listening import listened
from tests.parallel import at_once
from tests.processes import TIMEOUT_S, wait_until

_BAD_VALUE = 2


class Held(CommandListener):
    """Counts reads, and keeps the first from its caller, though the database has answered it, until it is let go.

    The second is kept as well where a test wants it.
    """

    def __init__(self) -> None:
        self.finds = 0
        self.kept = 1
        self.read, self.read_next = threading.Event(), threading.Event()
        self.let_go, self.let_go_next = threading.Event(), threading.Event()

    def started(self, event: CommandStartedEvent) -> None:
        self.finds += event.command_name == "find"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name != "find":
            return
        if not self.read.is_set():
            self.read.set()
            self.let_go.wait(TIMEOUT_S)
        elif self.kept > 1 and not self.read_next.is_set():
            self.read_next.set()
            self.let_go_next.wait(TIMEOUT_S)

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing here fails."""


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def watched(config: Config, store: Store, held: Held) -> Iterator[Store]:
    """A second store on the same database, whose first read is held."""
    with listened(config, held) as watched:
        yield watched
        held.let_go.set()
        held.let_go_next.set()


def in_background(watched: Store, number: str) -> tuple[threading.Thread, list[int]]:
    balances: list[int] = []
    thread = threading.Thread(target=lambda: balances.append(watched.accounts.get_owned(number, ALICE).balance))
    thread.start()
    return thread, balances


def test_those_who_ask_while_another_is_answered_are_answered_together(
    store: Store, watched: Store, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PATIENCE_S", "LATE_S"):
        monkeypatch.setattr(lookups, name, TIMEOUT_S)  # as long as it takes here until all have asked
    numbers = some_accounts(store, 21)
    first, _ = in_background(watched, numbers[0])
    assert held.read.wait(TIMEOUT_S)
    others = [in_background(watched, number) for number in numbers[1:]]
    wait_until(lambda: watched.lookups.waiting == 20)
    held.let_go.set()
    for thread, balances in (*others, (first, [0])):
        thread.join()
        assert balances == [0]
    assert held.finds == 2


def test_nobody_is_told_what_was_read_before_they_asked(store: Store, watched: Store, held: Held) -> None:
    number = an_account(store)
    first, before = in_background(watched, number)
    assert held.read.wait(TIMEOUT_S)
    store.journal.post(deposit(number, 100))
    second, after = in_background(watched, number)
    held.let_go.set()
    first.join()
    second.join()
    assert (before, after) == ([0], [100])


def test_each_gets_their_own_however_many_ask_at_once(store: Store) -> None:
    numbers = some_accounts(store, 8)
    for amount, number in enumerate(numbers, start=1):
        store.journal.post(deposit(number, amount))

    def look(which: int) -> list[int]:
        return [store.accounts.get_owned(numbers[(which + step) % 8], ALICE).balance for step in range(16)]

    found = at_once(16, look)
    assert found == [[(which + step) % 8 + 1 for step in range(16)] for which in range(16)]


def test_a_look_up_that_fails_fails_for_whoever_sent_it_alone(config: Config, store: Store) -> None:
    numbers = some_accounts(store, 12, balance=5)
    named = named_store(config)
    refused: list[int] = []

    def look(which: int) -> int | None:
        try:
            return named.accounts.get_owned(numbers[which], ALICE).balance
        except OperationFailure as failure:
            refused.append(failure.code or 0)
            return None

    with failing(named, "find", mode={"times": 1}, errorCode=_BAD_VALUE):
        found = at_once(12, look)
    named.close()
    assert sorted(found, key=str) == [5] * 11 + [None]
    assert refused == [_BAD_VALUE]


def test_an_answer_that_is_lost_on_its_way_holds_up_nobody_else(store: Store, watched: Store, held: Held) -> None:
    numbers = some_accounts(store, 2)
    first, _ = in_background(watched, numbers[0])
    assert held.read.wait(TIMEOUT_S)
    assert watched.accounts.get_owned(numbers[1], ALICE).id == numbers[1]
    assert first.is_alive()
    held.let_go.set()
    first.join()


@pytest.mark.parametrize("key", [["a list"], {"$gt": ""}, None, 7])
def test_what_is_no_key_fails_for_whoever_brought_it_and_nobody_after_them(store: Store, key: Any) -> None:
    number = an_account(store)
    with pytest.raises(TypeError):
        store.lookups.get(Lookup("accounts", key, bool))
    assert store.accounts.get_owned(number, ALICE).id == number


def test_who_waits_for_an_answer_that_is_lost_asks_again_by_themselves(
    store: Store, watched: Store, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "PATIENCE_S", TIMEOUT_S)  # as long as it takes here until both have asked
    monkeypatch.setattr(lookups, "LATE_S", 3.0)
    numbers, held.kept = some_accounts(store, 3), 2
    first, _ = in_background(watched, numbers[0])
    assert held.read.wait(TIMEOUT_S)
    leads, _ = in_background(watched, numbers[1])
    wait_until(lambda: watched.lookups.waiting == 1)
    waits, balances = in_background(watched, numbers[2])
    wait_until(lambda: watched.lookups.waiting == 2)
    held.let_go.set()
    assert held.read_next.wait(TIMEOUT_S)
    waits.join(TIMEOUT_S)
    assert (balances, leads.is_alive()) == ([0], True)
    held.let_go_next.set()
    for thread in (first, leads):
        thread.join()
