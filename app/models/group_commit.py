"""Group commit: concurrent callers' requests posted together, with neighbours kept apart when one is in trouble.

A caller hands in its request and waits; the main lane's thread takes all that wait and posts them in one transaction,
as databases do with their log. Three rules:

- a refusal answers one request; poison (whatever makes a batch fail for good) is found by splitting;
- a conflict that lasts splits the batch after two tries: those stuck wait aside, on a lane of their own, to their own
  deadline, with every later request for the same documents; everyone else keeps going;
- a batch of unknown outcome is never split or changed: it is tried again as it is, its ids telling what happened.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from app.domain.errors import AccountBusy, BankError, ClockWrong, DatabaseUnavailable, OutcomeUnknown, ServerBusy
from app.domain.ledger.book import Outcome, Recorded
from app.models.posting import Fault, Poster, Request, classify
from app.models.turns import turn

GATHER_S_MAX = 0.005
GATHER_SHARE = 0.5  # float-money: of the time that a batch takes
"""Of the time that the last batch took: no request waits much longer for company than it would without."""
CONFLICT_TRIES = 2
CONFLICT_PAUSE_S = 0.002
UNAVAILABLE_PAUSE_S = 0.1
ASIDE_PAUSE_S = 0.005
ASIDE_PAUSE_S_MAX = 0.1
ATTEMPT_S_MIN = 0.25
CLAIMED_FROM = 8
"""Who touches so many documents takes a while from reading to writing, and holds them from the first command on."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Unit:
    """A request on its way through the lanes."""

    request: Request
    touches: frozenset[str]
    deadline: float
    future: Future[Outcome] = field(default_factory=Future)
    trouble: Fault | None = None
    tried_at: datetime | None = None

    def answer(self, outcome: Outcome) -> None:
        if self.trouble is Fault.UNKNOWN and isinstance(outcome, Recorded) and outcome.replayed:
            outcome = replace(outcome, replayed=False)  # what was found is this request's own first effect
        self.future.set_result(outcome)

    def outcome_unknown(self) -> OutcomeUnknown:
        """Say that nobody knows, and name the key to retry with."""
        return OutcomeUnknown(retry_after_s=1, idempotency_key=self.request.intent.idempotency_key)

    def refuse_late(self) -> None:
        """Answer a request whose deadline has passed while it was certain that nothing of it had happened."""
        refusals: dict[Fault | None, type[BankError]] = {
            Fault.CONFLICT: AccountBusy,
            Fault.UNAVAILABLE: DatabaseUnavailable,
        }
        self.future.set_result(refusals.get(self.trouble, ServerBusy)(retry_after_s=1))


@dataclass(slots=True, eq=False)
class _Group:
    """Requests that wait aside together. `whole`: their outcome is unknown, so they stay together as they are."""

    units: list[Unit]
    whole: bool = False

    @property
    def touches(self) -> set[str]:
        return {name for unit in self.units for name in unit.touches}

    @property
    def is_large(self) -> bool:
        """Tell whether one of the requests touches many documents; many requests for the same are quick."""
        return any(len(unit.touches) >= CLAIMED_FROM for unit in self.units)


