"""One run: a replica set, servers and clients; a fault; then what is open is resolved, and every promise checked."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import bank as banks
from tests.faults import checks, cluster, history
from tests.faults.history import OK, History, Recorded
from tests.faults.liveness import Liveness
from tests.faults.nemesis import Fault, Field
from tests.faults.outcome import FinalState, read_outcome
from tests.faults.workload import Parties, Workload, open_accounts, resolve, unresolved

SETTLE_S = 7.0
"""Longer than a server takes over any request, and than the database keeps an open transaction."""
REPEATED = 40
"""How many acknowledged writes are sent again: their first answer must come back."""
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard a run is."""

    clients: int = 16
    think_s: float = 0.08
    others: int = 12
    before_s: float = 4.0
    after_s: float = 12.0
    acknowledged_min: int = checks.ACKNOWLEDGED_MIN
    longer_s_max: float = 90.0


@dataclass(slots=True)
class Result:
    """What came of a run. `unsafe` are broken promises of money and answers, `slow` those of time."""

    fault: str
    seed: int
    acknowledged: int = 0
    unknown: int = 0
    lost: int = 0
    doubled: int = 0
    back_s: float = 0.0
    blocked_s: float = 0.0
    liveness_p99_s: float = 0.0
    unsafe: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    skipped: str = ""
    too_few: bool = False

    @property
    def verdict(self) -> str:
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.unsafe or self.slow:
            return "FAIL"
        return "unknown" if self.too_few else "pass"


def run(fault: Fault, *, seed: int, folder: Path, plan: Plan | None = None) -> Result:
    """Throw one fault at a bank of its own and judge what comes of it. The history stays in the folder."""
    plan = plan or Plan()
    if why := fault.missing():
        return Result(fault.name, seed, skipped=why)
    path = folder / "history.jsonl"
    with (
        fault.layout(folder) as layout,
        cluster.running(folder / "cluster", layout.cluster) as members,
        banks.serving(folder / "bank", members.uri, layout.bank) as servers,
    ):
        book = History(path)
        parties = Parties.join(servers, others=plan.others)
        where = Field(members, servers, book, random.Random(f"{seed}-{fault.name}"))
        open_accounts(servers, parties, book)
        _suffer(fault, where, parties, seed=seed, plan=plan)
        _resolve(where, parties, seed=seed)
        died = servers.died()
        servers.start(*died)
        final = read_outcome(servers, parties, members.uri)
        book.close()
        (folder / "servers.log").write_text(servers.output())
    result = judge(fault, history.read(path), final, parties.counter.account, seed=seed, plan=plan)
    result.unsafe += [f"server {number} ended by itself" for number in died]
    return result


def _suffer(fault: Fault, where: Field, parties: Parties, *, seed: int, plan: Plan) -> None:
    """Let clients work before, during and after the fault."""
    book = where.history
    clients = Workload(
        where.bank,
        parties,
        book,
        seed=seed,
        clients=plan.clients,
        think_s=plan.think_s,
        keeps_connections=fault.keeps_connections,
    )
    liveness = Liveness(where.bank, book)
    clients.start()
    liveness.start()
    try:
        time.sleep(plan.before_s)
        book.mark("strike")
        try:
            fault.strike(where)
            fault.hold(where, book.mark("struck"))  # what was asked for before may have been served before
        finally:
            book.mark("heal")
            fault.heal(where)
        where.cluster.wait_until_whole()
        book.mark("whole")
        time.sleep(plan.after_s)
        deadline = time.monotonic() + plan.longer_s_max
        while book.acknowledged < plan.acknowledged_min and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    finally:
        clients.stop()
        liveness.stop()
    book.mark("end")


def _resolve(where: Field, parties: Parties, *, seed: int) -> None:
    """Send everything of unknown outcome again with its key, and some of what was acknowledged."""
    time.sleep(SETTLE_S)
    where.history.mark("resolve")
    so_far = history.read(where.history.path)
    ended = sorted(so_far.attempts, key=lambda each: each.answered_s)
    done = sorted({each.operation for each in ended if each.operation.is_write and each.outcome == OK}, key=str)
    again = random.Random(f"{seed}-again").sample(done, min(REPEATED, len(done)))
    open_ = unresolved((each.operation, each.outcome) for each in ended)
    resolve(where.bank, parties, where.history, [*open_, *again])


def judge(fault: Fault, told: Recorded, final: FinalState, counter: str, *, seed: int, plan: Plan) -> Result:
    """Check every promise."""
    resolve_s = told.time_of("resolve")
    during = [each for each in told.attempts if each.invoked_s < resolve_s]
    writes = [each for each in during if each.operation.is_write]
    expected_s = told.time_of(fault.back_from)
    lost, doubled = checks.lost(told.attempts, final), checks.doubled(told.attempts, final)
    result = Result(
        fault.name,
        seed,
        acknowledged=sum(each.outcome == OK for each in writes),
        unknown=sum(each.outcome == history.INFO for each in writes),
        lost=len(lost),
        doubled=len(doubled),
        back_s=checks.writes_back_s(during, since_s=expected_s, servers={each.server for each in during}),
        liveness_p99_s=checks.p99_s(told.polls),
    )
    result.unsafe = [
        *lost,
        *doubled,
        *checks.invented(told.attempts, final),
        *checks.half_done(told.attempts, final),
        *checks.bank(told.attempts, final),
        *checks.counter(told.attempts, final, counter),
        *checks.replays(told.attempts),
        *checks.entries(final),
        *checks.order(told.attempts, final),
        *checks.reads(told.attempts, final),
        *checks.reconcile(final),
        *checks.error_form(told.attempts),
        *fault.check(told),
    ]
    _judge_times(fault, result, told, during)
    result.too_few = result.acknowledged < plan.acknowledged_min
    return result


def _judge_times(fault: Fault, result: Result, told: Recorded, during: list[history.Attempt]) -> None:
    first_s = checks.first_write_s(during, since_s=told.time_of(fault.back_from))
    outages = [(told.time_of("strike"), first_s)] if fault.takes_all_down else []
    result.blocked_s, account = checks.longest_block(during, outages=outages)
    if result.back_s > fault.back_s_max:
        result.slow.append(f"writes were back after {result.back_s:.1f} s, not {fault.back_s_max:.0f}")
    if result.blocked_s > checks.BLOCKED_S_MAX:
        result.slow.append(f"account {account} was blocked for {result.blocked_s:.1f} s")
    if result.liveness_p99_s >= checks.LIVENESS_P99_S_MAX:
        result.slow.append(f"p99 of liveness was {result.liveness_p99_s:.2f} s")
