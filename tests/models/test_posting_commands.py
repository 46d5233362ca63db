"""What one batch's commands say to the server, and what becomes of it where they fail: the poster by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError, WriteError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.domain.errors import StateConflict
from app.domain.ledger.book import Recorded
from app.models.connection import connect
from app.models.posting import Append, CommitUnanswered, Fault, GuardedWrite, Poster, Request, classify
from app.models.store import Store
from config import Config
from tests.factories.ledger import (
    account_state,
    an_account,
    capture,
    deposit,
    hold,
    opening,
    release,
    reversal,
    transfer,
)
from tests.fail_points import failing, named_store

PAPERS = "test_papers"
TIMED_OUT = {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "no word from a majority"}}
"""Of a commit it says nothing but that it should be asked for again; the driver leaves that to the caller."""
STALLED_S = 4.0
ENDLESS_S = 30.0
STALLED = {"blockConnection": True, "blockTimeMS": int(1_000 * STALLED_S)}


class Commands(CommandListener):
    """Keeps every command that is sent, but for those that end sessions."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, Any]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name != "endSessions":
            self.sent.append((event.command_name, event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.sent]


class GivenUp(Commands):
    """Lets the server give each transaction up just before its commit, as it does with one that took too long."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._admin = store.client.admin

    def started(self, event: CommandStartedEvent) -> None:
        super().started(event)
        if event.command_name == "commitTransaction":
            self._admin.command("killSessions", [event.command["lsid"]])


class Meanwhile(Commands):
    """Does something else just before the first command of this name is sent."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__()
        self._name, self._work = name, work

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == self._name and self._name not in self.names:
            self._work()
        super().started(event)


def poster_of(store: Store) -> Poster:
    return Poster(store.client, store.database, clock=store.clock, timezone=ZoneInfo("UTC"))


@contextmanager
def listened_to(config: Config, listener: Commands | None = None) -> Iterator[tuple[Store, Commands]]:
    """Open a second store on the same database whose client is the application's own, and listen to it."""
    commands = listener or Commands()
    client = connect(config.mongo_uri, timeout_ms=config.mongo_timeout_ms, listeners=[commands])
    store = Store(client, config)
    yield store, commands
    store.close()


@pytest.fixture
def named(config: Config, store: Store) -> Iterator[Store]:
    """A second store on the same database whose commands alone a fail point can catch."""
    other = named_store(config)
    yield other
    other.close()


def paper(name: str) -> GuardedWrite:
    return GuardedWrite(PAPERS, {"_id": name}, StateConflict(), insert={"_id": name})


def signing(name: str) -> GuardedWrite:
    return GuardedWrite(PAPERS, {"_id": name}, StateConflict(), update={"$inc": {"signatures": 1}})


def one_of_each(store: Store) -> Sequence[Request]:
    """Return requests that read and write all that a posting can."""
    number, other = an_account(store, balance=1_000), an_account(store)
    known = deposit(number, 5)
    undone = store.journal.post(deposit(number, 7)).transaction.id
    held, taken = (store.journal.post(hold(number, 10)).transaction.id for _ in range(2))
    store.journal.post(known)
    store.database[PAPERS].delete_many({})
    store.database[PAPERS].insert_one({"_id": "old"})
    extra = (signing("old"), paper("new"), Append(PAPERS, {"_id": "event"}))
    intents = [known, transfer(number, other, 3), hold(number, 2), release(held), capture(taken, 4), reversal(undone)]
    return [*map(Request, intents), Request(opening(account_state(), amount=50), also=extra)]


# ---- what is said ----------------------------------------------------------------------------------------------------


def test_every_command_of_a_posting_belongs_to_its_one_transaction(store: Store, config: Config) -> None:
    """The server takes a command without its session for one outside of the transaction, and says nothing."""
    requests = one_of_each(store)
    with listened_to(config) as (other, commands):
        outcomes = poster_of(other).post(requests, stripe=3, timeout_s=3, claims=True)
    assert {type(outcome) for outcome in outcomes} == {Recorded}
    assert len(commands.sent) == len(commands.names) > 14
    assert {name for name, _ in commands.sent} == {"find", "update", "insert", "commitTransaction"}
    transactions = {(str(sent.get("lsid")), sent.get("txnNumber"), sent.get("autocommit")) for _, sent in commands.sent}
    assert len(transactions) == 1
    assert transactions.pop()[2] is False
    assert [index for index, (_, sent) in enumerate(commands.sent) if "startTransaction" in sent] == [0]


def test_a_posting_reads_one_snapshot_and_is_committed_on_a_majority_and_journaled(
    store: Store, config: Config
) -> None:
    request = Request(deposit(an_account(store), 5))
    with listened_to(config) as (other, commands):
        poster_of(other).post([request], stripe=0, timeout_s=3)
    assert commands.sent[0][1]["readConcern"]["level"] == "snapshot"
    assert commands.sent[-1][1]["writeConcern"] == {"w": "majority", "j": True}


def test_accounts_are_claimed_before_anything_is_read(store: Store, config: Config) -> None:
    number = an_account(store)
    with listened_to(config) as (other, commands):
        poster_of(other).post([Request(deposit(number, 5))], stripe=0, timeout_s=3, claims=True)
    assert commands.names == ["update", "find", "find", "update", "insert", "insert", "commitTransaction"]
    claimed = commands.sent[0][1]["updates"][0]
    assert (claimed["q"], claimed["u"]) == ({"_id": {"$in": [number]}}, {"$inc": {"claims": 1}})


def test_the_rules_go_by_the_time_that_is_given(store: Store) -> None:
    earlier = store.clock.now() - timedelta(minutes=5)
    request = Request(deposit(an_account(store), 5))
    (recorded,) = poster_of(store).post([request], stripe=0, timeout_s=3, now=earlier)
    assert isinstance(recorded, Recorded)
    assert recorded.transaction.created_at == earlier


def test_a_request_conflicts_over_its_accounts_what_it_refers_to_and_what_it_guards(store: Store) -> None:
    """Not over the bank's own accounts: each lane has stripes of its own."""
    touched = poster_of(store).touched
    assert touched(Request(transfer("1", "2", 5))) == {"1", "2"}
    assert touched(Request(deposit("1", 5), also=(signing("old"), Append(PAPERS, {})))) == {"1", f"{PAPERS}/old"}
    assert touched(Request(release("a hold"))) == {"a hold"}
    assert touched(Request(reversal("a transaction"))) == {"a transaction"}


# ---- what fails ------------------------------------------------------------------------------------------------------


def test_a_commit_without_an_answer_is_asked_for_again_before_anything_is_done_anew(named: Store) -> None:
    number = an_account(named)
    with failing(named, "commitTransaction", mode={"times": 2}, **TIMED_OUT):
        (recorded,) = poster_of(named).post([Request(deposit(number, 5))], stripe=0, timeout_s=3)
    assert isinstance(recorded, Recorded)
    assert not recorded.replayed
    assert named.accounts.get_customer_account(number).balance == 5


def test_a_commit_that_stays_without_an_answer_is_of_unknown_outcome(named: Store) -> None:
    number = an_account(named)
    told: list[Fault] = []

    def post() -> None:
        try:
            poster_of(named).post([Request(deposit(number, 5))], stripe=0, timeout_s=3)
        except CommitUnanswered as unanswered:
            told.append(classify(unanswered))

    with failing(named, "commitTransaction", **TIMED_OUT):
        posting = threading.Thread(target=post, daemon=True)  # which would not keep the run from ending
        posting.start()
        posting.join(ENDLESS_S)
    assert told == [Fault.UNKNOWN]
    assert named.accounts.get_customer_account(number).balance == 5


def test_a_commit_of_a_transaction_that_the_server_gave_up_did_not_happen(store: Store, config: Config) -> None:
    number = an_account(store)
    with listened_to(config, GivenUp(store)) as (other, commands), pytest.raises(OperationFailure) as given_up:
        poster_of(other).post([Request(deposit(number, 5))], stripe=0, timeout_s=3)
    assert commands.names[-1] == "commitTransaction"
    assert classify(given_up.value) is Fault.CONFLICT
    assert store.accounts.get_customer_account(number).balance == 0


def test_a_key_that_another_process_records_meanwhile_is_a_conflict(store: Store, config: Config) -> None:
    """The next attempt finds it, and answers from it."""
    intent = deposit(an_account(store), 5)

    def record() -> None:
        twin = store.journal.post(deposit(an_account(store), 5)).transaction._replace(id=intent.id)
        with store.client.start_session() as session:
            store.transactions.insert_many([twin], session=session)

    with listened_to(config, Meanwhile("insert", record)) as (other, _), pytest.raises(PyMongoError) as taken:
        poster_of(other).post([Request(intent)], stripe=0, timeout_s=3)
    assert classify(taken.value) is Fault.CONFLICT


def test_an_attempt_ends_in_the_time_that_it_is_given(named: Store) -> None:
    request = Request(deposit(an_account(named), 5))
    with failing(named, "find", mode={"times": 1}, **STALLED):
        begun = time.monotonic()
        with pytest.raises(PyMongoError) as late:
            poster_of(named).post([request], stripe=0, timeout_s=0.3)
        assert time.monotonic() - begun < STALLED_S / 2
    assert classify(late.value) is Fault.UNAVAILABLE


def test_a_transaction_that_can_not_be_aborted_is_not_waited_for(named: Store) -> None:
    """Its caller's neighbours wait for the same thread; the server gives it up by itself."""
    unacceptable = GuardedWrite("holds", {"_id": "h"}, StateConflict(), insert={"_id": "h", "amount": 1.5})
    request = Request(deposit(an_account(named), 5), also=(unacceptable,))
    with failing(named, "abortTransaction", mode={"times": 1}, **STALLED):
        begun = time.monotonic()
        with pytest.raises(OperationFailure):
            poster_of(named).post([request], stripe=0, timeout_s=10)
        assert time.monotonic() - begun < STALLED_S / 2


def test_what_was_not_committed_is_let_go_at_once(store: Store, config: Config) -> None:
    """A fault of the program ends the attempt here: the server knows nothing of it, and would hold the paper on."""
    number = an_account(store)
    store.database[PAPERS].replace_one({"_id": "old"}, {"signatures": 0}, upsert=True)
    looking = GuardedWrite(PAPERS, {"_id": "old"}, StateConflict(), update={"$min": {"signatures": 9}})
    with pytest.raises(ValueError, match="must change its document"):
        poster_of(store).post([Request(deposit(number, 5), also=(signing("old"), looking))], stripe=0, timeout_s=3)
    with listened_to(config) as (other, _):
        poster_of(other).post([Request(deposit(number, 5), also=(signing("old"),))], stripe=0, timeout_s=3)
    assert store.accounts.get_customer_account(number).balance == 5


def test_accounts_that_vanish_or_are_refused_by_their_validator_fail_the_posting(store: Store) -> None:
    kept = store.accounts.get_customer_account(an_account(store))
    with store.client.start_session() as session:
        with session.start_transaction(), pytest.raises(RuntimeError, match="1 of 2 accounts vanished"):
            store.accounts.write_states([kept, account_state()], whole=set(), session=session)
        session.start_transaction()
        with pytest.raises(WriteError, match="validation"):
            store.accounts.write_states([kept._replace(held=-1)], whole=set(), session=session)


def test_the_database_itself_refuses_a_second_reversal_and_a_second_entry_of_one_number(store: Store) -> None:
    """Whatever a writer has overlooked."""
    undone = store.journal.post(deposit(an_account(store), 5))
    done = store.journal.post(reversal(undone.transaction.id))
    twin = done.transaction._replace(id="another")
    with store.client.start_session() as session, pytest.raises(PyMongoError, match="one_reversal_per_transaction"):
        store.transactions.insert_many([twin], session=session)
    line = done.entries[0]._replace(id="another")
    with store.client.start_session() as session, pytest.raises(PyMongoError, match="one_entry_per_number"):
        store.entries.insert_many([line], session=session)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OperationFailure("", 112), Fault.CONFLICT),
        (OperationFailure("", 24), Fault.CONFLICT),
        (OperationFailure("", 246), Fault.CONFLICT),
        (OperationFailure("", 251), Fault.CONFLICT),
        (DuplicateKeyError("", 11000), Fault.CONFLICT),
        (BulkWriteError({"writeErrors": [{"code": 11000}]}), Fault.CONFLICT),
        (BulkWriteError({"writeErrors": [{"code": 121}]}), Fault.POISON),
        (BulkWriteError({"writeErrors": []}), Fault.POISON),
        (OperationFailure("", 10107), Fault.UNAVAILABLE),
        (OperationFailure("", 11602), Fault.UNAVAILABLE),
        (OperationFailure("", 50), Fault.UNAVAILABLE),
        (OperationFailure("", 999, {"errorLabels": ["TransientTransactionError"]}), Fault.UNAVAILABLE),
        (OperationFailure("", 121), Fault.POISON),
        (ValueError(), Fault.POISON),
        (CommitUnanswered(), Fault.UNKNOWN),
    ],
)
def test_an_error_tells_what_to_do_next(error: Exception, fault: Fault) -> None:
    assert classify(error) is fault
