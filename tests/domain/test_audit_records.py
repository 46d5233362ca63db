"""The audit trail's records: what of an action is kept, and what never is."""

from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.actor import Actor, Role
from app.domain.audit import (
    ANONYMOUS,
    DEPTH_MAX,
    FIELDS_MAX,
    HIDDEN,
    OK,
    SIDE_BYTES_MAX,
    SYSTEM,
    TEXT_LENGTH_MAX,
    AuditFilter,
    AuditRecord,
    Stream,
    Subject,
    content_digest,
    facts_of,
    masked_contact,
    new_record,
)
from app.domain.errors import ValidationFailed
from app.domain.money import Money
from app.domain.origin import LOCAL, Origin

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BELLA = Actor("bella-id", "bella", Role.BANKER, "session")


def a_record(action: str = "staff.product_changed", **facts: Any) -> AuditRecord:
    given_facts = {"before": None, "after": None, "result": OK, "origin": LOCAL, "now": NOW} | facts
    return new_record(action, given_facts.pop("actor", BELLA), Subject("product", "P1"), **given_facts)


def kept(after: dict[str, Any]) -> dict[str, Any]:
    """Return what a record keeps of these new facts."""
    return dict(a_record(after=after).after)


def test_a_record_says_who_did_what_to_what_when_from_where_and_how_it_ended() -> None:
    record = a_record(result="state_conflict", origin=Origin("192.0.2.7", "req-1"))
    assert (record.at, record.action, record.stream) == (NOW, "staff.product_changed", Stream.STAFF)
    assert (record.user_id, record.role) == ("bella-id", "banker")
    assert (str(record.subject), record.result) == ("product:P1", "state_conflict")
    assert (record.address, record.request_id) == ("192.0.2.7", "req-1")
    assert (record.before, record.after) == ({}, {})


def test_records_sort_by_time() -> None:
    assert a_record().id < a_record(now=NOW + timedelta(milliseconds=1)).id


def test_whoever_acts_without_a_token_is_named_for_what_they_are() -> None:
    assert (a_record(actor=SYSTEM).user_id, a_record(actor=SYSTEM).role) == ("system", "system")
    assert (a_record(actor=ANONYMOUS).user_id, a_record(actor=ANONYMOUS).role) == ("anonymous", "anonymous")


@pytest.mark.parametrize("action", ["auth.login", "money.hold.placed", "access.denied", f"staff.a{'b' * 39}"])
def test_an_actions_first_word_is_its_stream(action: str) -> None:
    assert a_record(action).stream == action.split(".")[0]


@pytest.mark.parametrize(
    "action",
    ["staff", "staff.", "Staff.x", "staff.X", "other.x", "staff.1x", "staff.x.y.z.w", "staff.x ", f"staff.{'a' * 41}"],
)
def test_what_is_no_action_is_a_fault_of_the_program(action: str) -> None:
    with pytest.raises(ValueError, match="not the name of an action"):
        a_record(action)


def test_a_record_keeps_what_differs_and_nothing_else() -> None:
    record = a_record(
        before={"name": "Basic", "fee": 1, "gone": "x", "same": None}, after={"name": "Plus", "fee": 1, "same": None}
    )
    assert (record.before, record.after) == ({"name": "Basic", "gone": "x"}, {"name": "Plus"})
    assert a_record(before={"a": None}, after={}).before == {"a": None}


@pytest.mark.parametrize(
    "name",
    ["password", "old_password", "pepper", "secret", "totp_seed", "refresh_token", "hash", "password_hash", "jti",
     "current_jti", "otp", "recovery_codes", "pin", "card_pin"],
)  # fmt: skip
def test_what_may_be_a_secret_is_hidden_wherever_it_stands(name: str) -> None:
    inner = {"value": "x", name: "violet harbour"}
    shown = {"value": "x", name: HIDDEN}
    assert kept({name: "violet harbour", "inner": inner, "rows": [inner]}) == {
        name: HIDDEN, "inner": shown, "rows": [shown],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["opinion", "pinned", "hash_count", "spin"])
