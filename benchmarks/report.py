"""The figures of a run as Markdown, printed, and put into a document between two marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import loads
from benchmarks.figures import Figure, Layout, Peers, Yardsticks
from benchmarks.verdicts import Verdict

_BESIDE = {
    loads.HELLO: (loads.BARE, "bare WSGI"),
    loads.NOOP: (loads.HELLO, "hello"),
    loads.HISTORY: (loads.BALANCE, "GET /balance"),
    loads.DEPOSIT_HOT: (loads.DEPOSIT, "spread"),
    loads.TRANSFER: (loads.DEPOSIT, "deposits"),
    loads.TRANSFER_ZIPF: (loads.TRANSFER, "spread"),
    loads.TRANSFER_HOT: (loads.TRANSFER, "spread"),
    loads.BULK: (loads.TRANSFER, "transfers"),
}
"""Beside which other load each is shown."""
_COMPARED = (
    loads.BALANCE,
    loads.HISTORY,
    loads.DEPOSIT,
    loads.DEPOSIT_HOT,
    loads.TRANSFER,
    loads.TRANSFER_ZIPF,
    loads.TRANSFER_HOT,
)
"""What the layouts are compared by: what customers do all day."""


def yardstick_table(yardsticks: Yardsticks) -> str:
    rows = [
        ("find_one by key, 1,000 documents", yardsticks.find_one),
        ("`$inc` of one document", yardsticks.increment_one),
        ("`$inc` spread over 1,000 documents", yardsticks.increment_spread),
    ]
    return table(["raw PyMongo, 64 threads, no HTTP", "per second"], [(name, f"{rate:,.0f}") for name, rate in rows])


def layout_table(layout: Layout, yardsticks: Yardsticks) -> str:
    """Return the loads of one layout, each beside what it is measured by."""
    is_opened = any(figure.opened for figure in layout.loads.values())
    head = ["load", "per second", "ratio", "p50 ms", "p99 ms", "errors", "cores: app", "mongod", "wrk"]
    rows = [
        (
            name,
            f"{figure.rate:,.0f}",
            _ratio(name, layout, yardsticks),
            *_cells(figure),
            *_open_cells(figure, is_opened),
        )
        for name, figure in layout.loads.items()
    ]
    shown = table([*head, *(["open: per second", "p50 ms", "p99 ms"] if is_opened else [])], rows)
    memory = layout.memory_mib
    kept = f"Memory of the largest worker: {memory['Rss']:.0f} MiB resident, {memory['Pss']:.0f} MiB its share (PSS)."
    return f"{shown}\n\n{kept}"


def best_layout(layouts: Sequence[Layout]) -> Layout:
    """Return the layout that serves customers' loads best: by the geometric mean of their rates."""
    return max(layouts, key=_mean_rate)


def comparison_table(layouts: Sequence[Layout]) -> str:
    """Return the rates of several layouts side by side, 99th percentiles in brackets."""
    rows = [
        (name, *(f"{layout.loads[name].rate:,.0f} ({layout.loads[name].p99_ms:,.0f})" for layout in layouts))
        for name in _COMPARED
    ]
    means = ("geometric mean", *(f"{_mean_rate(layout):,.0f}" for layout in layouts))
    return table(["per second (p99 ms)", *(layout.name for layout in layouts)], [*rows, means])


def peers_table(peers: Peers) -> str:
    rows = [
        ("medici 7, overdraft-safe, 1,000 accounts", peers.medici_spread),
        ("medici 7, overdraft-safe, two accounts", peers.medici_hot),
        ("pgbench TPC-B-like, scale 1", peers.tpcb),
    ]
    cells = [(name, "not installed" if rate is None else f"{rate:,.0f}") for name, rate in rows]
    return table(["peer, 64 at once", "transactions/s"], cells)


def verdict_table(verdicts: Iterable[Verdict]) -> str:
    rows = [
        (
            each.name,
            "unknown" if each.measured is None else f"{each.measured:,.2f}",
            f"{'at most' if each.at_most else 'at least'} {each.target:,g}",
            each.word,
        )
        for each in verdicts
    ]
    return table(["verdict", "measured", "target", ""], rows)


def put_into(document: Path, name: str, text: str) -> None:
    """Replace what stands in a document between the marks of this name.

    Raises:
        ValueError: the document has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, has_begin, rest = document.read_text().partition(begin)
    _, has_end, behind = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"{document} has no lines {begin} and {end}.")
    document.write_text(f"{before}{begin}\n{text}\n{end}{behind}")


def _cells(figure: Figure) -> tuple[str, ...]:
    cores = (f"{figure.cores[name]:.2f}" if name in figure.cores else "" for name in ("app", "mongod", "wrk"))
    return (_ms(figure.p50_ms), _ms(figure.p99_ms), f"{figure.errors:,}", *cores)


def _open_cells(figure: Figure, is_opened: bool) -> tuple[str, ...]:
    if not is_opened:
        return ()
    if figure.opened is None:
        return ("", "", "")
    return (f"{figure.opened.rate:,.0f}", _ms(figure.opened.p50_ms), _ms(figure.opened.p99_ms))


def _ratio(name: str, layout: Layout, yardsticks: Yardsticks) -> str:
    beside = {loads.BALANCE: (yardsticks.find_one, "find_one"), loads.DEPOSIT: (yardsticks.increment_one, "`$inc`")}
    if name in _BESIDE:
        other, word = _BESIDE[name]
        beside[name] = (layout.loads[other].rate, word)
    base, word = beside.get(name, (0.0, ""))
    return f"{layout.loads[name].rate / base:.2f} x {word}" if base else ""


def _mean_rate(layout: Layout) -> float:
    rates = [layout.loads[name].rate for name in _COMPARED]
    return math.prod(rates) ** (1 / len(rates))


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.1f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
