"""Figures that no machine has shown."""

from __future__ import annotations

from benchmarks import loads
from benchmarks.figures import Figure, Layout, OpenFigure, Peers, Yardsticks

YARDSTICKS = Yardsticks(find_one=1_000, increment_one=500, increment_spread=600)
PEERS = Peers(medici_spread=40, medici_hot=4.32, tpcb=230)


def figure(rate: float, *, p99_ms: float = 50, errors: int = 0, waits_ms: float | None = None) -> Figure:
    opened = None if waits_ms is None else OpenFigure(rate / 2, waits_ms / 2, waits_ms)
    return Figure(rate, 10, p99_ms, errors, {"app": 1.0, "mongod": 0.5, "wrk": 0.1}, opened)


def good_enough() -> Layout:
    """Return figures of which each reaches its target and hardly more."""
    return Layout(
        4,
        64,
        {
            loads.BARE: figure(40_000),
            loads.HELLO: figure(10_000),
            loads.NOOP: figure(4_000),
            loads.BALANCE: figure(1_000),
            loads.HISTORY: figure(900),
            loads.DEPOSIT: figure(300, waits_ms=20),
            loads.DEPOSIT_HOT: figure(270, p99_ms=100, waits_ms=40),
            loads.TRANSFER: figure(240),
            loads.TRANSFER_ZIPF: figure(240),
            loads.TRANSFER_HOT: figure(216),
            loads.BULK: figure(4_000),
            loads.LOGIN: figure(20),
        },
        memory_mib={"Rss": 100, "Pss": 70},
    )
