"""What counts as a JSON body, and what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import MalformedJson
from app.domain.strict_json import DEPTH_MAX, JsonNumber, loads

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=15)


def as_the_standard_library_reads(value: Any) -> Any:
    """Turn our numbers into what `json.loads` makes of the same text."""
    if isinstance(value, JsonNumber):
        return json.loads(value.text)
    if isinstance(value, dict):
        return {name: as_the_standard_library_reads(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_the_standard_library_reads(member) for member in value]
    return value


@given(st.dictionaries(TEXT, VALUES), st.booleans(), st.sampled_from([None, 1]))
def test_valid_bodies_read_as_the_standard_library_reads_them(body: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(body, ensure_ascii=ascii_only, indent=indent)
    assert as_the_standard_library_reads(loads(text.encode())) == json.loads(text)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0d8truefalsn123.eE+- \n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_by_name(body: bytes) -> None:
    try:
        value = loads(body)
    except MalformedJson:
        return
    assert isinstance(value, dict)
    assert as_the_standard_library_reads(value) == json.loads(body)


@pytest.mark.parametrize("text", ["1.0", "100.50", "-0", "-0.0", "1E2", "1e400", "0.1", "9" * 21, "9" * 5000])
def test_a_number_that_is_no_short_integer_is_kept_as_it_was_written(text: str) -> None:
    assert loads(b'{"n": %s}' % text.encode()) == {"n": JsonNumber(text)}


def test_a_short_integer_is_an_integer() -> None:
    assert loads(b'{"n": 12345678901234567890, "m": -7}') == {"n": 12345678901234567890, "m": -7}


@pytest.mark.security("S53", "S57", "S59", "S60")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"{",
        b"{}{}",
        b"{} trailing",
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b'{"a": 1.}',
        b'{"a": +1}',
        b"{'a': 1}",
        b'{"a": "line\nbreak"}',
        b'{"a": "\\ud800"}',
        b'{"a": ["\\udfff\\ud800"]}',
        b'{"\\ud800": 1}',
        b'{"a": "nul \\u0000"}',
        b'{"a": "\xff"}',
        b'{"a": "\xc0\xaf"}',
        b'{"a": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
    ],
)
def test_what_is_not_one_clean_object_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        loads(body)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert loads(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.security("S58")
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [DEPTH_MAX, 1_000, 100_000])
def test_nesting_deeper_than_the_limit_is_refused_however_deep(opening: str, closing: str, depth: int) -> None:
    with pytest.raises(MalformedJson):
        loads(f'{{"a": {opening * depth}1{closing * depth}}}'.encode())
    with pytest.raises(MalformedJson):
        loads(f'{{"a": {opening * depth}'.encode())


def test_nesting_up_to_the_limit_is_read() -> None:
    inside = DEPTH_MAX - 1
    assert loads(f'{{"a": {"[" * inside}1{"]" * inside}}}'.encode())


def test_brackets_within_strings_nest_nothing() -> None:
    text = '[{"' * 50 + '\\"' * 50
    assert loads(json.dumps({"a": text, "b": ["]"] * 50}).encode()) == {"a": text, "b": ["]"] * 50}


@pytest.mark.parametrize("body", [b'{"a": "' + b'\\"' * 32_000, b'"' * 64_000, b'{"a": "[' + b"\\" * 63_999])
def test_hostile_strings_are_refused_in_linear_time(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        loads(body + b"[" * (DEPTH_MAX + 1))


def test_nesting_up_to_the_limit_is_read_however_many_brackets_there_are() -> None:
    deep = f"{'[' * (DEPTH_MAX - 1)}1{']' * (DEPTH_MAX - 1)}"
    assert loads(f'{{"a": {deep}, "b": {deep}, "c": [{{}}]}}'.encode())
    with pytest.raises(MalformedJson):
        loads(f'{{"a": {deep}, "b": [{deep}]}}'.encode())


def test_each_way_in_which_a_body_is_broken_is_told_apart() -> None:
    bodies = [
        b"", b'{"a": "\xff"}', b'\xef\xbb\xbf{"a": 1}', b"[]", b'{"a": 1, "a": 2}', b'{"a": NaN}',
        b'{"a": ' + b"[" * DEPTH_MAX, b'{"a": "\\ud800"}', b'{"a": 1,\n "b" 2}',
    ]  # fmt: skip
    told = set()
    for body in bodies:
        with pytest.raises(MalformedJson) as refusal:
            loads(body)
        told.add(refusal.value.detail)
    assert len(told) == len(bodies)
    assert MalformedJson.title not in told
    assert any("line 2, column 6" in text for text in told)
