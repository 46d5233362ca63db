"""Rates as they are written in settings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.rates import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/minute", Rate(20, timedelta(minutes=1))),
        ("1/second", Rate(1, timedelta(seconds=1))),
        ("6000/hour", Rate(6_000, timedelta(hours=1))),
        ("5/day", Rate(5, timedelta(days=1))),
    ],
)
def test_a_rate_is_an_amount_in_a_period(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "20", "0/minute", "-1/minute", "20/fortnight", "20 / minute", "20/minute\n", "x"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        Rate.parse(text)
