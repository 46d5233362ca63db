"""The one door through which money moves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pymongo import MongoClient, ReturnDocument
from pymongo.database import Database

from app.domain.accounts import STRIPES
from app.domain.clock import Clock
from app.domain.errors import BankError, PostingNotSupported, ServerBusy
from app.domain.ledger.book import Outcome, Recorded
from app.domain.ledger.intents import Intent
from app.models.budget import deadline_within
from app.models.clock_guard import ClockGuard, GuardedClock
from app.models.collection import CollectionSpec, Document
from app.models.group_commit import GroupCommit, Unit
from app.models.posting import Append, GuardedWrite, Poster, Request

if TYPE_CHECKING:
    from config import Config  # for its name alone: config reads the domain

COUNTERS = CollectionSpec("counters")
ANSWER_GRACE_S = 0.8
"""How much longer than the deadline a caller waits, so that the writer, who knows more, answers first."""


class Journal:
    """Posts intents: exactly once per key, all or nothing, on a majority and journaled before the answer.

    One per process. Callers in many threads are posted together; see `group_commit`.
    """

    def __init__(
        self,
        client: MongoClient[Document],
        database: Database[Document],
        config: Config,
        *,
        clock: Clock,
        clock_guard: ClockGuard,
    ) -> None:
        self._clock_guard = clock_guard
        self._counters = database[COUNTERS.name]
        self._supported = not config.uses_mongomock
        self._deadline_s = config.posting_deadline_ms / 1000
        self._commits = GroupCommit(
            Poster(client, database, clock=GuardedClock(clock, clock_guard), timezone=ZoneInfo(config.bank_timezone)),
            claim_stripes=self._claim_stripes,
            queue_max=config.journal_queue_max,
            batch_max=config.journal_batch_max,
        )

    @property
    def queue_depth(self) -> int:
        """How many requests wait to be posted."""
        return self._commits.depth

    def post(self, intent: Intent, *, also: Sequence[GuardedWrite | Append] = ()) -> Recorded:
        """Post one intent, with the writes of other documents that stand or fall with it.

        Raises:
            BankError: the named refusal; nothing of the intent has happened.
            OutcomeUnknown: the deadline passed before the database told; the same intent may be posted again.
        """
        outcome = self.post_many([Request(intent, tuple(also))])[0]
        if isinstance(outcome, BankError):
            raise outcome
        return outcome

    def post_many(self, requests: Sequence[Request]) -> list[Outcome]:
        """Post many intents through the same door, each on its own feet, and return an outcome for each.

        What fails for a reason that nobody foresaw is raised once all the others are answered.

        Raises:
            ClockWrong: what would be posted now would bear a wrong date; nothing was queued.
        """
        if not self._supported:
            raise PostingNotSupported
        self._clock_guard.require_right()
        units = self._commits.submit(requests, deadline=deadline_within(self._deadline_s))
        outcomes: list[Outcome] = []
        faults: list[Exception] = []
        for unit in units:
            try:
                outcomes.append(_outcome(unit))
            except Exception as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        return outcomes

    def close(self) -> None:
        """Finish what was accepted and end."""
        self._commits.close()

    def _claim_stripes(self) -> tuple[int, int]:
        """Take the next pair of stripes: processes started one after another never share one."""
        counter: Document = self._counters.find_one_and_update(  # type: ignore[assignment]  # AFTER an upsert: never None
            {"_id": "journal_writers"}, {"$inc": {"n": 1}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        first = 2 * int(counter["n"]) % STRIPES
        return first, first + 1


def _outcome(unit: Unit) -> Outcome:
    """Wait for a unit's answer; past its deadline say what is certain."""
    try:
        return unit.future.result(timeout=max(0.0, unit.deadline + ANSWER_GRACE_S - time.monotonic()))
    except FutureTimeout:
        if unit.future.cancel():
            return ServerBusy(retry_after_s=1)
        return unit.future.result() if unit.future.done() else unit.outcome_unknown()
