"""How some accounts are paid far more often than others: Zipf's law."""

from __future__ import annotations

from itertools import accumulate


def cumulative_weights(count: int, exponent: float = 1.0) -> list[float]:
    """Return the chances that a draw is among the first 1, 2, ... `count`; the k-th has the weight k^-exponent."""
    sums = list(accumulate(place**-exponent for place in range(1, count + 1)))
    return [each / sums[-1] for each in sums[:-1]] + [1.0]
