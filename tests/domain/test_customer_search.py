"""By what customers are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.customer_search import PREFIX_LENGTH_MAX, WORDS_MAX, search_keys, search_terms
from app.domain.customers import Customer
from tests.factories.customers import customer_record

CAROL = replace(
    customer_record(full_name="Zoë Łukasz-O’Brien Müller", email="Zoe.B@example.com", phone="+12025550143"),
    number="C482915306750",
)


def is_found(customer: Customer, text: str) -> bool:
    terms = search_terms(text)
    return bool(terms) and set(terms) <= set(search_keys(customer))


@pytest.mark.parametrize(
    "text",
    ["z", "Zoë", "ZOE", "zoe mul", "mull zo", "lukasz", "ŁUK", "obrien", "O'Br", "o’brien", "Łukasz-O'Brien",
     "zoe.b@example.com", "ZOE.B@EX", "zoe.b", "+1 202 555-0143", "+1 (202)", "12025550143", CAROL.number,
     CAROL.number.lower(), CAROL.number[:5], CAROL.number[1:], "Mu\u0308ller", "ＭＵ"],
)  # fmt: skip
def test_a_customer_is_found_by_the_beginnings_of_words(text: str) -> None:
    assert is_found(CAROL, text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "oe", "zoe x", "zoë zoë zoë y", ".*", "^u.*$", "%", "$gt x", "(a+)+$", "[z]oe q", "brien@", "example.com",
     "0143", "555", "zoe\\b.c"],
)  # fmt: skip
def test_nothing_else_finds_them(text: str) -> None:
    assert not is_found(CAROL, text)


@pytest.mark.parametrize("text", [".*", "$", "{}", "+", "--", "\\", "''", "\u0301"])
def test_what_holds_no_letter_and_no_digit_asks_for_nothing(text: str) -> None:
    assert search_terms(text) == []


def test_a_search_asks_for_its_longest_word_first() -> None:
    assert search_terms("an schwarz a") == ["schwarz", "an", "a"]


def test_the_longest_names_make_a_bounded_number_of_bounded_keys() -> None:
    names = ("x" * 200, "a " * 100, "\ufdfa" * 200)
    for name in names:
        keys = search_keys(customer_record(full_name=name, email=f"{'e' * 60}@{'d' * 180}.com", phone="+12025550143"))
        assert max(map(len, keys)) <= PREFIX_LENGTH_MAX
        assert len(keys) <= (2 * WORDS_MAX + 3) * PREFIX_LENGTH_MAX
    assert len(search_terms("a b c d e f g h i j k l m n o p q r s t u v")) == WORDS_MAX
    assert is_found(customer_record(full_name="x" * 200), "x" * 100)


def test_nothing_but_beginnings_of_what_is_on_record_is_kept() -> None:
    keys = search_keys(replace(customer_record(full_name=None, email='"a@b"@example.com'), number="C123"))
    assert keys == sorted({"1", "12", "123", "a", "b", *('"a@b"@example.com'[:length] for length in range(1, 18))})
    phoned = search_keys(replace(customer_record(full_name=None, phone="+1 202"), number="C9"))
    assert phoned == ["1", "12", "120", "1202", "9"]
