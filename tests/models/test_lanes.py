"""The two lanes of group commit, with faults planted at attempts: who is tried with whom, when, and answered how."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from app.domain.errors import AccountBusy, DatabaseUnavailable, InsufficientFunds, OutcomeUnknown, ServerBusy
from app.domain.ledger.book import Outcome, Recorded
from app.domain.ledger.intents import Intent, Leg
from app.models.group_commit import ATTEMPT_S_MIN, GroupCommit, Unit
from app.models.posting import CommitUnanswered, Poster, Request
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, deposit, posting_of, some_accounts, withdrawal
from tests.processes import wait_until

MAIN, ASIDE = 4, 5
SOON_S, LONG_S = 2.0, 20.0
CONFLICT = OperationFailure("somebody else writes it", 112)


@dataclass(frozen=True)
class Attempt:
    """What the poster was asked for once."""

    ids: tuple[str, ...]
    stripe: int
    now: datetime
    timeout_s: float
    claims: bool


@dataclass
class WatchedPoster(Poster):
    """The real poster, noting each attempt; the first attempts fail by the faults, in order, instead of posting.

    With `only`, the first attempts at that intent.
    """

    store: Store
    faults: list[Exception] = field(default_factory=list)
    only: Intent | None = None
    before: Callable[[Attempt], object] = lambda _: None
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.store.client, self.store.database, clock=self.store.clock, timezone=ZoneInfo("UTC"))

    def post(self, requests: Sequence[Request], **how: Any) -> list[Outcome]:
        attempt = Attempt(tuple(each.intent.id for each in requests), **how)
        self.attempts.append(attempt)
        self.before(attempt)
        if self.faults and (self.only is None or self.only.id in attempt.ids):
            raise self.faults.pop(0)
        return super().post(requests, **how)

    def tries_of(self, intent: Intent) -> list[Attempt]:
        return [attempt for attempt in self.attempts if intent.id in attempt.ids]


class Gate:
    """Stops the first attempt until it is opened."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, _: Attempt) -> None:
        self.reached.set()
        assert self._open.wait(LONG_S)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def poster(store: Store) -> WatchedPoster:
    return WatchedPoster(store)


@pytest.fixture
def lanes(poster: WatchedPoster) -> Iterator[GroupCommit]:
    group_commit = GroupCommit(poster, claim_stripes=lambda: (MAIN, ASIDE), queue_max=100, batch_max=50)
    yield group_commit
    group_commit.close()


def submit(lanes: GroupCommit, *intents: Intent, within_s: float = LONG_S) -> list[Unit]:
    """Hand intents in together."""
    return lanes.submit(map(Request, intents), deadline=time.monotonic() + within_s)


def outcomes(units: Sequence[Unit]) -> list[Outcome]:
    return [unit.future.result(LONG_S + 5) for unit in units]


def kinds(units: Sequence[Unit]) -> list[type]:
    return [type(outcome) for outcome in outcomes(units)]


def balances(store: Store, *numbers: str) -> list[int]:
    return [store.accounts.get_customer_account(number).balance for number in numbers]


# ---- a batch of unknown outcome --------------------------------------------------------------------------------------