class GroupCommit:
    """Two writer threads over a bounded queue: the main lane, and the lane for those who wait aside.

    `claim_stripes` names the stripe of internal accounts that each lane posts to, so that no two lanes meet there.
    """

    def __init__(
        self, poster: Poster, *, claim_stripes: Callable[[], tuple[int, int]], queue_max: int, batch_max: int
    ) -> None:
        self._poster = poster
        self._claim_stripes = claim_stripes
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._stripes: tuple[int, int] | None = None
        self._queue: deque[Unit] = deque()
        self._arrivals: list[Unit] = []
        self._groups: list[_Group] = []
        self._stuck: set[str] = set()
        self._wanted = 1
        self._last_taken = 1
        self._last_took_s = 0.0
        self._closing = False
        self._main_done = False
        self._lock = threading.Lock()
        self._queued = threading.Condition(self._lock)
        self._set_aside = threading.Condition(self._lock)
        self._threads: list[threading.Thread] = []

    @property
    def depth(self) -> int:
        """How many requests wait, in the queue or aside."""
        return len(self._queue) + len(self._arrivals) + sum(len(group.units) for group in self._groups)

    def submit(self, requests: Iterable[Request], *, deadline: float) -> list[Unit]:
        """Queue requests and return them as units whose futures will be answered.

        Raises:
            ServerBusy: the queue is full, or the journal is closing; nothing was queued.
        """
        units = [Unit(each, frozenset(self._poster.touched(each)), deadline) for each in requests]
        with self._queued:
            if self._closing or self.depth + len(units) > self._queue_max:
                raise ServerBusy(retry_after_s=1)
            if not self._threads:
                self._start()
            self._queue.extend(units)
            if len(self._queue) >= self._wanted:
                self._queued.notify()
        return units

    def close(self) -> None:
        """Take nothing more, finish what was accepted, and end the threads."""
        with self._lock:
            self._closing = True
            self._queued.notify_all()
            self._set_aside.notify_all()
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        for name, run in (("journal-main", self._run_main), ("journal-aside", self._run_aside)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    # ---- the main lane -----------------------------------------------------------------------------------------------

    def _run_main(self) -> None:
        while self._wait_for_requests():
            units: list[Unit] = []
            try:
                with turn() as end_turn:
                    units = self._take()
                    began_s = time.monotonic()
                    self._settle(units, posted=end_turn)
                    self._last_took_s = time.monotonic() - began_s
            except Exception as fault:  # of the lane itself: it must live on
                self._answer_after(fault, units)
        with self._lock:
            self._main_done = True
            self._set_aside.notify_all()

    def _wait_for_requests(self) -> bool:
        """Wait until there are requests, and a moment for more. False at the end."""
        with self._queued:
            present = self._last_taken + len(self._queue)
            self._wanted = 1
            while not self._queue:
                if self._closing:
                    return False
                self._queued.wait()
            self._gather(present)
            return True

    def _take(self) -> list[Unit]:
        """Take all requests there are; those that touch a stuck document go aside."""
        with self._lock:
            taken: list[Unit] = []
            while self._queue and len(taken) < self._batch_max:
                unit = self._queue.popleft()
                if not unit.future.set_running_or_notify_cancel():
                    continue
                if self._stuck.isdisjoint(unit.touches):
                    taken.append(unit)
                else:
                    unit.trouble = Fault.CONFLICT
                    self._arrivals.append(unit)
            self._last_taken = len(taken)
            return taken

    def _gather(self, present: int) -> None:
        """Give those who were there when the last batch was answered a moment to come back.

        They would else go in two halves for ever, each waiting for the other, and twice as many batches cost more than
        larger ones.
        """
        self._wanted = min(present, self._batch_max)
        if len(self._queue) < self._wanted and not self._closing:
            self._queued.wait(min(GATHER_S_MAX, GATHER_SHARE * self._last_took_s))

    def _settle(self, units: list[Unit], *, posted: Callable[[], None]) -> None:
        """Post units together and keep splitting until each is answered or waits aside.

        `posted` is called once a batch is, before its callers are answered: they take their time to wake.
        """
        todo = [units]
        while todo:
            batch = _in_time(todo.pop())
            if not batch:
                continue
            error = self._try(batch, posted=posted)
            if error is None:
                continue
            fault = classify(error)
            if fault is Fault.UNAVAILABLE:
                time.sleep(UNAVAILABLE_PAUSE_S)
                todo.append(batch)
            elif fault is Fault.UNKNOWN:
                self._put_aside(_Group(batch, whole=True))
            else:
                todo.extend(reversed(self._split(batch, fault, error)))  # the earlier half first

    def _try(self, batch: Sequence[Unit], *, posted: Callable[[], None]) -> Exception | None:
        """Post a batch, again after a first conflict; return the error that is left."""
        error = self._attempt(batch, lane=0, posted=posted)
        for _ in range(CONFLICT_TRIES - 1):
            if error is None or classify(error) is not Fault.CONFLICT:
                break
            time.sleep(random.uniform(0, CONFLICT_PAUSE_S))  # noqa: S311  # nosec B311  # jitter, not a secret
            error = self._attempt(batch, lane=0, posted=posted)
        return error

    def _split(self, batch: list[Unit], fault: Fault, error: Exception) -> list[list[Unit]]:
        """Halve a batch between those who share no document; what can't be halved waits aside, or has failed."""
        groups = _neighbours(batch) if fault is Fault.CONFLICT else [[unit] for unit in batch]
        if len(groups) > 1:
            middle = len(groups) // 2
            return [[unit for group in half for unit in group] for half in (groups[:middle], groups[middle:])]
        if fault is Fault.CONFLICT:
            self._put_aside(_Group(batch))
        else:
            batch[0].future.set_exception(error)
        return []

    # ---- the lane aside ----------------------------------------------------------------------------------------------

    def _run_aside(self) -> None:
        pause_s = ASIDE_PAUSE_S
        while (groups := self._waiting_aside()) is not None:
            try:
                progress = [self._retry(group) for group in groups]
            except Exception as fault:  # of the lane itself: it must live on
                progress = [True]
                self._answer_after(fault, [unit for group in groups for unit in group.units], leave_groups=groups)
            with self._lock:
                self._groups = [group for group in self._groups if group.units]
                self._mark_stuck()
            pause_s = ASIDE_PAUSE_S if any(progress) else min(2 * pause_s, ASIDE_PAUSE_S_MAX)
            if self._groups:
                time.sleep(random.uniform(0, pause_s))  # noqa: S311  # nosec B311  # jitter, not a secret

    def _waiting_aside(self) -> list[_Group] | None:
        """Wait for groups, give each the newcomers who touch it, and return them. None at the end."""
        with self._set_aside:
            while not self._groups and not self._arrivals:
                if self._closing and self._main_done:
                    return None
                self._set_aside.wait()
            for unit in self._arrivals:
                joined = next((g for g in self._groups if not g.whole and not g.touches.isdisjoint(unit.touches)), None)
                if joined is None:
                    self._groups.append(_Group([unit]))
                else:
                    joined.units.append(unit)
            self._arrivals.clear()
            self._mark_stuck()
            return list(self._groups)

    def _retry(self, group: _Group) -> bool:
        """Try a group again and return whether anybody was answered."""
        if not group.whole:
            waiting = len(group.units)
            group.units = _in_time(group.units)
            if not group.units:
                return waiting > 0
        error = self._attempt(group.units, lane=1, claims=not group.whole and group.is_large)
        if error is None:
            group.units = []
            return True
        fault = classify(error)
        if fault is Fault.UNKNOWN:
            group.whole = True
        elif fault is Fault.POISON and not group.whole:
            self._isolate(group, error)
        if group.whole and time.monotonic() > max(unit.deadline for unit in group.units):
            for unit in group.units:
                unit.future.set_result(unit.outcome_unknown())
            group.units = []
            return True
        return False

    def _isolate(self, group: _Group, error: Exception) -> None:
        if len(group.units) == 1:
            group.units.pop().future.set_exception(error)
            return
        with self._lock:
            self._groups.extend(_Group([unit]) for unit in group.units)
        group.units = []

    def _put_aside(self, group: _Group) -> None:
        log.debug("journal_set_aside", units=len(group.units), outcome_unknown=group.whole)
        with self._set_aside:
            self._groups.append(group)
            self._mark_stuck()
            self._set_aside.notify()

    def _mark_stuck(self) -> None:
        self._stuck = {name for group in self._groups for name in group.touches}

    # ---- both lanes --------------------------------------------------------------------------------------------------

    def _attempt(
        self, batch: Sequence[Unit], *, lane: int, claims: bool = False, posted: Callable[[], None] | None = None
    ) -> Exception | None:
        """Post a batch once and answer its units, or return the error and mark what it means on each."""
        timeout_s = max(ATTEMPT_S_MIN, max(unit.deadline for unit in batch) - time.monotonic())
        try:
            stripe = self._stripe(lane)
            now = batch[0].tried_at if batch[0].trouble is Fault.UNKNOWN else self._poster.now()
            for unit in batch:
                unit.tried_at = now
            requests = [unit.request for unit in batch]
            outcomes = self._poster.post(requests, stripe=stripe, timeout_s=timeout_s, now=now, claims=claims)
        except ClockWrong as refusal:  # nothing of the batch has happened, and nothing will until the clock is right
            outcomes = [ClockWrong(retry_after_s=refusal.retry_after_s) for _ in batch]  # each is raised in a thread
        except Exception as error:  # whatever it is, each of these callers must get an answer
            for unit in batch:
                if unit.trouble is not Fault.UNKNOWN:
                    unit.trouble = classify(error)
            return error
        if posted is not None:
            posted()
        for unit, outcome in zip(batch, outcomes, strict=True):
            unit.answer(outcome)
        return None

    def _answer_after(self, fault: Exception, units: Iterable[Unit], *, leave_groups: Sequence[_Group] = ()) -> None:
        """Say to whom a fault of the lane left without an answer that nobody knows; who waits aside still gets one."""
        with self._lock:
            for group in leave_groups:
                group.units = []
            aside = {id(unit) for group in self._groups for unit in group.units}
        for unit in units:
            if id(unit) not in aside and not unit.future.done():
                unit.future.set_result(unit.outcome_unknown())
        with suppress(Exception):
            log.error("journal_lane_failed", exc_info=fault)

    def _stripe(self, lane: int) -> int:
        if self._stripes is None:
            self._stripes = self._claim_stripes()
        return self._stripes[lane]


def _in_time(units: Iterable[Unit]) -> list[Unit]:
    """Keep the units whose deadline is still to come; the others are refused, for nothing of them has happened."""
    now = time.monotonic()
    kept: list[Unit] = []
    for unit in units:
        if unit.deadline > now:
            kept.append(unit)
        else:
            unit.refuse_late()
    return kept


def _neighbours(units: Iterable[Unit]) -> list[list[Unit]]:
    """Group the units that share a document, directly or through others."""
    groups: list[tuple[set[str], list[Unit]]] = []
    for unit in units:
        touches, members = set(unit.touches), [unit]
        apart: list[tuple[set[str], list[Unit]]] = []
        for names, others in groups:
            if names.isdisjoint(touches):
                apart.append((names, others))
            else:
                touches |= names
                members = others + members
        groups = [*apart, (touches, members)]
    return [members for _, members in groups]
