"""Exchange: exact, rounded as promised, and never a way to take money out of the bank."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.errors import QuoteExpired, QuoteUsed, ValidationFailed
from app.domain.fx import AHEAD_MAX, BACKDATING_MAX, FxRate, Quote, is_rate, is_spread, pair_of, refuse_untimely, shown
from app.domain.money import AMOUNT_MINOR_MAX, Money

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def rate_of(rate: str, spread: str = "0", base: str = "EUR", quote: str = "USD") -> FxRate:
    return FxRate(id="r", base=base, quote=quote, rate=rate, spread=spread, valid_from=NOW, set_by="admin", set_at=NOW)


def quote_of(rate: FxRate, source: Money) -> Quote:
    return Quote.of(rate, source, quote_id="q", customer_id="alice", accounts=("1", "2"), now=NOW)


@pytest.mark.parametrize(
    ("rate", "spread", "source", "target"),
    [
        ("1.0875", "0", Money(10_000, "EUR"), Money(10_875, "USD")),
        ("1.0875", "0.005", Money(10_000, "EUR"), Money(10_821, "USD")),  # 108.20625
        ("1.25", "0.1", Money(2, "EUR"), Money(2, "USD")),  # 2.25 cents
        ("1.25", "0.2", Money(250, "EUR"), Money(250, "USD")),
        ("1.25", "0.01", Money(200, "EUR"), Money(248, "USD")),  # 247.5: half to even
        ("1.25", "0.01", Money(1_000, "EUR"), Money(1_238, "USD")),  # 1237.5: half to even
        ("1.25", "0.01", Money(10_000, "USD"), Money(7_920, "EUR")),
    ],
)
def test_an_amount_is_exchanged_in_either_direction(rate: str, spread: str, source: Money, target: Money) -> None:
    assert rate_of(rate, spread).exchange(source) == target


def test_currencies_of_other_decimals_are_exchanged_exactly() -> None:
    assert rate_of("150.25", base="USD", quote="JPY").exchange(Money(10_000, "USD")) == Money(15_025, "JPY")
    assert rate_of("150.25", base="USD", quote="JPY").exchange(Money(15_025, "JPY")) == Money(10_000, "USD")
    assert rate_of("0.3075", base="USD", quote="KWD").exchange(Money(100, "USD")) == Money(307, "KWD")  # 307.5
    assert rate_of("0.3075", "0.001", base="USD", quote="KWD").exchange(Money(100, "USD")) == Money(307, "KWD")


def test_a_remainder_in_the_customers_favour_stays_with_the_bank() -> None:
    """Else one yen after the other would buy a whole cent each at two thirds of its price."""
    yen = rate_of("150", base="USD", quote="JPY")
    with pytest.raises(ValidationFailed, match="not valid") as refusal:
        yen.exchange(Money(1, "JPY"))
    assert list(refusal.value.errors or {}) == ["amount"]
    assert yen.exchange(Money(2, "JPY")) == Money(1, "USD")


def test_what_comes_to_more_than_a_posting_takes_is_refused() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        rate_of("2").exchange(Money(AMOUNT_MINOR_MAX, "EUR"))
    assert list(refusal.value.errors or {}) == ["amount"]
    assert str(Money(AMOUNT_MINOR_MAX, "USD")) in str(refusal.value.errors)
    assert rate_of("1").exchange(Money(AMOUNT_MINOR_MAX, "EUR")).amount_minor == AMOUNT_MINOR_MAX


rates = st.decimals(min_value="0.0000000001", max_value="999999999.9999999999", places=10).map(lambda d: f"{d:f}")
ordinary_rates = st.decimals(min_value="0.01", max_value=100, places=10).map(lambda d: f"{d:f}")
spreads = st.decimals(min_value=0, max_value="0.999999", places=6).map(lambda d: f"{d:f}")
amounts = st.one_of(st.integers(1, 1_000), st.integers(1, AMOUNT_MINOR_MAX))
pairs = st.lists(st.sampled_from(["USD", "JPY", "KWD", "CLF", "EUR"]), min_size=2, max_size=2, unique=True)


def exchanged(rate: FxRate, money: Money) -> Money | None:
    try:
        return rate.exchange(money)
    except ValidationFailed:
        return None


@given(ordinary_rates | rates, spreads, amounts, pairs)  # by most of all rates, one way comes to too little or too much
def test_a_round_trip_never_gains_the_customer_a_minor_unit(
    rate: str, spread: str, amount: int, pair: list[str]
) -> None:
    both_ways, start = rate_of(rate, spread, *pair), Money(amount, pair[0])
    there = exchanged(both_ways, start)
    back = exchanged(both_ways, there) if there else None
    assume(back is not None)
    assert back.amount_minor <= start.amount_minor
    assert back.currency == start.currency


@given(rates, spreads, st.lists(st.integers(1, 10_000), min_size=2, max_size=20), pairs)
def test_many_small_exchanges_never_gain_on_the_middle_rate(
    rate: str, spread: str, amounts: list[int], pair: list[str]
) -> None:
    fx = rate_of(rate, spread, *pair)
    got = [exchanged(fx, Money(amount, pair[0])) for amount in amounts]
    paid = sum(amount for amount, target in zip(amounts, got, strict=True) if target)
    scale = Decimal(10) ** (CURRENCY_EXPONENTS[pair[1]] - CURRENCY_EXPONENTS[pair[0]])
    assert sum(target.amount_minor for target in got if target) <= Decimal(rate) * paid * scale


@given(st.integers(10_000, 10**9), st.decimals("0.1", "9", places=4), st.decimals("0.001", "0.2", places=3))
def test_where_the_spread_covers_it_rounding_is_half_to_even(amount: int, rate: Decimal, spread: Decimal) -> None:
    expected = (amount * rate * (1 - spread)).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert rate_of(f"{rate:f}", f"{spread:f}").exchange(Money(amount, "EUR")) == Money(int(expected), "USD")


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "-1", "+1", "1e3", "1.", ".5", "01", "1_0", " 1", "1\n", "NaN", "Infinity", "١", "1,5",
             "1" * 10, "1." + "1" * 11],
)  # fmt: skip
def test_what_is_no_plain_positive_rate_is_none(text: str) -> None:
    assert not is_rate(text)


@pytest.mark.parametrize("text", ["", "1", "1.0", "-0.1", "0.1234567", ".1", "0.", "1e-3", "NaN", "00.1", "0.1\n"])
def test_what_is_no_fraction_below_one_is_no_spread(text: str) -> None:
    assert not is_spread(text)


def test_rates_and_spreads_in_plain_notation_are_taken() -> None:
    assert all(map(is_rate, ("1", "0.0000000001", "999999999.9999999999", "10.50")))
    assert all(map(is_spread, ("0", "0.0", "0.000001", "0.999999")))


def test_a_quote_moves_both_currencies_over_the_banks_positions() -> None:
    quote = quote_of(rate_of("1.0875", "0.005"), Money(10_000, "EUR"))
    assert [(leg.account_id, leg.amount, leg.currency) for leg in quote.legs()] == [
        ("1", -10_000, "EUR"),
        ("fx-EUR", 10_000, "EUR"),
        ("fx-USD", -10_821, "USD"),
        ("2", 10_821, "USD"),
    ]
    assert (quote.middle_rate, quote.given_rate) == ("1.0875", "1.0820625")


def test_a_rate_is_shown_to_twelve_digits_rounded_down() -> None:
    assert quote_of(rate_of("3", base="USD", quote="EUR"), Money(100, "EUR")).middle_rate == "0.333333333333"
    assert quote_of(rate_of("0.0000000001"), Money(100, "USD")).middle_rate == "10000000000"
    assert quote_of(rate_of("1000"), Money(100, "EUR")).middle_rate == "1000"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Fraction(100), "100"),
        (Fraction(5, 4), "1.25"),
        (Fraction(10**12 + 3, 100), "10000000000"),
        (Fraction(1_234_567_890_102, 10**13), "0.12345678901"),
        (Fraction(2, 3), "0.666666666666"),
    ],
)
def test_no_zero_behind_the_point_is_shown_that_says_nothing(rate: Fraction, text: str) -> None:
    assert shown(rate) == text


def test_a_quote_says_why_it_can_not_be_used() -> None:
    quote = quote_of(rate_of("1"), Money(1, "EUR"))
    assert isinstance(quote.refusal(NOW), QuoteUsed)
    assert isinstance(quote.refusal(NOW + timedelta(seconds=60)), QuoteExpired)
    assert isinstance(quote.refusal(NOW + timedelta(seconds=59.999)), QuoteUsed)


def test_a_rate_begins_about_now_or_within_a_year() -> None:
    for right in (None, NOW - BACKDATING_MAX, NOW + AHEAD_MAX):
        refuse_untimely(right, now=NOW)
    for wrong in (NOW - BACKDATING_MAX - timedelta(seconds=1), NOW + AHEAD_MAX + timedelta(seconds=1)):
        with pytest.raises(ValidationFailed) as refusal:
            refuse_untimely(wrong, now=NOW)
        assert list(refusal.value.errors or {}) == ["valid_from"]


def test_a_pair_has_one_name() -> None:
    assert pair_of("USD", "EUR") == pair_of("EUR", "USD") == "EUR-USD"


def test_a_rate_tells_what_a_customer_gets_for_one_of_either_currency() -> None:
    rate = rate_of("1.25", "0.01")
    assert (rate.pair, rate.sell_base, rate.sell_quote) == ("EUR-USD", "1.2375", "0.792")


def test_a_quote_is_kept_with_all_that_was_promised() -> None:
    quote = quote_of(rate_of("1.25", "0.01"), Money(10_000, "EUR"))
    assert (quote.source, quote.target) == (Money(10_000, "EUR"), Money(12_375, "USD"))
    assert quote.expires_at - quote.created_at == timedelta(seconds=60)
    assert (quote.customer_id, quote.created_at, quote.used_by) == ("alice", NOW, None)
    assert quote.metadata() == {
        "fx_quote": "q",
        "fx_pair": "EUR/USD",
        "fx_rate": "1.25",
        "fx_spread": "0.01",
        "fx_given_rate": "1.2375",
        "fx_source": "100.00 EUR",
        "fx_target": "123.75 USD",
    }
