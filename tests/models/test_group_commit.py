"""Neighbours in a batch: one in trouble must not trouble the others, and nobody is answered with a guess."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from pymongo.errors import AutoReconnect, OperationFailure
from structlog.testing import capture_logs

from app.domain.errors import AccountBusy, BankError, DatabaseUnavailable, OutcomeUnknown, ServerBusy
from app.domain.ledger.book import Recorded
from app.models.budget import database_time
from app.models.group_commit import GroupCommit
from app.models.posting import GuardedWrite, Poster, Request
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, deposit, post_all, some_accounts, withdrawal
from tests.fail_points import failing, named_store
from tests.parallel import at_once
from tests.processes import wait_until

DEADLINE_S = 1.5
ANSWER_S_MAX = 6.0
PATIENCE_S = 20.0


@pytest.fixture
def named(config: Config, store: Store) -> Iterator[Store]:
    """A second store on the same database whose commands alone a fail point can catch, with a short deadline."""
    other = named_store(replace(config, posting_deadline_ms=int(DEADLINE_S * 1000)))
    yield other
    other.close()


@contextmanager
def transaction_left_open(store: Store, number: str) -> Iterator[None]:
    """Hold an account as a killed writer does: a transaction has written it and says nothing more."""
    with store.client.start_session() as session:
        session.start_transaction()
        store.database["accounts"].update_one({"_id": number}, {"$set": {"blocked": True}}, session=session)
        yield
        session.abort_transaction()


def balance(store: Store, number: str) -> int:
    return store.accounts.get_customer_account(number).balance


def test_an_account_held_by_somebody_else_is_refused_at_its_deadline_and_nothing_moves(named: Store) -> None:
    number = an_account(named)
    with transaction_left_open(named, number):
        start = time.monotonic()
        with pytest.raises(AccountBusy):
            named.journal.post(deposit(number, 100))
        assert time.monotonic() - start < ANSWER_S_MAX
    named.journal.post(deposit(number, 7))
    assert balance(named, number) == 7


def test_an_account_that_becomes_free_in_time_takes_those_who_waited_for_it(store: Store) -> None:
    number, other = some_accounts(store, 2)
    answers: list[Recorded] = []
    with transaction_left_open(store, number):
        waiting = [
            threading.Thread(target=lambda: answers.append(store.journal.post(deposit(number, 100)))) for _ in range(5)
        ]
        for thread in waiting:
            thread.start()
        assert store.journal.post(deposit(other, 100)).entries[0].seq == 1
        assert not answers
    for thread in waiting:
        thread.join()
    assert sorted(answer.entries[0].seq for answer in answers) == [1, 2, 3, 4, 5]


def test_neighbours_in_the_same_batch_as_a_held_account_are_posted(named: Store) -> None:
    numbers = some_accounts(named, 9)
    with transaction_left_open(named, numbers[4]):
        outcomes = post_all(named, [deposit(number, 100) for number in numbers])
    assert [isinstance(outcome, Recorded) for outcome in outcomes] == [number != numbers[4] for number in numbers]
    assert isinstance(outcomes[4], AccountBusy)
    assert [balance(named, number) for number in numbers] == [0 if number == numbers[4] else 100 for number in numbers]


def test_nobody_else_waits_for_an_account_on_which_a_transaction_was_left_open(store: Store) -> None:
    stuck, *others = some_accounts(store, 9)
    waiting = [threading.Thread(target=store.journal.post, args=(deposit(stuck, 1),)) for _ in range(4)]

    def work(which: int) -> None:
        for _ in range(5):
            store.journal.post(deposit(others[which], 1))

    with transaction_left_open(store, stuck):
        for caller in waiting:
            caller.start()
        at_once(8, work)
        assert all(caller.is_alive() for caller in waiting)
    for caller in waiting:
        caller.join()
    assert [balance(store, number) for number in (stuck, *others)] == [4] + 8 * [5]


def test_poison_fails_alone(store: Store) -> None:
    good, bad, also_good = some_accounts(store, 3)
    unacceptable = GuardedWrite("holds", {"_id": "h"}, ServerBusy(), insert={"_id": "h", "amount": 1.5})
    units = [
        Request(deposit(good, 100)),
        Request(deposit(bad, 100), also=(unacceptable,)),
        Request(deposit(also_good, 100)),
    ]
    with pytest.raises(OperationFailure, match="validation"):
        store.journal.post_many(units)
    assert [balance(store, number) for number in (good, bad, also_good)] == [100, 0, 100]


def test_neighbours_of_poison_are_posted_in_the_order_they_came(store: Store) -> None:
    good, bad = some_accounts(store, 2)
    unacceptable = GuardedWrite("holds", {"_id": "h"}, ServerBusy(), insert={"_id": "h", "amount": 1.5})
    poison = Request(deposit(bad, 100), also=(unacceptable,))
    with pytest.raises(OperationFailure, match="validation"):
        store.journal.post_many([Request(deposit(good, 100)), Request(withdrawal(good, 100)), poison])
    found = store.accounts.get_customer_account(good)
    assert (found.balance, found.seq) == (0, 2)


def test_a_commit_that_fails_once_without_an_answer_is_done_exactly_once(named: Store) -> None:
    number = an_account(named)
    with failing(named, "commitTransaction", mode={"times": 2}, closeConnection=True):
        recorded = named.journal.post(deposit(number, 100))
    assert (recorded.replayed, balance(named, number)) == (False, 100)


def test_a_commit_that_happens_but_is_answered_with_an_error_is_done_exactly_once(named: Store) -> None:
    """The server commits, then says that the write concern failed: the ids tell that it happened."""
    number = an_account(named)
    concern_failed = {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out"}
    with failing(named, "commitTransaction", mode={"times": 2}, writeConcernError=concern_failed):
        recorded = named.journal.post(deposit(number, 100))
    assert (recorded.replayed, balance(named, number)) == (False, 100)
    assert recorded.entries[0].seq == 1


def test_a_commit_whose_wait_for_a_majority_is_interrupted_is_of_unknown_outcome(named: Store) -> None:
    """The server commits, then an operator ends the wait: of this error the driver does not say what it means."""
    numbers = some_accounts(named, 2)
    interrupted = {"code": 11601, "codeName": "Interrupted", "errmsg": "operation was interrupted"}
    with failing(named, "commitTransaction", mode={"times": 1}, writeConcernError=interrupted):
        assert not named.journal.post(deposit(numbers[0], 7)).replayed
    with failing(named, "commitTransaction", writeConcernError=interrupted):
        outcomes = post_all(named, [deposit(number, 100) for number in numbers])
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, OutcomeUnknown]
    _until_answered(lambda: named.journal.post(deposit(numbers[1], 7)))  # with a majority, as are those before it
    assert [balance(named, number) for number in numbers] == [107, 107]


def test_a_batch_of_unknown_outcome_is_tried_again_as_of_the_same_time(
    named: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then a hold may have expired, and be refused while the first commit is still on its way."""
    number = an_account(named, balance=100)
    times = []
    post = Poster.post

    def noting_the_time(*given: Any, **how: Any) -> Any:
        times.append(how["now"])
        return post(*given, **how)

    monkeypatch.setattr(Poster, "post", noting_the_time)
    with failing(named, "commitTransaction", closeConnection=True), pytest.raises(OutcomeUnknown):
        named.journal.post(deposit(number, 100))
    assert len(times) > 1
    assert len(set(times)) == 1
    _until_answered(lambda: named.journal.post(deposit(number, 100)))
    assert times[-1] > times[0]


