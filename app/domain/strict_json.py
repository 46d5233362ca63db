"""JSON as the API takes it: RFC 8259 with what it leaves open decided. One object, in UTF-8, exact and bounded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from app.domain.errors import MalformedJson

DEPTH_MAX = 20
INTEGER_DIGITS_MAX = 20

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A whole string (possessive: linear time on any input) or one bracket outside of strings."""
_DEPTH_CHANGE = {"[": 1, "{": 1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class JsonNumber:
    """A number as it was written: with a fraction or an exponent, too long for any field, or minus zero. No float."""

    text: str


def loads(body: bytes) -> dict[str, Any]:
    """Read a request body: a JSON object whose numbers are int or JsonNumber.

    Raises:
        MalformedJson: not UTF-8, a byte order mark, not JSON, not one object, a name given twice, NaN or Infinity,
            deeper than DEPTH_MAX, or a string that holds NUL or half of a surrogate pair.
    """
    text = _text(body)
    _refuse_deep_nesting(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"The body is not valid JSON at line {error.lineno}, column {error.colno}.") from None
    if not isinstance(value, dict):
        raise MalformedJson("The body must be one JSON object.")
    if "\\u" in text:  # only an escape can bring in what UTF-8 and the decoder refuse
        _refuse_broken_characters(value)
    return value


def _text(body: bytes) -> str:
    if not body.strip():
        raise MalformedJson("The body is empty; send one JSON object.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("The body is not valid UTF-8.") from None
    if text.startswith("\ufeff"):
        raise MalformedJson("Send the body without a byte order mark.")
    return text


def _refuse_deep_nesting(text: str) -> None:
    """Count brackets before the decoder meets them, for it recurses."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += _DEPTH_CHANGE.get(match[0], 0)
        if depth > DEPTH_MAX:
            raise MalformedJson(f"The body is nested deeper than {DEPTH_MAX} levels.")


def _refuse_broken_characters(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or not _is_encodable(value):
            raise MalformedJson("A string holds a NUL character or half of a surrogate pair.")
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_broken_characters(name)
            _refuse_broken_characters(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_broken_characters(member)


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("An object gives the same name twice.")
    return members


def _integer(text: str) -> int | JsonNumber:
    return int(text) if len(text) <= INTEGER_DIGITS_MAX and text != "-0" else JsonNumber(text)


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is not a JSON number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=JsonNumber, parse_int=_integer, parse_constant=_refuse_constant
)
