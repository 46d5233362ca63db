"""What each field of the API takes and gives."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from app.domain.accounts import new_account_number
from app.domain.money import Money
from app.domain.strict_json import JsonNumber
from app.schemas.fields import AccountNumber, AmountIn, Cursor, Flag, Limit, MoneyOut, Text, TimestampIn, TimestampOut


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        (100, "100"),
        (JsonNumber("100.5"), "100.5"),
        (JsonNumber("100.50"), "100.50"),
        ("100.50", "100.50"),
        ("0.0001", "0.0001"),
        ("9999999999999999", "9999999999999999"),
    ],
)
def test_an_amount_is_handed_on_as_it_was_written(given_value: Any, text: str) -> None:
    assert AmountIn().deserialize(given_value) == text


@pytest.mark.parametrize(
    "value",
    [
        True, False, None, [], {}, 1.5, b"1", 0, -1, JsonNumber("0.00"), JsonNumber("-0.0"), JsonNumber("1E2"),
        JsonNumber("1e400"), JsonNumber("0.00001"), "", " 12", "12 ", "12\n", "+1", "-1", "0", "0.00", "1e2", "1_000",
        "1,000", "01", ".5", "5.", "NaN", "Infinity", "0x10", "١٢٣", "１２", "10000000000000000", 10**16, "0.00001",
    ],
)  # fmt: skip
def test_what_is_no_plain_positive_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        AmountIn().deserialize(value)


@given(st.integers(1, 10**15))
def test_every_amount_that_goes_out_may_come_in_again(amount_minor: int) -> None:
    sent = MoneyOut()._serialize(Money(amount_minor, "USD"), None, None)
    assert Money.parse(AmountIn().deserialize(sent), "USD") == Money(amount_minor, "USD")


def test_money_goes_out_with_all_the_decimals_of_its_currency() -> None:
    currencies = {"USD": "-0.05", "JPY": "-5", "BHD": "-0.005"}
    assert {code: MoneyOut()._serialize(Money(-5, code), None, None) for code in currencies} == currencies


@pytest.mark.parametrize("value", [0, 1, 0.0, "", "true", "false", "yes", [], None])
def test_what_only_looks_like_true_or_false_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Flag().deserialize(value)


def test_a_time_goes_out_in_utc_with_milliseconds() -> None:
    instant = datetime(2026, 1, 31, 14, 0, 0, 5_999, tzinfo=timezone(timedelta(hours=2)))
    assert TimestampOut()._serialize(instant, None, None) == "2026-01-31T12:00:00.005Z"


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31t12:00:00.000z", "2026-01-31T14:00:00+02:00", "2026-01-31T12:00:00.0Z"]
)
def test_an_instant_comes_in_with_its_offset(text: str) -> None:
    assert TimestampIn().deserialize(text) == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_time_that_is_not_known_goes_out_as_null() -> None:
    assert TimestampOut()._serialize(None, None, None) is None


def test_a_date_stands_for_its_first_or_its_last_instant() -> None:
    assert TimestampIn().deserialize("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    end = TimestampIn(end_of_day=True).deserialize("2026-01-31")
    assert end == datetime(2026, 1, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "", "yesterday", "2026-02-30", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "20260131", "٢٠٢٦-٠١-٣١", 5, None, ["2026-01-31"],
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        TimestampIn().deserialize(value)


def test_the_last_day_that_can_be_written_has_an_end() -> None:
    assert TimestampIn(end_of_day=True).deserialize("9999-12-31").year == 9999


def test_text_is_normalised_so_that_equal_texts_are_equal() -> None:
    assert Text(max_length=10).deserialize("cafe\u0301") == "caf\u00e9"


@pytest.mark.parametrize(
    "text", ["Miete für März", "ребёнок 👩‍👧", "", "' OR 1=1 --", "<img src=x onerror=alert(1)>", "=SUM(A1)", "$where"]
)
def test_text_may_hold_what_people_write(text: str) -> None:
    assert Text(max_length=40).deserialize(text) == text


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\tb", "a\x00", "a\x1b[0m", "a\u2028b", "a\u202eb", "\x7f", "\x85", "\ud800", "x" * 41, 7, None, {}],
)
def test_text_holds_no_control_characters_and_has_an_end(value: Any) -> None:
    with pytest.raises(ValidationError):
        Text(max_length=40).deserialize(value)


def test_text_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValidationError):
        Text(min_length=1, max_length=40).deserialize("")


def test_an_account_number_is_checked_for_typos() -> None:
    number = new_account_number()
    assert AccountNumber().deserialize(number) == number
    typo = number[:-1] + str((int(number[-1]) + 1) % 10)
    for wrong in (typo, number[:-1], f" {number}", int(number), {"$gt": ""}):
        with pytest.raises(ValidationError):
            AccountNumber().deserialize(wrong)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("20", 20), ("100", 100)])
def test_a_limit_is_a_number_of_items(text: str, limit: int) -> None:
    assert Limit().deserialize(text) == limit


@pytest.mark.security("S10")
@pytest.mark.parametrize("value", ["0", "101", "1000000000", "-1", "+5", "05", "1.0", "", "ten", "١", 5, None])
def test_a_limit_outside_of_its_bounds_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Limit().deserialize(value)


@pytest.mark.parametrize("value", ["", "a b", "a\n", "{}", "x" * 513, 5, None])
def test_what_can_be_no_cursor_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Cursor().deserialize(value)


def test_a_cursor_is_handed_on_unchanged() -> None:
    assert Cursor().deserialize("AbC-_.~=1") == "AbC-_.~=1"


@given(st.text(max_size=45))
def test_text_is_taken_just_where_its_description_says(text: str) -> None:
    field = Text(min_length=1, max_length=40)
    normal = unicodedata.normalize("NFC", text)
    described = all(map(Draft202012Validator(field.OPENAPI).is_valid, (text, normal)))
    try:
        taken = field.deserialize(text) == normal
    except ValidationError:
        taken = False
    assert taken == described or text.endswith("\n")  # which Python's `$` does not see


@given(st.from_regex(r"[0-9]{0,3}[.]?[0-9]{0,5}") | st.text(max_size=6))
def test_an_amount_is_taken_just_where_its_description_says(text: str) -> None:
    try:
        AmountIn().deserialize(text)
        taken = True
    except ValidationError:
        taken = False
    assert taken == Draft202012Validator(AmountIn.OPENAPI).is_valid(text) or text.endswith("\n")


@pytest.mark.parametrize("field", [AmountIn(), AccountNumber(), TimestampIn()])
def test_every_example_of_a_field_is_taken(field: Any) -> None:
    for example in field.OPENAPI["examples"]:
        field.deserialize(JsonNumber(str(example)) if isinstance(example, float) else example)