@pytest.mark.parametrize("did_happen", [True, False])
def test_an_outcome_that_stays_unknown_names_the_key_and_a_retry_has_one_effect(named: Store, did_happen: bool) -> None:
    number = an_account(named)
    intent = deposit(number, 100, key="k-1", idempotency_key="k-1")
    how: dict[str, Any] = (
        {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "timed out"}}
        if did_happen
        else {"closeConnection": True}
    )
    with failing(named, "commitTransaction", **how):
        start = time.monotonic()
        with pytest.raises(OutcomeUnknown) as unknown:
            named.journal.post(intent)
        assert time.monotonic() - start < ANSWER_S_MAX
    assert unknown.value.idempotency_key == "k-1"
    again = _until_answered(lambda: named.journal.post(intent))
    assert (again.replayed, balance(named, number)) == (did_happen, 100)


def test_neighbours_of_an_unknown_outcome_are_answered_with_the_truth(named: Store) -> None:
    numbers = some_accounts(named, 4)
    with failing(named, "commitTransaction", mode={"times": 2}, closeConnection=True):
        outcomes = post_all(named, [withdrawal(numbers[0], 1), *(deposit(number, 100) for number in numbers[1:])])
    assert [type(outcome).__name__ for outcome in outcomes] == ["InsufficientFunds", "Recorded", "Recorded", "Recorded"]
    assert [balance(named, number) for number in numbers] == [0, 100, 100, 100]


