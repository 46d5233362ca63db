"""Money is exact: what is typed is what is kept, and what is kept reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.errors import ValidationFailed
from app.domain.money import AMOUNT_MINOR_MAX, BALANCE_MINOR_MAX, Money

currencies = st.sampled_from(sorted(CURRENCY_EXPONENTS))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("100", "USD", 10_000),
        ("100.5", "USD", 10_050),
        ("100.50", "USD", 10_050),
        ("0.01", "USD", 1),
        ("7", "JPY", 7),
        ("1.234", "KWD", 1_234),
        ("0.0001", "CLF", 1),
        ("10000000000000.00", "USD", AMOUNT_MINOR_MAX),
    ],
)
def test_plain_decimals_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "", " 1", "1 ", "+1", "-1", "-0", "0", "0.00", "00", "01", "1.", ".5", "1,5", "1_000", "1e2", "1E+2", "0x10",
        "9" * 17, "9" * 5_000, "NaN", "Infinity", "true", "١٢٣", "\uff11\uff12", "1\n",
        "1.2.3", "1.001", "10000000000000.01",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_message_for_the_field(text: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        Money.parse(text, "USD")
    assert list(refusal.value.errors or {}) == ["amount"]


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    for text, currency in (("1.0", "JPY"), ("1.005", "EUR"), ("1.0005", "KWD")):
        with pytest.raises(ValidationFailed, match="not valid") as refusal:
            Money.parse(text, currency)
        assert f"{currency} has {CURRENCY_EXPONENTS[currency]} decimal places" in str(refusal.value.errors)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (10_050, "USD", "100.50"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (0, "USD", "0.00"),
        (-700, "JPY", "-700"),
        (1, "KWD", "0.001"),
        (-BALANCE_MINOR_MAX, "USD", "-10000000000000000.00"),
    ],
)
def test_money_is_written_with_all_the_decimals_of_its_currency(minor: int, currency: str, text: str) -> None:
    assert str(Money(minor, currency)) == text


@given(st.integers(1, AMOUNT_MINOR_MAX), currencies)
def test_what_is_written_reads_back(minor: int, currency: str) -> None:
    assert Money.parse(str(Money(minor, currency)), currency) == Money(minor, currency)


@given(st.integers(-BALANCE_MINOR_MAX, BALANCE_MINOR_MAX), currencies)
def test_what_the_bank_has_kept_is_read_back_whatever_its_sign(minor: int, currency: str) -> None:
    assert Money.read(str(Money(minor, currency)), currency) == Money(minor, currency)


def test_nothing_is_an_amount_only_where_it_may_be() -> None:
    for text in ("0", "0.00"):
        assert Money.parse(text, "USD", or_zero=True) == Money(0, "USD")
        with pytest.raises(ValidationFailed):
            Money.parse(text, "USD")


@pytest.mark.parametrize("text", ["x", "1.001", "0", "10000000000000.01"])
def test_a_refusal_names_the_field_that_the_amount_stood_in(text: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        Money.parse(text, "USD", field="limit")
    ((field, (told,)),) = (refusal.value.errors or {}).items()
    assert field == "limit"
    assert told


@given(st.text(max_size=24), currencies)
def test_no_text_leads_to_anything_but_an_amount_in_range_or_a_refusal(text: str, currency: str) -> None:
    try:
        money = Money.parse(text, currency)
    except ValidationFailed:
        return
    assert 0 < money.amount_minor <= AMOUNT_MINOR_MAX


def test_the_absolute_amount_keeps_the_currency() -> None:
    assert abs(Money(-5, "EUR")) == Money(5, "EUR") == abs(Money(5, "EUR"))


def test_money_of_two_currencies_never_mixes() -> None:
    assert Money(100, "USD") != Money(100, "EUR")
    with pytest.raises(TypeError):
        Money(1, "USD") + Money(1, "EUR")  # type: ignore[operator]


def test_the_currencies_that_differ_from_two_decimals_are_those_of_iso_4217() -> None:
    expected = {"USD": 2, "EUR": 2, "CHF": 2, "JPY": 0, "KRW": 0, "ISK": 0, "XAF": 0, "BHD": 3, "IQD": 3, "TND": 3}
    assert {code: CURRENCY_EXPONENTS[code] for code in expected} == expected
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCY_EXPONENTS)


def test_no_sum_of_two_balances_leaves_64_bits() -> None:
    assert 2 * BALANCE_MINOR_MAX + AMOUNT_MINOR_MAX < 2**63