def test_what_only_sounds_like_a_secret_is_kept(name: str) -> None:
    assert kept({name: "plain"}) == {name: "plain"}


def test_whether_there_is_a_secret_may_be_told() -> None:
    assert kept({"password": None, "token": True}) == {"password": None, "token": True}


@pytest.mark.parametrize("name", ["email", "e-mail", "mail", "phone", "mobile", "phones"])
def test_contacts_are_masked(name: str) -> None:
    assert kept({name: "alice@example.com"}) == {name: "a***@example.com"}


def test_of_a_contact_too_little_is_left_to_reach_anybody() -> None:
    assert masked_contact("alice@home@example.com") == "a***@example.com"
    assert masked_contact("@example.com") == "***@example.com"
    assert masked_contact("+15551234567") == "***67"
    assert masked_contact("a@" + "h" * 101) == "a***@" + "h" * 100


@pytest.mark.usefixtures("machine_in_tokyo")
def test_values_are_kept_in_plain_json() -> None:
    pair = namedtuple("pair", "left right")
    values: dict[str, Any] = {
        "none": None, "yes": True, "number": 7, "text": "x", "list": [1, "a"], "tuple": (1, 2), "map": {"a": 1},
        "role": Role.ADMIN, "money": Money(1_050, "USD"), "day": date(2026, 11, 20), "ratio": Decimal("0.10"),
        "at": datetime(2026, 11, 20, 13, 0, 0, 125_999, timezone(timedelta(hours=1))),
        "set": {"b", "a"}, "frozen": frozenset({2, 1}), "pair": pair(1, "r"),
    }  # fmt: skip
    plain = kept(values)
    assert plain == {
        "none": None, "yes": True, "number": 7, "text": "x", "list": [1, "a"], "tuple": [1, 2], "map": {"a": 1},
        "role": "admin", "money": "10.50", "day": "2026-11-20", "ratio": "0.10",
        "at": "2026-11-20T12:00:00.125+00:00",
        "set": ["a", "b"], "frozen": [1, 2], "pair": {"left": 1, "right": "r"},
    }  # fmt: skip
    assert json.loads(json.dumps(plain)) == plain


@pytest.mark.parametrize(
    ("number", "told"),
    [(2**63 - 1, 2**63 - 1), (2**63, str(2**63)), (-(2**63), -(2**63)), (-(2**63) - 1, str(-(2**63) - 1))],
)
def test_a_number_that_the_database_does_not_take_is_kept_as_text(number: int, told: int | str) -> None:
    assert kept({"n": number}) == {"n": told}


def test_of_anything_else_only_the_kind_is_kept() -> None:
    assert kept({"object": object(), "bytes": b"raw", "float": 1.5}) == {
        "object": "(object)", "bytes": "(bytes)", "float": "(float)",
    }  # fmt: skip


def test_texts_are_bounded_and_made_sound() -> None:
    assert kept({"t": "x" * TEXT_LENGTH_MAX}) == {"t": "x" * TEXT_LENGTH_MAX}
    assert kept({"t": "x" * (TEXT_LENGTH_MAX + 1)}) == {"t": "x" * (TEXT_LENGTH_MAX - 1) + "…"}
    assert kept({"t": "a\0b\ud800"}) == {"t": "ab?"}


def test_names_are_as_the_database_takes_them() -> None:
    assert kept({"$gt": 1, "a.b$c": {"x.y": 2}}) == {"_gt": 1, "a_b_c": {"x_y": 2}}
    assert kept({"n" * 65: 1}) == {"n" * 63 + "…": 1}
    assert kept({"n" * 64: 1}) == {"n" * 64: 1}


