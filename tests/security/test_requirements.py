"""Every security requirement is shown by a test of its number, or waits for a feature by name; the guarantees agree."""

from __future__ import annotations

import re

from tests.processes import PROJECT
from tests.security.requirements import REQUIREMENTS, WAITING

_MARK = re.compile(r"^@pytest\.mark\.security\(([^)]*)\)$", re.M)
_NUMBER = re.compile(r"S\d\d")


def shown_by() -> dict[str, set[str]]:
    """Return the tests of each requirement: by their names, `test_s24_...`, or by their mark."""
    shown: dict[str, set[str]] = {number: set() for number in REQUIREMENTS}
    for path in (PROJECT / "tests").rglob("test_*.py"):
        marked: list[str] = []
        for line in path.read_text().splitlines():
            if mark := _MARK.match(line):
                marked += _NUMBER.findall(mark[1])
            if found := re.match(r"def (test_(?:(s\d\d)_)?\w+)", line):
                for number in {*marked, *([found[2].upper()] if found[2] else [])}:
                    shown.setdefault(number, set()).add(found[1])
                marked = []
    return shown


def rows_of_guarantees() -> list[tuple[list[str], set[str]]]:
    """Return the numbers in the first column of each row, and the tests that the row names."""
    rows = []
    for line in (PROJECT / "docs" / "guarantees.md").read_text().splitlines():
        if line.startswith("| S"):
            first = line.split("|")[1]
            numbers = _NUMBER.findall(first)
            if span := re.search(r"S(\d\d) to S(\d\d)", first):
                numbers += [f"S{number:02d}" for number in range(int(span[1]) + 1, int(span[2]))]
            rows.append((numbers, set(re.findall(r"`(test_\w+)`", line))))
    return rows


def test_every_requirement_is_shown_by_a_test_or_waits_for_a_feature() -> None:
    shown = shown_by()
    assert list(REQUIREMENTS) == [f"S{number:02d}" for number in range(1, 76)]
    assert shown.keys() == REQUIREMENTS.keys()
    assert {number for number, tests in shown.items() if not tests} == WAITING.keys()


def test_every_requirement_that_waits_for_nothing_has_a_test_of_its_name() -> None:
    named = {
        number for number, tests in shown_by().items() if any(t.startswith(f"test_{number.lower()}_") for t in tests)
    }
    assert REQUIREMENTS.keys() - named == WAITING.keys()


def test_the_guarantees_name_every_requirement_and_for_each_a_test_that_shows_it() -> None:
    shown, rows = shown_by(), rows_of_guarantees()
    assert {number for numbers, _ in rows for number in numbers} == REQUIREMENTS.keys()
    proved = {number for numbers, tests in rows for number in numbers if tests & shown[number]}
    assert REQUIREMENTS.keys() - proved == WAITING.keys()
    unproved = [(number, tests) for numbers, tests in rows for number in numbers if tests and not tests & shown[number]]
    assert unproved == []


def test_what_the_guarantees_say_waits_is_what_waits() -> None:
    text = (PROJECT / "docs" / "guarantees.md").read_text()
    waiting = re.findall(r"^\| (S[^|]*) \| ([^|]*) \|$", text, re.M)
    assert {number for first, _ in waiting for number in _NUMBER.findall(first)} == WAITING.keys()
