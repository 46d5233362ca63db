"""What is sent to every route that takes something: see README.md beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_NOTE = "# "


@cache
def broken_bodies() -> tuple[bytes, ...]:
    """Return bodies that are not one JSON object in UTF-8."""
    return tuple(_bytes(line) * times for line, times in _lines("broken_bodies.txt"))


@cache
def naughty_strings() -> tuple[str, ...]:
    """Return texts that some program or other falls over."""
    return tuple(line.encode().decode("unicode_escape") * times for line, times in _lines("naughty_strings.txt"))


@cache
def odd_numbers() -> tuple[str, ...]:
    """Return what is no amount of money, as JSON would have it."""
    return tuple(line * times for line, times in _lines("odd_numbers.txt"))


@cache
def odd_headers() -> tuple[tuple[str, str], ...]:
    """Return headers by name and value, each byte of which is a character, as WSGI has it."""
    headers = ((*line.split(":", 1), times) for line, times in _lines("odd_headers.txt"))
    return tuple((name, _bytes(value.strip()).decode("latin-1") * times) for name, value, times in headers)


def _lines(name: str) -> Iterator[tuple[str, int]]:
    """Yield each case with how many times it stands behind itself."""
    for line in (_FOLDER / name).read_text("ascii").split("\n"):
        if line and not line.startswith(_NOTE):
            text, _, times = line.partition("\t*")
            yield text, int(times or 1)


def _bytes(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")
