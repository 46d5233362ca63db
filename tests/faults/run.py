"""One run: a replica set, servers and clients; a fault; then what is open is resolved, and every promise checked."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults import bank as banks
from tests.faults import cluster, history
from tests.faults.history import OK, History
from tests.faults.liveness import Liveness
from tests.faults.nemesis import Fault, Field
from tests.faults.outcome import read_outcome
from tests.faults.verdict import ACKNOWLEDGED_MIN, Result, judge
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
    steady_s: float = 10.0
    """How long clients go on after the fault must be over: `back_s_max` after it was healed."""
    acknowledged_min: int = ACKNOWLEDGED_MIN
    longer_s_max: float = 90.0


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
        History(path) as book,
    ):
        parties = Parties.join(servers, others=plan.others)
        where = Field(members, servers, book, random.Random(f"{seed}-{fault.name}"))
        open_accounts(servers, parties, book)
        _suffer(fault, where, parties, seed=seed, plan=plan)
        _resolve(where, parties, seed=seed)
        died = servers.died()
        servers.start(*died)
        final = read_outcome(servers, parties, members.uri)
        (folder / "servers.log").write_text(servers.output())
    told, number = history.read(path), parties.counter.account
    result = judge(fault, told, final, number, seed=seed, acknowledged_min=plan.acknowledged_min)
    result.unsafe += [f"server {each} ended by itself" for each in died]
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
            healed_s = book.mark("heal")
            fault.heal(where)
        where.cluster.wait_until_whole()
        over_s = max(healed_s + fault.back_s_max + plan.steady_s, book.mark("whole") + plan.after_s)
        time.sleep(max(0.0, over_s - book.now_s()))
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
