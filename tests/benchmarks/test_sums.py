"""Books that hold what was acknowledged, and books that do not."""

from __future__ import annotations

import pytest

from benchmarks.sums import Books, Claim, Kind, differences

BEFORE = Books(transactions=10, customers_total=5_000, hot_balance=700)


def deposits(acknowledged: int, *, unknown: int = 0, is_hot: bool = False) -> Claim:
    return Claim(Kind.DEPOSIT, 100, is_hot, acknowledged, unknown)


def transfers(acknowledged: int, *, unknown: int = 0, is_hot: bool = False) -> Claim:
    return Claim(Kind.TRANSFER, 1, is_hot, acknowledged, unknown)


@pytest.mark.parametrize(
    ("claim", "after"),
    [
        (deposits(3), Books(13, 5_300, 700)),
        (deposits(3, is_hot=True), Books(13, 5_300, 1_000)),
        (transfers(3), Books(13, 5_000, 702)),
        (transfers(3, is_hot=True), Books(13, 5_000, 703)),
        (deposits(3, unknown=2), Books(13, 5_300, 700)),
        (deposits(3, unknown=2), Books(15, 5_500, 700)),
    ],
)
def test_books_that_hold_each_acknowledged_movement_once_and_unknown_ones_at_most_once_are_right(
    claim: Claim, after: Books
) -> None:
    assert differences(claim, BEFORE, after) == []


@pytest.mark.parametrize(
    ("claim", "after"),
    [
        (deposits(3), Books(12, 5_200, 700)),  # one is lost
        (deposits(3), Books(14, 5_400, 700)),  # one is there twice
        (deposits(3, unknown=1), Books(15, 5_500, 700)),
        (deposits(3), Books(13, 5_301, 700)),  # one is too large
        (deposits(3, is_hot=True), Books(13, 5_300, 900)),  # one went elsewhere
        (transfers(3), Books(13, 5_001, 700)),  # money was made
        (transfers(3), Books(13, 4_999, 700)),  # money is gone
        (transfers(3, is_hot=True), Books(13, 5_000, 702)),
    ],
)
def test_books_that_hold_anything_else_are_named(claim: Claim, after: Books) -> None:
    assert len(differences(claim, BEFORE, after)) == 1
