"""Posting on the real database: what one batch costs, what it writes, and when it has happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from bson import Int64
from pymongo import MongoClient
from pymongo.errors import WriteError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.domain.accounts import AccountStatus
from app.domain.errors import (
    IdempotencyMismatch,
    InsufficientFunds,
    PostingNotSupported,
    ServerBusy,
)
from app.domain.ledger.book import Outcome, Recorded
from app.domain.ledger.intents import Intent
from app.models.journal import Journal
from app.models.ledger_reader import LedgerReader
from app.models.posting import Poster, Request
from app.models.reconcile import Reconciliation
from app.models.store import Store
from config import Config
from tests.factories.clock import MovableClock
from tests.factories.ledger import (
    an_account,
    deposit,
    hold,
    post_all,
    release,
    reversal,
    some_accounts,
    status_change,
    transfer,
    withdrawal,
)
from tests.parallel import at_once


@contextmanager
def another_store(config: Config, clock: MovableClock | None = None, **settings: object) -> Iterator[Store]:
    """Open a second store on the same database, with a journal of its own, as another process would have."""
    store = Store.open(replace(config, **settings), clock=clock)  # type: ignore[arg-type]
    try:
        yield store
    finally:
        store.close()


def balance(store: Store, number: str) -> int:
    return store.accounts.find_many([number])[number].balance


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def kinds(outcomes: Sequence[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


# ---- what a batch costs ----------------------------------------------------------------------------------------------


class Commands(CommandListener):
    """Notes the name of every command that is sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def commands_of(store: Store, config: Config, intents: Sequence[Intent]) -> list[str]:
    """Post intents in one batch and return the commands that it took."""
    commands = Commands()
    with MongoClient(config.mongo_uri, tz_aware=True, event_listeners=[commands]) as client:
        poster = Poster(client, client[config.mongo_database], clock=store.clock, timezone=ZoneInfo("UTC"))
        outcomes = poster.post([Request(intent) for intent in intents], stripe=0, timeout_s=5)
        assert kinds(outcomes) == [Recorded] * len(intents)
        return [name for name in commands.names if name != "endSessions"]


def test_two_hundred_intents_take_as_many_commands_as_one(store: Store, config: Config) -> None:
    numbers = some_accounts(store, 201)
    one = commands_of(store, config, [deposit(numbers[200], 100)])
    assert one == ["find", "find", "update", "insert", "insert", "commitTransaction"]
    assert commands_of(store, config, [deposit(number, 100) for number in numbers[:200]]) == one


def test_holds_reversals_and_replays_take_a_constant_number_of_commands_too(store: Store, config: Config) -> None:
    def batch(numbers: Sequence[str]) -> list[Intent]:
        deposits = [deposit(number, 100) for number in numbers]
        undone = [deposit(number, 50) for number in numbers]
        holds = [hold(number, 10) for number in numbers]
        post_all(store, [*deposits, *undone, *holds])
        releases = [release(each.id) for each in holds]
        return [*deposits, *releases, *(reversal(each.id) for each in undone), *(hold(n, 5) for n in numbers)]

    numbers = some_accounts(store, 151)
    one = commands_of(store, config, batch(numbers[150:]))
    assert one == [*["find"] * 3, *["update"] * 2, *["insert"] * 2, "find", "commitTransaction"]
    assert commands_of(store, config, batch(numbers[:150])) == one
    assert is_sound(store)


def test_a_refused_intent_writes_nothing(store: Store, config: Config) -> None:
    number = an_account(store)
    with pytest.raises(InsufficientFunds):
        store.journal.post(withdrawal(number, 1))
    assert store.database["transactions"].count_documents({}) == 0
    assert balance(store, number) == 0


# ---- what it writes --------------------------------------------------------------------------------------------------


def test_what_is_answered_is_what_is_stored(store: Store) -> None:
    number = an_account(store)
    answer = store.journal.post(deposit(number, 12_345, description="wages", branch="Oxford", metadata={"run": "7"}))
    assert store.transactions.get(answer.transaction.id) == answer.transaction
    assert store.entries.get(answer.entries[0].id) == answer.entries[0]
    assert answer.transaction.metadata == {"run": "7"}
    account = store.accounts.find_many([number])[number]
    assert (account.balance, account.seq, account.last_entry_at) == (12_345, 1, answer.transaction.created_at)


def test_holds_and_states_are_stored(store: Store) -> None:
    number = an_account(store, balance=1_000)
    placed = store.journal.post(hold(number, 300)).transaction.id
    store.journal.post(status_change(number, AccountStatus.FROZEN_DEBITS))
    account = store.accounts.find_many([number])[number]
    assert (account.held, account.status) == (300, AccountStatus.FROZEN_DEBITS)
    assert store.holds.find_many([placed])[placed].remaining == 300


def test_each_intent_of_a_batch_stands_on_its_own_feet(store: Store) -> None:
    rich, poor = an_account(store, balance=1_000), an_account(store)
    outcomes = post_all(store, [withdrawal(poor, 1), transfer(rich, poor, 400), withdrawal(poor, 300), deposit("1", 5)])
    assert [getattr(outcome, "code", "recorded") for outcome in outcomes] == [
        "insufficient_funds", "recorded", "recorded", "not_found",
    ]  # fmt: skip
    assert (balance(store, rich), balance(store, poor)) == (600, 100)
    assert is_sound(store)


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_replay_gives_the_first_answer_with_its_entries(store: Store) -> None:
    number = an_account(store, balance=1_000)
    first = store.journal.post(withdrawal(number, 300, key="k"))
    store.journal.post(deposit(number, 50))
    again = store.journal.post(withdrawal(number, 300, key="k"))
    assert (again.transaction, again.entries, again.replayed) == (first.transaction, first.entries, True)
    assert balance(store, number) == 750


