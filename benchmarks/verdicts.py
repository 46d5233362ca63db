"""What the figures of one run have to show, as ratios within it, so that a slow or busy machine is no excuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks import loads
from benchmarks.figures import Figure, Layout, Peers, Yardsticks

MANY_WORKERS = 4
MANY_WORKERS_P99_MS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure beside its target: at least that much, or `at_most`. What could not be measured is not met."""

    name: str
    measured: float | None
    target: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        if self.measured is None:
            return False
        return self.measured <= self.target if self.at_most else self.measured >= self.target

    @property
    def word(self) -> str:
        if self.measured is None:
            return "unknown"
        return "met" if self.is_met else "SHORT"

    def __str__(self) -> str:
        measured = "unknown" if self.measured is None else f"{self.measured:,.2f}"
        return f"{self.name}: {measured}, {'at most' if self.at_most else 'at least'} {self.target:,g}: {self.word}"


def judge(layout: Layout, yardsticks: Yardsticks) -> list[Verdict]:
    """Judge the default layout beside the yardsticks."""
    found = layout.loads
    deposit, hot = found[loads.DEPOSIT], found[loads.DEPOSIT_HOT]
    transfer = found[loads.TRANSFER]
    to_one = found[loads.TRANSFER_HOT]
    return [
        Verdict("authenticated no-op / hello", _over(found[loads.NOOP], found[loads.HELLO].rate), 0.4),
        Verdict("GET /balance / raw find_one", _over(found[loads.BALANCE], yardsticks.find_one), 1.0),
        Verdict("deposits, spread / raw $inc", _over(deposit, yardsticks.increment_one), 0.6),
        Verdict("deposits, one account / spread", _over(hot, deposit.rate), 0.9),
        Verdict("p99 of deposits, one account / spread", _ratio(hot.p99_ms, deposit.p99_ms), 2.0, at_most=True),
        _of_open_loads(deposit, hot),
        Verdict("transfers / deposits, spread", _over(transfer, deposit.rate), 0.8),
        Verdict("transfers, all to one account / spread", _over(to_one, transfer.rate), 0.9),
    ]


def judge_many_workers(layout: Layout | None) -> list[Verdict]:
    """Judge the layout of many processes, which contend for a hot account and must still serve it."""
    verdicts = []
    for name, of_hot, of_spread in (
        ("deposits", loads.DEPOSIT_HOT, loads.DEPOSIT),
        ("transfers", loads.TRANSFER_HOT, loads.TRANSFER),
    ):
        where = f"{name}, one account, {MANY_WORKERS} processes"
        ratio = _over(layout.loads[of_hot], layout.loads[of_spread].rate) if layout else None
        p99_ms = layout.loads[of_hot].p99_ms if layout else None
        verdicts += [
            Verdict(f"{where} / spread", ratio, 0.4),
            Verdict(f"p99 in ms of {where}", p99_ms or None, MANY_WORKERS_P99_MS_MAX, at_most=True),
        ]
    return verdicts


def judge_peers(layout: Layout, peers: Peers) -> list[Verdict]:
    """Judge beside others who do a comparable work on the same machine."""
    deposit, transfer = layout.loads[loads.DEPOSIT], layout.loads[loads.TRANSFER]
    to_one = layout.loads[loads.TRANSFER_HOT]
    return [
        Verdict("deposits, spread / TPC-B-like", _over(deposit, peers.tpcb), 1.3),
        Verdict("transfers / medici, spread", _over(transfer, peers.medici_spread), 6.0),
        Verdict("transfers, to one account / medici, two accounts", _over(to_one, peers.medici_hot), 50.0),
    ]


def judge_books(layouts: Iterable[Layout]) -> list[Verdict]:
    """Judge what must be exact: answers and books."""
    found = list(layouts)
    errors = sum(figure.errors for layout in found for figure in layout.loads.values())
    problems = sum(len(layout.problems) for layout in found)
    return [
        Verdict("answers that were no success", errors, 0, at_most=True),
        Verdict("differences in the books", problems, 0, at_most=True),
    ]


def _of_open_loads(spread: Figure, hot: Figure) -> Verdict:
    measured = spread.opened is not None and hot.opened is not None
    ratio = _ratio(hot.opened.p99_ms, spread.opened.p99_ms) if measured else None
    return Verdict("p99 at a fixed rate, one account / spread", ratio, 2.0, at_most=True)


def _over(figure: Figure, rate: float | None) -> float | None:
    return _ratio(figure.rate, rate)


def _ratio(measured: float, base: float | None) -> float | None:
    """Return the ratio, or None where a figure is missing: no peer, or a load of which nothing came."""
    return measured / base if measured and base else None
