"""Posting bulk payments: chunk by chunk, by one thread of each process, and by whoever finds one left behind.

A chunk is one transaction of the ledger under an id of its own, which says what became of each of its lines. So it does
not matter who posts it, nor how often somebody tries: a process may be killed at any moment, and several may be at one
bulk payment at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from app.domain.bulk import Bulk, BulkStatus, chunk_intent, refusals_of
from app.domain.bulk_files import BulkMode, digest_of
from app.domain.errors import ApprovalAltered, BankError, IdempotencyMismatch
from app.domain.operations.bulk_posting import BulkPosting

if TYPE_CHECKING:
    from app.models.store import Store

LEFT_BEHIND_AFTER = timedelta(seconds=15)
"""Longer than a chunk waits for its posting: whoever has not got on in this time is taken for gone."""
_LEFT_BEHIND_MAX = 20
_WAIT_S_MAX = 5.0
_PAUSE_S = 0.2
_log = structlog.get_logger("bank")


def begin_bulk(store: Store, operation: BulkPosting, also: Callable[[ClientSession | None], None]) -> None:
    """Let a bulk payment be posted from now on, with `also` in the same transaction.

    Raises:
        ApprovalAltered: its lines are not those that were approved.
        StateConflict: it has begun already.
    """
    bulk = store.bulks.get(operation.bulk)
    asked = store.transactions.find(bulk.request_id)
    if asked is not None and _digest(store, bulk) != operation.digest:
        raise ApprovalAltered
    approval = asked.metadata["approval"] if asked else None

    def work(session: ClientSession | None) -> None:
        also(session)
        store.bulks.start(bulk.id, approval=approval, now=store.clock.now(), session=session)

    store.transaction(work)
    store.bulk_poster.take(bulk.id)


def _digest(store: Store, bulk: Bulk) -> str:
    chunks = store.bulks.chunks(bulk.id, range(bulk.chunks))
    return digest_of(bulk.source, bulk.mode, [payment for number in range(bulk.chunks) for payment in chunks[number]])


def post_bulk(store: Store, bulk_id: str, *, may_go_on: Callable[[], bool] = lambda: True) -> Bulk:
    """Post what is left of a bulk payment, and return how far it is.

    Raises:
        BankError: the ledger is busy or out of reach; the same call goes on where this one ended.
    """
    bulk = store.bulks.get(bulk_id)
    while bulk.status is BulkStatus.RUNNING and may_go_on():
        payments = store.bulks.chunks(bulk.id, [bulk.done])[bulk.done]
        try:
            recorded = store.journal.post(chunk_intent(bulk, bulk.done, payments))
        except IdempotencyMismatch:  # its key had another effect in the very moment when the file was kept
            return store.bulks.refuse(bulk, now=store.clock.now())
        refused = refusals_of(recorded.transaction)
        none_posted = refused and bulk.mode is BulkMode.ALL_OR_NOTHING
        posted = [] if none_posted else [each.amount for at, each in enumerate(payments) if at not in refused]
        bulk = store.bulks.advance(
            bulk, posted=len(posted), posted_total=sum(posted), refused=len(refused), now=store.clock.now()
        )
    return bulk


def take_up_left_behind(store: Store) -> str:
    """Go on with the bulk payments that somebody began and nobody goes on with, for as long as a job should take."""
    before = store.clock.now() - LEFT_BEHIND_AFTER
    left = store.bulks.find_left_behind(before=before, limit=_LEFT_BEHIND_MAX)
    events = [store.bulk_poster.take(bulk_id) for bulk_id in left]
    give_up = time.monotonic() + _WAIT_S_MAX
    ended = [event.wait(max(0.0, give_up - time.monotonic())) for event in events]
    return f"{len(left)} taken up, {sum(ended)} ended"


class BulkPoster:
    """A thread that posts this process's bulk payments, one after another; one that is stuck lets the others pass."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: deque[str] = deque()
        self._ended: dict[str, threading.Event] = {}
        self._closing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, bulk_id: str) -> threading.Event:
        """Post a bulk payment soon; the event tells when nothing is left of it."""
        with self._changed:
            if bulk_id not in self._ended:
                self._ended[bulk_id] = threading.Event()
                self._queue.append(bulk_id)
                self._changed.notify()
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="bulk-poster", daemon=True)
                self._thread.start()
            return self._ended[bulk_id]

    def close(self) -> None:
        """End after the chunk under way; what is left is for the next process."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (bulk_id := self._next()) is not None:
            try:
                post_bulk(self._store, bulk_id, may_go_on=lambda: not self._closing)
            except (BankError, PyMongoError) as refusal:
                _log.warning("bulk_delayed", bulk=bulk_id, reason=type(refusal).__name__)
                self._later(bulk_id)
            except Exception as fault:  # of one bulk payment: the thread must live on for the others
                _log.error("bulk_failed", bulk=bulk_id, exc_info=fault)
                self._end(bulk_id)
            else:
                self._end(bulk_id)

    def _next(self) -> str | None:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return None if self._closing else self._queue.popleft()

    def _later(self, bulk_id: str) -> None:
        with self._changed:
            self._queue.append(bulk_id)
            self._changed.wait_for(lambda: self._closing, timeout=_PAUSE_S)

    def _end(self, bulk_id: str) -> None:
        with self._changed:
            self._ended.pop(bulk_id).set()
