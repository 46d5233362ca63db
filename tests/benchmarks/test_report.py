"""How figures are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import loads
from benchmarks.figures import Layout, Peers, Yardsticks, figure_of
from benchmarks.load import Outcome
from benchmarks.report import best_layout, comparison_table, layout_table, peers_table, put_into, verdict_table
from benchmarks.verdicts import Verdict
from tests.benchmarks.made_up import PEERS, YARDSTICKS, figure, good_enough


def cells(table: str, name: str) -> list[str]:
    """Return what stands in the row of this name."""
    row = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_a_load_stands_beside_what_it_is_measured_by() -> None:
    table = layout_table(good_enough(), YARDSTICKS)
    rows = {name: cells(table, name) for name in good_enough().loads}
    assert rows[loads.HELLO][:2] == ["10,000", "0.25 x bare WSGI"]
    assert rows[loads.NOOP][:2] == ["4,000", "0.40 x hello"]
    assert rows[loads.BALANCE][:2] == ["1,000", "1.00 x find_one"]
    assert rows[loads.DEPOSIT][:2] == ["300", "0.60 x `$inc`"]
    assert rows[loads.TRANSFER][:2] == ["240", "0.80 x deposits"]
    assert rows[loads.TRANSFER_HOT][:2] == ["216", "0.90 x spread"]
    assert rows[loads.LOGIN][:2] == ["20", ""]


def test_what_callers_waited_at_a_fixed_rate_is_shown_where_it_was_measured() -> None:
    table = layout_table(good_enough(), YARDSTICKS)
    assert cells(table, loads.DEPOSIT)[-3:] == ["150", "10.0", "20.0"]
    assert cells(table, loads.TRANSFER)[-3:] == ["", "", ""]
    without = Layout(1, 64, {loads.BARE: figure(5)}, memory_mib={"Rss": 1, "Pss": 1})
    assert len(cells(layout_table(without, YARDSTICKS), loads.BARE)) == len(cells(table, loads.TRANSFER)) - 3


def test_the_best_layout_is_the_one_whose_loads_are_quicker_in_the_mean() -> None:
    other = replace(good_enough(), workers=2)
    other.loads[loads.BALANCE] = figure(2_000)
    other.loads[loads.DEPOSIT] = figure(160)
    other.loads[loads.HELLO] = figure(1)
    assert best_layout([good_enough(), other]).workers == 2
    assert cells(comparison_table([good_enough(), other]), loads.BALANCE) == ["1,000 (50)", "2,000 (50)"]


def test_a_peer_that_is_not_there_is_shown_as_not_installed() -> None:
    assert "not installed" not in peers_table(PEERS)
    assert peers_table(Peers()).count("not installed") == 3


def test_a_verdict_without_a_figure_is_shown_as_unknown() -> None:
    assert cells(verdict_table([Verdict("a / b", None, 1.3)]), "a / b") == ["unknown", "at least 1.3", "unknown"]


def test_several_measurements_of_a_yardstick_count_by_their_median() -> None:
    measured = [{"find_one": rate, "increment_one": 2 * rate, "increment_spread": 3 * rate} for rate in (900, 100, 500)]
    assert Yardsticks.median(measured) == Yardsticks(500, 1_000, 1_500)


def test_several_measurements_of_a_load_count_by_their_median_and_with_all_errors_of_theirs_and_others() -> None:
    measured = [Outcome(rate, 1, 2, 9, 8, 1, 0, 0, None, {"app": rate / 100}) for rate in (900, 100, 500)]
    others = [Outcome(1, 9, 9, 9, 4, 2, 1, 2, None, {})]
    found = figure_of(measured, others=others)
    assert (found.rate, found.p50_ms, found.p99_ms, found.errors, found.cores) == (500, 1, 2, 8, {"app": 5})


def test_figures_are_put_between_their_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    document = tmp_path / "figures.md"
    document.write_text("# Figures\n<!-- make bench: begin -->\nold\n<!-- make bench: end -->\nbehind\n")
    put_into(document, "make bench", "new")
    assert document.read_text() == "# Figures\n<!-- make bench: begin -->\nnew\n<!-- make bench: end -->\nbehind\n"
    with pytest.raises(ValueError, match="make bench-peers"):
        put_into(document, "make bench-peers", "new")
