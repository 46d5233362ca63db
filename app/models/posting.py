"""One batch of intents in one MongoDB transaction, with a constant number of commands whatever the batch's length."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from zoneinfo import ZoneInfo

import pymongo
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from app.domain.accounts import is_internal
from app.domain.clock import Clock, business_date
from app.domain.errors import BankError
from app.domain.ledger.book import Book, Outcome, Recorded
from app.domain.ledger.draft import Moment
from app.domain.ledger.intents import CaptureHold, ExpireHold, Intent, ReleaseHold, Reverse
from app.domain.ledger.rules import apply
from app.models.accounts import Accounts
from app.models.collection import Document
from app.models.connection import MAJORITY, is_conflict, is_unavailable
from app.models.entries import Entries
from app.models.holds import Holds
from app.models.lookups import Lookups
from app.models.transactions import Transactions

COMMIT_RETRY_S = 0.5
ABORT_S = 0.3
TIMEOUT_S_MIN = 0.001  # to the driver, 0 is no limit
_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class GuardedWrite:
    """A write of one other document that stands or falls with an intent: an approval used up, a loan inserted.

    `update` changes the document that `guard` finds (its `_id` and the state relied upon): one that leaves it as it is
    would not conflict with whoever changes it meanwhile, and is refused as a programming error. `insert` adds one whose
    `_id` must be new. Where the guard does not hold, the intent is refused with `refusal` and nothing of it happens.
    """

    collection: str
    guard: Document
    refusal: BankError
    update: Document | None = None
    insert: Document | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """A new document that is written with an intent, whatever else there is: an audit record, an event."""

    collection: str
    document: Document


@dataclass(frozen=True, slots=True)
class Request:
    """An intent, and the writes of other documents that go with it."""

    intent: Intent
    also: tuple[GuardedWrite | Append, ...] = ()

    @property
    def guarded(self) -> list[GuardedWrite]:
        return [write for write in self.also if isinstance(write, GuardedWrite)]

    @property
    def appended(self) -> list[Append]:
        return [write for write in self.also if isinstance(write, Append)]


class Fault(Enum):
    """What a failed attempt means for what to do next."""

    CONFLICT = auto()  # somebody else holds a document: nothing happened, try again
    UNAVAILABLE = auto()  # the database went away before the commit: nothing happened, try again
    UNKNOWN = auto()  # the commit was sent and not answered: only the ids can tell
    POISON = auto()  # this batch fails for good


class CommitUnanswered(Exception):
    """The commit was sent, and what came back does not tell whether it happened."""


class _GuardMissed(Exception):
    def __init__(self, index: int, refusal: BankError) -> None:
        self.index = index
        self.refusal = refusal


class Poster:
    """Posts batches. Not thread-safe by need, but without state of its own: each call is one transaction."""

    def __init__(
        self,
        client: MongoClient[Document],
        database: Database[Document],
        *,
        clock: Clock,
        timezone: ZoneInfo,
    ) -> None:
        self._client = client
        self._database = database
        self._clock = clock
        self._timezone = timezone
        self._accounts = Accounts(database, Lookups(database))
        self._transactions = Transactions(database)
        self._entries = Entries(database)
        self._holds = Holds(database)

    def now(self) -> datetime:
        return self._clock.now()

    def post(
        self,
        requests: Sequence[Request],
        *,
        stripe: int,
        timeout_s: float,
        now: datetime | None = None,
        claims: bool = False,
    ) -> list[Outcome]:
        """Post all requests in one transaction and return an outcome for each, in order.

        `now` is the time that the rules go by, if it is not the present: a batch of unknown outcome keeps its first,
        else a hold that expires meanwhile could be refused while the attempt before is still on its way.
        With `claims` the accounts are held from the first command on, not only once they are written: a large batch
        would else start in vain again and again, as long as somebody posts to one of its accounts without a pause.

        When it returns, everything recorded is on a majority and journaled. When it raises, `classify` tells what is
        known: nothing happened, or (Fault.UNKNOWN) everything or nothing did.
        """
        refused: dict[int, BankError] = {}
        give_up = time.monotonic() + timeout_s
        while True:
            with self._client.start_session() as session:
                session.start_transaction(ReadConcern("snapshot"), MAJORITY)
                try:
                    with pymongo.timeout(max(TIMEOUT_S_MIN, give_up - time.monotonic())):
                        if claims:
                            self._claim(requests, session)
                        outcomes = self._work(requests, refused, stripe, session, now or self.now())
                        _commit(session)
                        return outcomes
                except _GuardMissed as missed:
                    refused[missed.index] = missed.refusal
                finally:
                    _let_go(session)

    def touched(self, request: Request) -> set[str]:
        """Name the documents that a request will write and others may hold: what it conflicts over.

        A hold's account or a reversal's are not known before they are read; the hold or original stands for them.
        """
        intent = request.intent
        names = {account_id for account_id in intent.accounts if not is_internal(account_id)}
        if intent.refers_to is not None:
            names.add(intent.refers_to)
        return names | {f"{write.collection}/{write.guard['_id']}" for write in request.guarded}

    def _work(
        self,
        requests: Sequence[Request],
        refused: dict[int, BankError],
        stripe: int,
        session: ClientSession,
        now: datetime,
    ) -> list[Outcome]:
        live = [index for index in range(len(requests)) if index not in refused]
        book = self._read([requests[index].intent for index in live], stripe, session)
        moment = Moment(now, business_date(now, self._timezone))
        applied: list[Outcome] = []
        appended: list[Append] = []
        for index in live:
            guarded = requests[index].guarded
            trial = book.copy() if guarded else book
            (outcome,) = apply(trial, [requests[index].intent], moment)
            if isinstance(outcome, Recorded) and not outcome.replayed:
                refusal = self._write_guarded_all(index, guarded, session)
                if refusal is not None:
                    trial, outcome = book, refusal
                else:
                    appended += requests[index].appended
            book = trial
            applied.append(outcome)
        self._write(book, session)
        self._append(appended, session)
        by_index: dict[int, Outcome] = dict(zip(live, self._with_entries(applied, book, session), strict=True))
        return [by_index.get(index) or refused[index] for index in range(len(requests))]

    def _claim(self, requests: Sequence[Request], session: ClientSession) -> None:
        named = {name for request in requests for name in request.intent.accounts if not is_internal(name)}
        if named:
            self._accounts.claim(named, session=session)

    def _read(self, intents: Sequence[Intent], stripe: int, session: ClientSession) -> Book:
        """Read what the rules need: known ids and originals, holds where any are meant, then the accounts."""
        book = Book(stripe=stripe)
        originals = [intent.transaction_id for intent in intents if isinstance(intent, Reverse)]
        ids = [intent.id for intent in intents] + originals
        for known in self._transactions.find_many(ids, reversed_ids=originals, session=session):
            book.transactions[known.id] = known
            if known.reverses is not None:
                book.reversals[known.reverses] = known.id
        hold_ids = [i.hold_id for i in intents if isinstance(i, CaptureHold | ReleaseHold | ExpireHold)]
        if hold_ids:
            book.holds.update(self._holds.find_many(hold_ids, session=session))
        needed = {name for intent in intents for name in book.accounts_needed(intent)}
        book.accounts.update(self._accounts.find_many(needed, session=session))
        return book

    def _write_guarded_all(
        self, index: int, writes: Sequence[GuardedWrite], session: ClientSession
    ) -> BankError | None:
        """Make the writes that go with a request, or return the refusal of the first if its guard does not hold.

        Raises:
            _GuardMissed: something was written before a guard did not hold: the transaction must start anew without.
        """
        for position, write in enumerate(writes):
            if not self._write_guarded(index, write, session):
                if position == 0:
                    return write.refusal
                raise _GuardMissed(index, write.refusal)
        return None

    def _write_guarded(self, index: int, write: GuardedWrite, session: ClientSession) -> bool:
        collection = self._database[write.collection]
        if write.insert is None:
            written = collection.update_one(write.guard, write.update or {}, session=session)
            if written.matched_count > written.modified_count:
                raise ValueError("a guarded write must change its document, else others may do so unseen")
            return written.matched_count == 1
        if collection.find_one(write.guard, {"_id": 1}, session=session) is not None:
            return False
        try:
            collection.insert_one(write.insert, session=session)
        except DuplicateKeyError as taken:  # of another unique index; the server has given the transaction up
            raise _GuardMissed(index, write.refusal) from taken
        return True

    def _write(self, book: Book, session: ClientSession) -> None:
        changed = book.changed_accounts - book.new_accounts
        if changed:
            states = [book.accounts[name] for name in changed]
            self._accounts.write_states(states, whole=book.changed_terms, session=session)
        if book.new_accounts:
            self._accounts.insert_many([book.accounts[name] for name in book.new_accounts], session=session)
        if book.changed_holds:
            self._holds.put_many([book.holds[name] for name in book.changed_holds], session=session)
        if book.new_transactions:
            self._transactions.insert_many(book.new_transactions, session=session)
        if book.new_entries:
            self._entries.insert_many(book.new_entries, session=session)

    def _append(self, writes: Sequence[Append], session: ClientSession) -> None:
        by_collection: defaultdict[str, list[Document]] = defaultdict(list)
        for write in writes:
            by_collection[write.collection].append(write.document)
        for name, documents in by_collection.items():
            self._database[name].insert_many(documents, session=session)

    def _with_entries(self, outcomes: Sequence[Outcome], book: Book, session: ClientSession) -> list[Outcome]:
        """Give replays the entries that their transaction made, so that the first answer can be given again."""
        entries = {entry.id: entry for entry in book.new_entries}
        replays = [o.transaction for o in outcomes if isinstance(o, Recorded) and o.replayed]
        wanted = [posting.entry_id for replayed in replays for posting in replayed.postings]
        missing = [entry_id for entry_id in wanted if entry_id not in entries]
        if missing:
            entries |= self._entries.find_many(missing, session=session)
        return [
            replace(outcome, entries=tuple(entries[posting.entry_id] for posting in outcome.transaction.postings))
            if isinstance(outcome, Recorded) and outcome.replayed
            else outcome
            for outcome in outcomes
        ]


def _commit(session: ClientSession) -> None:
    """Commit, and ask again for a while where the answer got lost: committing twice is committing once.

    Raises:
        PyMongoError: the server knows no such transaction; nothing of it happened.
        CommitUnanswered: whatever else came instead of an answer.
    """
    give_up = time.monotonic() + COMMIT_RETRY_S
    while True:
        try:
            return session.commit_transaction()
        except Exception as error:
            labels = error if isinstance(error, PyMongoError) else PyMongoError()
            if labels.has_error_label("TransientTransactionError"):
                raise
            if not labels.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > give_up:
                raise CommitUnanswered from error


def _let_go(session: ClientSession) -> None:
    """Abort what was not committed, so that its accounts are free at once; with the database gone don't wait long."""
    if session.in_transaction:
        with pymongo.timeout(ABORT_S):
            session.abort_transaction()


def classify(error: Exception) -> Fault:
    """Tell what a failed attempt means. A commit's error never says whether it happened: that is UNKNOWN."""
    if isinstance(error, CommitUnanswered):
        return Fault.UNKNOWN
    if not isinstance(error, PyMongoError):
        return Fault.POISON
    if isinstance(error, DuplicateKeyError) or _is_duplicate(error):
        return Fault.CONFLICT  # another process recorded the same key meanwhile: the next attempt reads it
    if is_conflict(error):
        return Fault.CONFLICT
    if error.has_error_label("TransientTransactionError") or is_unavailable(error):
        return Fault.UNAVAILABLE
    return Fault.POISON


def _is_duplicate(error: PyMongoError) -> bool:
    if not isinstance(error, BulkWriteError):
        return False
    return all(each["code"] == _DUPLICATE_KEY for each in error.details["writeErrors"]) and bool(
        error.details["writeErrors"]
    )
