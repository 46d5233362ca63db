"""What the verdicts of a benchmark say: each is met by what is just good enough, and falls short of less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import loads
from benchmarks.figures import Figure, Layout, Peers, Yardsticks
from benchmarks.verdicts import Verdict, judge, judge_books, judge_many_workers, judge_peers
from tests.benchmarks.made_up import PEERS, YARDSTICKS, figure, good_enough


def verdicts(layout: Layout, yardsticks: Yardsticks = YARDSTICKS, peers: Peers = PEERS) -> dict[str, Verdict]:
    found = [
        *judge(layout, yardsticks),
        *judge_many_workers(layout),
        *judge_peers(layout, peers),
        *judge_books([layout]),
    ]
    return {verdict.name: verdict for verdict in found}


def short(layout: Layout, yardsticks: Yardsticks = YARDSTICKS, peers: Peers = PEERS) -> set[str]:
    return {name for name, verdict in verdicts(layout, yardsticks, peers).items() if not verdict.is_met}


def with_figure(name: str, changed: Figure) -> Layout:
    layout = good_enough()
    return replace(layout, loads={**layout.loads, name: changed})


def test_what_is_just_good_enough_meets_every_verdict() -> None:
    assert short(good_enough()) == set()


@pytest.mark.parametrize(
    ("load", "worse", "name"),
    [
        (loads.NOOP, figure(3_990), "authenticated no-op / hello"),
        (loads.BALANCE, figure(990), "GET /balance / raw find_one"),
        (loads.DEPOSIT_HOT, figure(269, waits_ms=40), "deposits, one account / spread"),
        (loads.DEPOSIT_HOT, figure(270, p99_ms=101, waits_ms=40), "p99 of deposits, one account / spread"),
        (loads.DEPOSIT_HOT, figure(270, waits_ms=41), "p99 at a fixed rate, one account / spread"),
        (loads.TRANSFER_HOT, figure(215.9), "transfers, all to one account / spread"),
    ],
)
def test_a_load_that_is_slower_than_its_target_falls_short_of_just_this_verdict(
    load: str, worse: Figure, name: str
) -> None:
    assert short(with_figure(load, worse), peers=replace(PEERS, medici_hot=1)) == {name}


def test_deposits_are_measured_by_the_bare_counter() -> None:
    assert short(good_enough(), yardsticks=replace(YARDSTICKS, increment_one=501)) == {"deposits, spread / raw $inc"}


def test_transfers_that_are_slower_than_their_share_of_deposits_fall_short() -> None:
    assert "transfers / deposits, spread" in short(with_figure(loads.TRANSFER, figure(239)))


@pytest.mark.parametrize(
    ("peers", "name"),
    [
        (replace(PEERS, tpcb=231), "deposits, spread / TPC-B-like"),
        (replace(PEERS, medici_spread=41), "transfers / medici, spread"),
        (replace(PEERS, medici_hot=4.33), "transfers, to one account / medici, two accounts"),
    ],
)
def test_a_quicker_peer_makes_just_its_verdict_fall_short(peers: Peers, name: str) -> None:
    assert short(good_enough(), peers=peers) == {name}


def test_peers_that_are_not_installed_leave_their_verdicts_unknown_which_is_not_met() -> None:
    found = verdicts(good_enough(), peers=Peers())
    unknown = {name for name, verdict in found.items() if verdict.word == "unknown"}
    assert unknown == short(good_enough(), peers=Peers())
    assert len(unknown) == len(judge_peers(good_enough(), Peers()))


@pytest.mark.parametrize(
    ("load", "worse", "name"),
    [
        (loads.DEPOSIT_HOT, figure(119), "deposits, one account, 4 processes / spread"),
        (loads.TRANSFER_HOT, figure(95), "transfers, one account, 4 processes / spread"),
        (loads.DEPOSIT_HOT, figure(270, p99_ms=1_001), "p99 in ms of deposits, one account, 4 processes"),
        (loads.TRANSFER_HOT, figure(216, p99_ms=1_001), "p99 in ms of transfers, one account, 4 processes"),
    ],
)
def test_many_processes_that_starve_a_hot_account_fall_short(load: str, worse: Figure, name: str) -> None:
    assert [each.name for each in judge_many_workers(with_figure(load, worse)) if not each.is_met] == [name]


def test_a_load_of_which_nothing_came_is_not_taken_for_a_quick_one() -> None:
    nothing = with_figure(loads.DEPOSIT_HOT, figure(0, p99_ms=0, waits_ms=0))
    assert short(nothing) == {
        "deposits, one account / spread",
        "p99 of deposits, one account / spread",
        "p99 at a fixed rate, one account / spread",
        "deposits, one account, 4 processes / spread",
        "p99 in ms of deposits, one account, 4 processes",
    }


def test_one_answer_that_was_no_success_falls_short() -> None:
    assert short(with_figure(loads.LOGIN, figure(20, errors=1))) == {"answers that were no success"}


def test_one_difference_in_the_books_of_any_layout_falls_short() -> None:
    unsound = replace(good_enough(), problems=["1 transaction, for 2 acknowledged and 0 unknown"])
    met = {verdict.name: verdict.is_met for verdict in judge_books([good_enough(), unsound])}
    assert met == {"answers that were no success": True, "differences in the books": False}


def test_a_verdict_reads_as_name_figure_target_and_word() -> None:
    assert str(Verdict("a / b", 0.9, 0.9)) == "a / b: 0.90, at least 0.9: met"
    assert str(Verdict("p99", 1_200, 1_000, at_most=True)) == "p99: 1,200.00, at most 1,000: SHORT"
    assert str(Verdict("a / peer", None, 6)) == "a / peer: unknown, at least 6: unknown"
