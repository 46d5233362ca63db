"""What a run has measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.load import Outcome


@dataclass(frozen=True, slots=True)
class OpenFigure:
    """What callers waited at a fixed rate of arrivals, from when each was due."""

    rate: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What one load reached: successes per second, times in ms, answers that were none, and cores used.

    The `errors` are all that were met, before and after what was measured, too: a refusal is quick, and flatters times.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    cores: Mapping[str, float]
    opened: OpenFigure | None = None


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """What a PyMongo client does without HTTP, per second; the median of several measurements."""

    find_one: float
    increment_one: float
    increment_spread: float

    @classmethod
    def median(cls, measured: Sequence[Mapping[str, float]]) -> Yardsticks:
        return cls(**{name: statistics.median(each[name] for each in measured) for name in measured[0]})


@dataclass(slots=True)
class Layout:
    """What one layout of processes and threads reached, by the loads' names; `problems` are those of its books."""

    workers: int
    threads: int
    loads: dict[str, Figure] = field(default_factory=dict)
    memory_mib: Mapping[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.workers} x {self.threads}"


@dataclass(frozen=True, slots=True)
class Peers:
    """What others reach on the same machine, transactions per second; None where it is not installed."""

    medici_spread: float | None = None
    medici_hot: float | None = None
    tpcb: float | None = None


def figure_of(measured: Sequence[Outcome], *, others: Sequence[Outcome]) -> Figure:
    """Return the median of several measurements of one load, with their errors and those of its `others`.

    These are what was sent before and after: the warm-ups and the load at a fixed rate.
    """
    return Figure(
        rate=statistics.median(each.rate for each in measured),
        p50_ms=statistics.median(each.p50_ms for each in measured),
        p99_ms=statistics.median(each.p99_ms for each in measured),
        errors=sum(each.errors for each in (*measured, *others)),
        cores={name: statistics.median(each.cores.get(name, 0) for each in measured) for name in measured[0].cores},
    )