def test_a_database_that_does_not_answer_is_told_in_time_and_nothing_moves(named: Store) -> None:
    number = an_account(named)
    with failing(named, "find", closeConnection=True):
        start = time.monotonic()
        with pytest.raises((DatabaseUnavailable, ServerBusy)):
            named.journal.post(deposit(number, 100))
        assert time.monotonic() - start < ANSWER_S_MAX
    assert balance(named, number) == 0
    named.journal.post(deposit(number, 5))
    assert balance(named, number) == 5


@pytest.mark.parametrize("broken", ["_put_aside", "_retry"])
def test_a_fault_of_a_lane_itself_leaves_nobody_waiting_and_the_lane_goes_on(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Such as a log that can't be written: the lanes are all that this process posts with."""
    number, other = some_accounts(store, 2)
    patient = Store.open(replace(config, posting_deadline_ms=int(1_000 * PATIENCE_S)))
    with transaction_left_open(store, number), monkeypatch.context() as patch, capture_logs() as logged:
        patch.setattr(GroupCommit, broken, Mock(side_effect=OSError("broken pipe")))
        start = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            patient.journal.post(deposit(number, 100))
        assert time.monotonic() - start < PATIENCE_S
        wait_until(lambda: "journal_lane_failed" in [each["event"] for each in logged])
    patient.journal.post(deposit(other, 7))
    with transaction_left_open(store, number), database_time(DEADLINE_S), pytest.raises(AccountBusy):
        patient.journal.post(deposit(number, 100))
    assert patient.journal.queue_depth == 0
    patient.journal.post(deposit(number, 7))
    assert [balance(store, each) for each in (number, other)] == [7, 7]
    patient.close()


def test_many_requests_handed_in_at_once_are_answered_as_soon_as_one(
    named: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that is late for all of them is waited for once, not once for each."""

    def post_late(*_: object, **__: object) -> None:
        time.sleep(DEADLINE_S + 3)
        raise AutoReconnect

    number = an_account(named)
    monkeypatch.setattr(Poster, "post", post_late)
    start = time.monotonic()
    outcomes = post_all(named, [deposit(number, 1) for _ in range(10)])
    assert time.monotonic() - start < DEADLINE_S + 2.5  # ten waits would be eight seconds
    assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown}


@pytest.mark.parametrize("command", ["find", "update", "insert", "abortTransaction", "commitTransaction"])
@pytest.mark.parametrize("code", [6, 91, 112, 189, 251, 11602])
def test_any_command_of_a_posting_may_fail_once_and_the_posting_happens_once(
    named: Store, command: str, code: int
) -> None:
    """Network, shutdown, conflict, stepping down, a transaction given up, interruption: each command, each code."""
    number = an_account(named)
    intent = deposit(number, 100)
    with failing(named, command, mode={"times": 1}, errorCode=code):
        _until_answered(lambda: named.journal.post(intent))
    assert balance(named, number) == 100
    assert named.journal.post(intent).replayed


def test_two_writers_on_one_hot_account_lose_and_double_nothing(store: Store, config: Config) -> None:
    number = an_account(store, balance=100_000)
    other = Store.open(config)

    def work(which: int) -> int:
        journal = (store, other)[which % 2].journal
        return sum(_refused(lambda: journal.post(withdrawal(number, 10))) == 0 for _ in range(20))

    succeeded = sum(at_once(8, work))
    other.close()
    assert balance(store, number) == 100_000 - 10 * succeeded
    assert succeeded == 160


def _until_answered(post: Callable[[], Recorded]) -> Recorded:
    """Retry as a caller does who is told 503: the server gives a lost transaction up within seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            return post()
        except (AccountBusy, DatabaseUnavailable, OutcomeUnknown, ServerBusy):
            continue
    return post()


def _refused(post: Callable[[], object]) -> int:
    try:
        post()
    except BankError:
        return 1
    return 0


def test_closing_finishes_what_was_accepted_and_takes_nothing_more(store: Store, config: Config) -> None:
    number = an_account(store)
    other = Store.open(config)
    answers: list[int] = []
    callers = [
        threading.Thread(target=lambda: answers.append(_refused(lambda: other.journal.post(deposit(number, 1)))))
        for _ in range(50)
    ]
    for caller in callers:
        caller.start()
    other.journal.close()
    for caller in callers:
        caller.join()
    assert balance(store, number) == answers.count(0)
    with pytest.raises(ServerBusy):
        other.journal.post(deposit(number, 1))
    other.close()