def test_a_batch_of_unknown_outcome_stays_as_it_is_whatever_comes_next(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    """It may have happened: with others in it, or as of another time, it would not be the same any more."""
    numbers = some_accounts(store, 3)
    first = [deposit(number, 100) for number in numbers]
    newcomer = deposit(numbers[0], 7)
    poster.only = first[0]
    poster.faults += [CommitUnanswered(), AutoReconnect(), CONFLICT, ValueError(), CommitUnanswered()]
    later: list[Unit] = []

    def newcomer_comes(attempt: Attempt) -> None:
        if len(poster.attempts) == 2:
            later.extend(submit(lanes, newcomer))

    poster.before = newcomer_comes
    units = submit(lanes, *first)
    assert [outcome.replayed for outcome in outcomes(units) if isinstance(outcome, Recorded)] == [False] * 3
    assert kinds(later) == [Recorded]
    tries = poster.tries_of(first[0])
    assert len(tries) == 6
    assert {(each.ids, each.now) for each in tries} == {(tuple(intent.id for intent in first), tries[0].now)}
    assert balances(store, *numbers) == [107, 100, 100]


def test_what_stays_unknown_to_the_end_is_answered_so_whatever_the_last_attempt_said(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    number = an_account(store)
    poster.faults += [CommitUnanswered(), *[CONFLICT] * 1_000]
    units = submit(lanes, deposit(number, 100, idempotency_key="k"), within_s=SOON_S)
    (outcome,) = outcomes(units)
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.idempotency_key == "k"


def test_a_commit_that_gets_lost_after_a_conflict_leaves_an_unknown_outcome_too(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    number = an_account(store)
    poster.faults += [CONFLICT, CONFLICT, CommitUnanswered(), *[CONFLICT] * 1_000]
    assert kinds(submit(lanes, deposit(number, 100), within_s=SOON_S)) == [OutcomeUnknown]


def test_an_effect_found_after_a_lost_commit_is_the_requests_own_and_no_replay(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    intent = deposit(an_account(store), 100)

    def commit_unseen(_: Attempt) -> None:
        if len(poster.attempts) == 1:
            store.journal.post(intent)

    poster.before = commit_unseen
    poster.faults += [CommitUnanswered()]
    (outcome,) = outcomes(submit(lanes, intent))
    assert isinstance(outcome, Recorded)
    assert (outcome.replayed, len(outcome.entries)) == (False, 2)
    (again,) = outcomes(submit(lanes, intent))
    assert isinstance(again, Recorded)
    assert again.replayed


# ---- conflicts -------------------------------------------------------------------------------------------------------


def test_requests_for_an_account_in_trouble_wait_aside_without_a_try_in_the_main_lane(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    number = an_account(store)
    poster.faults += [CONFLICT] * 1_000
    first, second = deposit(number, 1), deposit(number, 2)
    units = submit(lanes, first)
    wait_until(lambda: len(poster.tries_of(first)) > 2)
    units += submit(lanes, second)
    wait_until(lambda: poster.tries_of(second))
    poster.faults.clear()
    assert kinds(units) == [Recorded, Recorded]
    assert {attempt.stripe for attempt in poster.tries_of(first)[2:]} == {ASIDE}
    assert {attempt.stripe for attempt in poster.tries_of(second)} == {ASIDE}


def test_those_who_share_an_account_stay_together_and_in_order_through_a_conflict(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    shared, other = some_accounts(store, 2)
    poster.faults += [CONFLICT] * 2
    units = submit(lanes, deposit(shared, 100), withdrawal(shared, 100), deposit(other, 1))
    assert kinds(units) == [Recorded] * 3
    poster.faults += [CONFLICT] * 5
    assert kinds(submit(lanes, deposit(shared, 100), withdrawal(shared, 100))) == [Recorded] * 2


def test_a_conflict_that_lasts_to_the_deadline_is_told_as_such(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    poster.faults += [CONFLICT] * 1_000
    assert kinds(submit(lanes, deposit(an_account(store), 1), within_s=SOON_S)) == [AccountBusy]


def test_who_touches_many_accounts_claims_them_once_it_waits_aside(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    source, *payees = some_accounts(store, 9)
    legs = [Leg(payee, 1, "USD") for payee in payees]
    wide = posting_of(source, Leg(source, 8, "USD"), Leg("cash-USD", -16, "USD"), *legs)
    narrow = deposit(an_account(store), 1)
    for intent, claims in ((wide, [False, False, True]), (narrow, [False, False, False])):
        poster.faults += [CONFLICT, CONFLICT]
        assert kinds(submit(lanes, intent)) == [Recorded]
        assert [attempt.claims for attempt in poster.tries_of(intent)] == claims


def test_a_batch_of_unknown_outcome_claims_nothing(store: Store, poster: WatchedPoster, lanes: GroupCommit) -> None:
    """A claim changes the accounts: the attempt would not be the same any more."""
    source, *payees = some_accounts(store, 9)
    legs = [Leg(payee, 1, "USD") for payee in payees]
    wide = posting_of(source, Leg(source, 8, "USD"), Leg("cash-USD", -16, "USD"), *legs)
    poster.faults += [CommitUnanswered()]
    assert kinds(submit(lanes, wide)) == [Recorded]
    assert [attempt.claims for attempt in poster.attempts] == [False, False]


# ---- a database that is away -----------------------------------------------------------------------------------------


def test_a_batch_waits_together_for_a_database_that_is_away(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    numbers = some_accounts(store, 3)
    poster.faults += [AutoReconnect()]
    assert kinds(submit(lanes, *(deposit(number, 1) for number in numbers))) == [Recorded] * 3
    assert [len(attempt.ids) for attempt in poster.attempts] == [3, 3]


def test_a_database_that_stays_away_is_told_as_such(store: Store, poster: WatchedPoster, lanes: GroupCommit) -> None:
    poster.faults += [AutoReconnect() for _ in range(1_000)]
    assert kinds(submit(lanes, deposit(an_account(store), 1), within_s=SOON_S)) == [DatabaseUnavailable]


def test_an_attempt_gets_the_time_that_its_requests_have_left(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    """A little more at least, else an attempt close to the end would be in vain."""
    number = an_account(store)
    for within_s in (0.05, 7.0):
        outcomes(submit(lanes, deposit(number, 1), within_s=within_s))
    assert [attempt.timeout_s <= ATTEMPT_S_MIN for attempt in poster.attempts[:-1]] in ([], [True])
    assert 3.0 < poster.attempts[-1].timeout_s <= 7.0


# ---- who came too late, and the end ----------------------------------------------------------------------------------


def test_who_gave_up_while_queued_is_not_posted_and_troubles_no_neighbour(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    numbers, gate = some_accounts(store, 3), Gate()
    poster.before = gate
    ahead = submit(lanes, deposit(numbers[0], 1))
    assert gate.reached.wait(LONG_S)
    (gone,) = submit(lanes, deposit(numbers[1], 1), within_s=0)
    beside = submit(lanes, deposit(numbers[2], 1))
    assert gone.future.cancel()
    gate.open()
    assert kinds([*ahead, *beside]) == [Recorded, Recorded]
    assert balances(store, *numbers) == [1, 0, 1]


def test_whose_time_was_over_while_queued_is_refused_and_not_posted(
    store: Store, poster: WatchedPoster, lanes: GroupCommit
) -> None:
    numbers, gate = some_accounts(store, 2), Gate()
    poster.before = gate
    ahead = submit(lanes, deposit(numbers[0], 1))
    assert gate.reached.wait(LONG_S)
    late = submit(lanes, deposit(numbers[1], 1), within_s=0)
    gate.open()
    assert kinds([*ahead, *late]) == [Recorded, ServerBusy]
    assert balances(store, *numbers) == [1, 0]


def test_the_queue_takes_no_more_than_it_holds(store: Store, poster: WatchedPoster, lanes: GroupCommit) -> None:
    number, gate = an_account(store), Gate()
    poster.before = gate
    units = submit(lanes, deposit(number, 1))
    assert gate.reached.wait(LONG_S)
    units += submit(lanes, *(deposit(number, 1) for _ in range(100)))
    with pytest.raises(ServerBusy):
        submit(lanes, deposit(number, 1))
    assert lanes.depth == 100
    gate.open()
    assert kinds(units) == [Recorded] * 101
    assert {len(attempt.ids) for attempt in poster.attempts} == {1, 50}


@pytest.mark.parametrize("fault", [None, CONFLICT, AutoReconnect(), CommitUnanswered()])
def test_all_that_was_accepted_is_answered_before_the_lanes_end(
    store: Store, poster: WatchedPoster, lanes: GroupCommit, fault: Exception | None
) -> None:
    numbers, gate = some_accounts(store, 4), Gate()
    poster.before = gate
    poster.faults += [fault] * 3 if fault else []
    units = submit(lanes, deposit(numbers[0], 1))
    assert gate.reached.wait(LONG_S)
    units += submit(lanes, *(deposit(number, 1) for number in numbers[1:]))
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(lanes.close)
        wait_until(lambda: _takes_no_more(lanes))
        gate.open()
        closing.result(LONG_S)
    assert [unit.future.done() for unit in units] == [True] * 4
    assert kinds(units) == [Recorded] * 4
    assert balances(store, *numbers) == [1] * 4


def test_closed_lanes_take_nothing(store: Store, lanes: GroupCommit) -> None:
    lanes.close()
    with pytest.raises(ServerBusy):
        submit(lanes, deposit(an_account(store), 1))
    assert lanes.depth == 0


def _takes_no_more(lanes: GroupCommit) -> bool:
    """Tell whether requests are refused from now on; nothing is handed in to find out."""
    try:
        lanes.submit([], deadline=time.monotonic())
    except ServerBusy:
        return True
    return False


def test_journals_and_their_lanes_post_to_stripes_of_their_own(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they met, all that goes through the bank's cash would conflict."""
    stripes = set()
    for writer in (store, Store.open(config)):
        number = an_account(writer)
        with monkeypatch.context() as patch:
            attempts = _faulty(patch, CONFLICT, CONFLICT)
            writer.journal.post(deposit(number, 1))
        stripes |= {(id(writer), stripe) for stripe in attempts}
        if writer is not store:
            writer.close()
    assert len({stripe for _, stripe in stripes}) == len(stripes) == 4


def _faulty(patch: pytest.MonkeyPatch, *faults: Exception) -> list[int]:
    """Let the first attempts of every poster fail, and return the list that the stripes of all attempts come to."""
    post, left, stripes = Poster.post, list(faults), []

    def failing_first(*given: Any, **how: Any) -> list[Outcome]:
        stripes.append(how["stripe"])
        if left:
            raise left.pop(0)
        return post(*given, **how)

    patch.setattr(Poster, "post", failing_first)
    return stripes


@pytest.mark.parametrize("conflicts", [0, 4])
def test_poison_is_found_and_fails_alone_in_either_lane(
    store: Store, poster: WatchedPoster, lanes: GroupCommit, conflicts: int
) -> None:
    """After four conflicts it has been tried twice with all, twice with its neighbours, and waits aside with those."""
    numbers = some_accounts(store, 2)
    poster.only = bad = deposit(numbers[0], 1)
    poster.faults += [CONFLICT] * conflicts + [ValueError("a fault of the program")] * 10
    units = submit(lanes, deposit(numbers[0], 10), bad, deposit(numbers[0], 20), deposit(numbers[1], 1))
    assert [isinstance(unit.future.exception(LONG_S), ValueError) for unit in units] == [False, True, False, False]
    assert poster.tries_of(bad)[-1].stripe == (ASIDE if conflicts else MAIN)
    assert balances(store, *numbers) == [30, 1]


def test_a_refusal_is_an_answer_and_no_trouble(store: Store, poster: WatchedPoster, lanes: GroupCommit) -> None:
    rich, poor = some_accounts(store, 2)
    units = submit(lanes, withdrawal(poor, 1), deposit(rich, 1))
    assert kinds(units) == [InsufficientFunds, Recorded]
    assert len(poster.attempts) == 1