def test_a_subjects_id_is_bounded() -> None:
    record = new_record(
        "staff.x", BELLA, Subject("user", "u" * 129), before=None, after=None, result=OK, origin=LOCAL, now=NOW
    )
    assert record.subject == Subject("user", "u" * 127 + "…")
    assert Subject.parse("user:a:b") == Subject("user", "a:b")


def test_nesting_is_bounded() -> None:
    lists: Any = 1
    maps: Any = 1
    for _ in range(DEPTH_MAX):
        lists, maps = [lists], {"m": maps}
    assert kept({"l": lists, "m": maps}) == {"l": lists, "m": maps}
    assert str(kept({"l": [lists]})).count("[") == str(kept({"m": {"m": maps}})["m"]).count("{") == DEPTH_MAX
    assert HIDDEN in str(kept({"l": [lists]}))
    assert HIDDEN in str(kept({"m": {"m": maps}}))


def test_the_number_of_fields_and_items_is_bounded() -> None:
    many = {f"f{number:03}": number for number in range(FIELDS_MAX + 1)}
    assert list(kept(many)) == list(many)[:FIELDS_MAX]
    assert list(kept({"m": many})["m"]) == list(many)[:FIELDS_MAX]
    assert kept({"l": list(range(FIELDS_MAX + 1))})["l"] == list(range(FIELDS_MAX))


def test_a_side_that_is_too_large_is_kept_as_its_digest() -> None:
    texts = {f"f{number:02}": "x" * 400 for number in range(19)}
    room = SIDE_BYTES_MAX - len(json.dumps(texts | {"last": ""}))
    assert kept(texts | {"last": "x" * room}) == texts | {"last": "x" * room}
    too_large = texts | {"last": "x" * (room + 1)}
    assert kept(too_large) == {"too_large": True, "digest": content_digest(too_large)}


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_whatever_is_told_fits_into_the_trail(facts: dict[str, Any]) -> None:
    plain = kept(facts)
    assert len(json.dumps(plain).encode()) <= SIDE_BYTES_MAX
    assert not any("$" in name or "." in name for name in plain)


@dataclass(frozen=True)
class _Thing:
    name: str
    version: int
    created_at: datetime
    updated_at: datetime


def test_what_only_counts_and_dates_a_record_is_no_fact() -> None:
    assert facts_of(_Thing("Basic", 7, NOW, NOW)) == {"name": "Basic"}


# ---- digests ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("machine_in_tokyo")
def test_the_digest_of_what_was_written_is_the_same_in_every_release_and_time_zone() -> None:
    content = {"b": [1, None, "é"], "a": datetime(2026, 11, 20, 13, 0, tzinfo=timezone(timedelta(hours=1))), "c": b"x"}
    assert content_digest(content) == "6fb34e0a46f01a01e0c5c01a9af039cdc0c95b02aefb283a812d5a3535508137"


def test_a_digest_does_not_depend_on_the_order_of_fields_and_on_every_value() -> None:
    content: dict[str, Any] = {"a": 1, "b": {"c": [1, 2], "d": NOW}}
    assert content_digest({"b": {"d": NOW, "c": [1, 2]}, "a": 1}) == content_digest(content)
    others = [
        {**content, "a": 2}, {**content, "a": "1"}, {**content, "b": {"c": [2, 1], "d": NOW}},
        {**content, "b": {"c": [1, 2], "d": NOW + timedelta(milliseconds=1)}}, {**content, "e": None},
    ]  # fmt: skip
    assert len({content_digest(each) for each in [content, *others]}) == 6


# ---- asking ----------------------------------------------------------------------------------------------------------


def test_a_span_of_time_that_ends_before_it_begins_is_refused() -> None:
    AuditFilter(since=NOW, until=NOW)
    AuditFilter(since=NOW)
    AuditFilter(until=NOW)
    with pytest.raises(ValidationFailed) as refusal:
        AuditFilter(since=NOW, until=NOW - timedelta(milliseconds=1))
    assert set(refusal.value.errors or {}) == {"from"}
