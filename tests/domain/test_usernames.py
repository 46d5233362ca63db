"""What may be a user name, and when two names are one."""

from __future__ import annotations

import pytest

from app.domain.errors import ValidationFailed
from app.domain.usernames import LENGTH_MAX, attempted_username, canonical_username, displayed_username


@pytest.mark.security("S37")
@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("admin", "admin"),
        ("ADMIN", "admin"),
        ("ＡＤＭＩＮ", "admin"),
        ("ﬁona", "fiona"),
        ("Straße", "strasse"),
        ("rene\u0301", "ren\u00e9"),
        ("j.o-h_n2", "j.o-h_n2"),
        ("Иван", "иван"),
        ("Γιώργος", "γιώργοσ"),
        ("김철수", "김철수"),
        ("שלום", "שלום"),
        ("Łukasz", "łukasz"),
        ("\u2168dan", "ixdan"),
    ],
)
def test_names_that_read_the_same_have_one_canonical_form(typed: str, canonical: str) -> None:
    assert canonical_username(typed) == canonical


@pytest.mark.parametrize("name", ["admin", "strasse", "ren\u00e9", "иван", "김철수", "γιώργοσ"])
def test_a_canonical_form_is_its_own_canonical_form(name: str) -> None:
    assert canonical_username(name) == name


@pytest.mark.security("S37")
@pytest.mark.parametrize(
    "deceptive",
    [
        pytest.param("ad\u200bmin", id="zero-width space"),
        pytest.param("ad\u200dmin", id="zero-width joiner"),
        pytest.param("admin\u00ad", id="soft hyphen"),
        pytest.param("\u202enimda", id="right-to-left override"),
        pytest.param("ad\x00min", id="NUL"),
        pytest.param("bob\nINFO", id="line break"),
        pytest.param("bob smith", id="space"),
        pytest.param("alice ", id="trailing space"),
        pytest.param("\u0430dmin", id="a Cyrillic letter among Latin ones"),
        pytest.param("\u0441\u043e\u0441\u043e", id="Cyrillic that reads as Latin"),
        pytest.param("\u03bf\u03c1\u03b1", id="Greek that reads as Latin"),
        pytest.param("\u0251dmin", id="Latin alpha"),
        pytest.param("adm\u0131n", id="dotless i"),
        pytest.param("\u01c3admin", id="click letter"),
        pytest.param("adm\u0456n\u0301\u0301", id="stacked marks"),
        pytest.param("x\u0301x\u0301x\u0301", id="marks that compose with nothing"),
        pytest.param("\u3164\u3164\u3164", id="Hangul fillers"),
        pytest.param("\u1100\u1161\u11a8", id="short once composed"),
        pytest.param("\u1100\u1100\u1100", id="parts of Hangul letters"),
        pytest.param("user\u0661", id="foreign digits"),
        pytest.param("admin\ufe0f", id="variation selector"),
        pytest.param("bob\U0001f600", id="emoji"),
        pytest.param("a$ne", id="operator"),
        pytest.param("<b>bob</b>", id="markup"),
        pytest.param("ad\u02b9min", id="modifier letter"),
        pytest.param("\U0001d44e\u2063bc", id="invisible separator"),
    ],
)
def test_deceptive_names_are_refused(deceptive: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        canonical_username(deceptive)
    assert "username" in (refusal.value.errors or {})


@pytest.mark.parametrize("name", ["", "ab", "x" * 33, "x" * 100_000, "ﬃ" * 11, "-bob", "bob.", "_-_", "123456", "..."])
def test_names_of_the_wrong_length_or_without_letters_are_refused(name: str) -> None:
    with pytest.raises(ValidationFailed):
        canonical_username(name)


def test_names_at_the_limits_pass() -> None:
    assert canonical_username("abc") == "abc"
    assert len(canonical_username("x" * LENGTH_MAX)) == LENGTH_MAX


def test_a_name_is_shown_as_it_was_typed_but_composed() -> None:
    assert displayed_username("Rene\u0301") == "Ren\u00e9"


def test_what_is_typed_is_bounded_before_it_is_composed() -> None:
    composed_of_three = "e\u0304\u0301"
    assert canonical_username(composed_of_three * 21 + "e") == "\u1e17" * 21 + "e"
    with pytest.raises(ValidationFailed):
        canonical_username(composed_of_three * 21 + "e\u0301")


def test_each_reason_to_refuse_a_name_is_told_apart() -> None:
    told = set()
    for name in ("ab", "a$ne", ".bob", "\u0430dmin", "\u0441\u043e\u0441\u043e"):
        with pytest.raises(ValidationFailed) as refusal:
            canonical_username(name)
        ((text,),) = (refusal.value.errors or {}).values()
        told.add(text)
    assert len(told) == 5
    assert all(told)


@pytest.mark.parametrize("name", ["bo.", "_bob", "bob-", "12.", "12-34"])
def test_a_name_begins_and_ends_with_a_letter_or_a_digit_and_has_a_letter(name: str) -> None:
    with pytest.raises(ValidationFailed):
        canonical_username(name)


def test_failed_attempts_are_counted_by_what_a_name_folds_to_whether_it_can_be_one_or_not() -> None:
    assert attempted_username("ＡＤＭＩＮ $") == "admin $"
    assert attempted_username("\ufb03" * 40) == "ffi" * 40
