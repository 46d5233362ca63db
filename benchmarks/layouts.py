"""One layout of processes and threads, from an empty database to the proof of its books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.models.store import Store
from benchmarks import bulk, loads
from benchmarks.bank import BANKER, log_in, open_bank, opened, read_books, reconcile
from benchmarks.figures import Figure, Layout, OpenFigure, figure_of
from benchmarks.load import Load, Outcome, run
from benchmarks.loads import Caller, Money
from benchmarks.server import BANK, BARE, HELLO, NOOP, Server, serving
from benchmarks.sums import Books, Claim, Kind, differences
from benchmarks.usage import find_process
from config import Config

WARM_UP_S = 1.0
OPEN_S_MAX = 5.0
OPEN_RATE_MIN = 1.0
OPEN_SHARE = 0.5
"""An open load arrives at this share of what the closed one reached: busy, and far from what the server can't take."""
BULK_WORK = Money(Kind.TRANSFER, bulk.AMOUNT_MINOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one layout is measured: seconds for each load, and whether open loads follow the closed ones."""

    environment: Mapping[str, str]
    workers: int
    threads: int
    seconds: float
    has_open_loads: bool
    say: Callable[[str], None]

    @property
    def config(self) -> Config:
        return Config.from_env(self.variables)

    @property
    def variables(self) -> dict[str, str]:
        database = f"bench_{self.workers}x{self.threads}"
        layout = {"WORKERS": str(self.workers), "THREADS": str(self.threads), "MONGO_DATABASE": database}
        return {**self.environment, **layout}


def measure_layout(plan: Plan) -> Layout:
    """Measure every load; the yardsticks and the no-op in two halves, before and after the others."""
    found = Layout(plan.workers, plan.threads)
    plan.say(f"{found.name}: opening a bank")
    bank = open_bank(plan.config)
    tokens: list[str] = []
    yardsticks: dict[str, _Sendings] = {name: _Sendings() for name in (loads.BARE, loads.HELLO, loads.NOOP)}

    def measure_yardstick(name: str, load: Load, server: Server) -> None:
        yardsticks[name].others.append(_warm_up(load, server))
        yardsticks[name].measured.append(_closed(plan, server, name, load, halves=2))

    def measure_yardsticks() -> None:
        for name, program in ((loads.BARE, BARE), (loads.HELLO, HELLO)):
            with serving(program, plan.variables) as server:
                measure_yardstick(name, loads.hello(server.host), server)
        with serving(NOOP, plan.variables) as server:
            if not tokens:
                tokens.extend(log_in(server.url, [*bank.usernames, BANKER]))
            measure_yardstick(loads.NOOP, loads.noop(Caller(server.host, bank, tokens)), server)

    measure_yardsticks()
    with serving(BANK, plan.variables) as server, opened(plan.config) as store:
        _Run(plan, server, store, Caller(server.host, bank, tokens), found).measure()
    measure_yardsticks()
    found.loads = {**{name: sendings.figure() for name, sendings in yardsticks.items()}, **found.loads}
    with opened(plan.config) as store:
        store.client.drop_database(plan.config.mongo_database)
    return found


@dataclass(slots=True)
class _Sendings:
    """Every sending of one load: those that are measured, and the others, whose errors count as well."""

    measured: list[Outcome] = field(default_factory=list)
    others: list[Outcome] = field(default_factory=list)

    def figure(self) -> Figure:
        return figure_of(self.measured, others=self.others)


class _Run:
    """The loads of one layout on the bank itself, each with the proof of what it has done."""

    def __init__(self, plan: Plan, server: Server, store: Store, caller: Caller, found: Layout) -> None:
        self._plan = plan
        self._server = server
        self._store = store
        self._caller = caller
        self._found = found

    def measure(self) -> None:
        self._read(loads.BALANCE, loads.balance(self._caller), is_opened=True)
        self._read(loads.HISTORY, loads.history(self._caller))
        caller = self._caller
        rate = self._money(loads.DEPOSIT, lambda: loads.deposit(caller))
        self._money(loads.DEPOSIT_HOT, lambda: loads.deposit(caller, is_hot=True), open_rate=rate)
        rate = self._money(loads.TRANSFER, lambda: loads.transfer(caller))
        self._money(loads.TRANSFER_ZIPF, lambda: loads.transfer(caller, is_zipf=True), open_rate=rate)
        self._money(loads.TRANSFER_HOT, lambda: loads.transfer(caller, is_hot=True), open_rate=rate)
        self._bulk()
        self._read(loads.LOGIN, loads.login(caller.host, caller.bank))
        self._found.memory_mib = self._server.memory_mib()

    def _read(self, name: str, load: Load, *, is_opened: bool = False) -> None:
        sendings = _Sendings(others=[_warm_up(load, self._server)])
        closed = _closed(self._plan, self._server, name, load)
        sendings.measured.append(closed)
        rate = _open_rate(closed) if is_opened and self._plan.has_open_loads else None
        self._found.loads[name] = self._figure(name, sendings, load, rate)

    def _money(self, name: str, make: Callable[[], tuple[Load, Money]], *, open_rate: float | None = None) -> float:
        """Measure a load that moves money, closed and open, and prove the books; return the rate of the open one.

        Loads are made anew for each sending, as their keys must be.
        """
        before = self._books()
        sendings = _Sendings(others=[_warm_up(make()[0], self._server)])
        load, money = make()
        closed = _closed(self._plan, self._server, name, load)
        sendings.measured.append(closed)
        rate = open_rate or _open_rate(closed)
        self._found.loads[name] = self._figure(name, sendings, make()[0], rate if self._plan.has_open_loads else None)
        self._prove(name, money, [*sendings.measured, *sendings.others], before)
        return rate

    def _bulk(self) -> None:
        self._plan.say(f"{self._found.name}: {loads.BULK}")
        before = self._books()
        caller = self._caller
        outcome = bulk.send_files(
            caller.host,
            caller.tokens[-1],
            caller.bank,
            seconds=self._plan.seconds,
            watched=_watched(self._plan, self._server),
        )
        self._found.loads[loads.BULK] = figure_of([outcome], others=[])
        self._prove(loads.BULK, BULK_WORK, [outcome], before)

    def _figure(self, name: str, sendings: _Sendings, load: Load, rate: float | None) -> Figure:
        """Return the figure of a load, which with a `rate` is sent once more, at this one."""
        if rate is None:
            return sendings.figure()
        self._plan.say(f"{self._found.name}: {name}, {rate:,.0f} a second")
        outcome = run(load, self._server.url, seconds=min(self._plan.seconds, OPEN_S_MAX), rate=rate, watched={})
        sendings.others.append(outcome)
        p50_ms, p99_ms = outcome.waits_ms or (float("inf"), float("inf"))
        return replace(sendings.figure(), opened=OpenFigure(rate, p50_ms, p99_ms))

    def _books(self) -> Books:
        return read_books(self._store, self._caller.bank, hot=self._caller.bank.numbers[loads.HOT - 1])

    def _prove(self, name: str, money: Money, outcomes: Sequence[Outcome], before: Books) -> None:
        claim = Claim(
            money.kind,
            money.amount_minor,
            money.is_hot,
            acknowledged=sum(each.acknowledged for each in outcomes),
            unknown=sum(each.unknown for each in outcomes),
        )
        self._plan.say(f"{self._found.name}: the books after {name}")
        problems = differences(claim, before, self._books())
        unsound = reconcile(self._store)
        self._found.problems += [
            f"{self._found.name}, {name}: {each}" for each in [*problems, *filter(None, [unsound])]
        ]


def _open_rate(closed: Outcome) -> float:
    return max(OPEN_RATE_MIN, closed.rate * OPEN_SHARE)


def _warm_up(load: Load, server: Server) -> Outcome:
    return run(load, server.url, seconds=WARM_UP_S, watched={})


def _closed(plan: Plan, server: Server, name: str, load: Load, *, halves: int = 1) -> Outcome:
    plan.say(f"{plan.workers} x {plan.threads}: {name}")
    return run(load, server.url, seconds=plan.seconds / halves, watched=_watched(plan, server))


def _watched(plan: Plan, server: Server) -> dict[str, list[int]]:
    folder = plan.environment["DATA_DIR"]
    return {"app": server.pids, "mongod": [find_process(rf"mongod .*--dbpath {folder}/")]}