def test_a_replay_is_answered_before_any_rule_is_asked(store: Store) -> None:
    number = an_account(store, balance=1_000)
    first = store.journal.post(withdrawal(number, 1_000, key="k"))
    store.journal.post(status_change(number, AccountStatus.FROZEN_DEBITS))
    again = store.journal.post(withdrawal(number, 1_000, key="k"))
    assert (again.transaction, again.replayed) == (first.transaction, True)


def test_twins_in_one_batch_have_one_effect_and_one_answer(store: Store) -> None:
    number = an_account(store)
    first, again = post_all(store, [deposit(number, 300, key="k"), deposit(number, 300, key="k")])
    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert (first.replayed, again.replayed, again.entries) == (False, True, first.entries)
    assert balance(store, number) == 300


def test_another_request_under_a_used_key_moves_nothing(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(deposit(number, 300, key="k"))
    with pytest.raises(IdempotencyMismatch):
        store.journal.post(deposit(number, 400, key="k", fingerprint="another"))
    assert balance(store, number) == 1_300


def test_one_key_sent_to_two_writers_at_once_has_one_effect(store: Store, config: Config) -> None:
    number = an_account(store)
    with another_store(config) as other:
        for key in ("k1", "k2", "k3"):
            answers = at_once(
                16, lambda turn, key=key: (store, other)[turn % 2].journal.post(deposit(number, 100, key=key))
            )
            assert len({tuple(entry.id for entry in answer.entries) for answer in answers}) == 1
            assert [answer.replayed for answer in answers].count(False) == 1
    assert balance(store, number) == 300
    assert is_sound(store)


def test_a_transaction_reversed_by_two_writers_at_once_is_reversed_once(store: Store, config: Config) -> None:
    numbers = some_accounts(store, 5, balance=1_000)
    moved = [store.journal.post(withdrawal(number, 400)).transaction.id for number in numbers]

    def reverse(writer: Store, transaction: str) -> type:
        return kinds(post_all(writer, [reversal(transaction)]))[0]

    with another_store(config) as other:
        for transaction in moved:
            outcomes = at_once(8, lambda turn, transaction=transaction: reverse((store, other)[turn % 2], transaction))
            assert sorted(each.__name__ for each in outcomes) == ["AlreadyReversed"] * 7 + ["Recorded"]
    assert [balance(store, number) for number in numbers] == [1_000] * 5
    assert is_sound(store)


# ---- time ------------------------------------------------------------------------------------------------------------


def test_time_never_falls_along_an_account_while_the_clock_does(store: Store, config: Config) -> None:
    number, clock = an_account(store), MovableClock()
    with another_store(config, clock) as writer:
        for _ in range(4):
            writer.journal.post(deposit(number, 10))
            clock.forward(timedelta(hours=-7))
    written = list(store.database["entries"].find({"account_id": number}).sort("seq"))
    assert len(written) == 4
    assert all(before["created_at"] <= after["created_at"] for before, after in pairwise(written))
    assert all(before["_id"] < after["_id"] for before, after in pairwise(written))
    assert is_sound(store)


class StoppedClock:
    """A clock that shows one instant."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant


def test_the_business_date_is_the_day_in_the_banks_timezone_and_never_falls(store: Store, config: Config) -> None:
    number = an_account(store)
    noon = StoppedClock(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    days = []
    for timezone in ("America/New_York", "Pacific/Auckland", "America/New_York"):
        own = replace(config, bank_timezone=timezone)
        writer = Journal(store.client, store.database, own, clock=noon, clock_guard=store.clock_guard)
        days.append(writer.post(deposit(number, 10)).transaction.business_date)
        writer.close()
    assert days == ["2026-03-01", "2026-03-02", "2026-03-02"]


# ---- what is refused before it is tried ------------------------------------------------------------------------------


def test_an_in_memory_database_can_not_move_money(config: Config) -> None:
    with another_store(config, mongo_uri="mongomock://") as store, pytest.raises(PostingNotSupported):
        store.journal.post(deposit("123", 100))


def test_more_requests_than_the_queue_holds_are_refused_whole(store: Store, config: Config) -> None:
    number = an_account(store)
    with another_store(config, journal_queue_max=3) as writer:
        with pytest.raises(ServerBusy) as refusal:
            post_all(writer, [deposit(number, 10) for _ in range(4)])
        assert refusal.value.retry_after_s == 1
        assert balance(store, number) == 0
        assert kinds(post_all(writer, [deposit(number, 10) for _ in range(3)])) == [Recorded] * 3
        assert writer.journal.queue_depth == 0


@pytest.mark.parametrize(
    ("collection", "field", "value"),
    [
        ("accounts", "balance", 0.1),
        ("accounts", "balance", 100),
        ("accounts", "balance", Int64(10**18 + 1)),
        ("accounts", "balance", float("inf")),
        ("accounts", "held", Int64(-1)),
        ("entries", "amount", 10.0),
        ("entries", "balance_after", Int64(-(10**18) - 1)),
        ("transactions", "postings.0.amount", Int64(10**15 + 1)),
        ("transactions", "surprise", 1),
        ("holds", "remaining", True),
    ],
)
def test_the_database_itself_refuses_money_that_is_not_whole_or_out_of_range(
    store: Store, collection: str, field: str, value: object
) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(hold(number, 100))
    with pytest.raises(WriteError, match="failed validation"):
        store.database[collection].update_one({}, {"$set": {field: value}})
    with pytest.raises(WriteError, match="failed validation"):
        store.database["accounts"].update_one({"_id": number}, {"$inc": {"balance": 0.5}})
