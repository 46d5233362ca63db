"""Ids: derived from a key where there is one, sorting by time where a list is read in that order."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import (
    approval_id,
    entry_id,
    entry_id_ceiling,
    entry_id_floor,
    is_entry_id,
    random_id,
    session_id,
    transaction_id,
)
from tests.factories.ledger import OPENED_AT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(-(10**9), 10**12).map(lambda milliseconds: OPENED_AT + timedelta(milliseconds=milliseconds))


def test_one_key_of_one_initiator_has_one_transaction_id() -> None:
    assert transaction_id("alice", "rent-7") == transaction_id("alice", "rent-7")
    assert len({transaction_id(who, key) for who in ("alice", "bob") for key in ("rent-7", "rent-8")}) == 4


def test_random_ids_do_not_repeat() -> None:
    ids = {random_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert {len(each) for each in ids} == {32}


@given(st.lists(st.tuples(moments, st.integers(1, 2**32 - 1)), min_size=2, max_size=20, unique=True))
def test_entry_ids_sort_by_time_and_then_by_number(places: list[tuple[object, int]]) -> None:
    ids = [entry_id(instant, seq, random_id(), leg=0) for instant, seq in sorted(places)]  # type: ignore[arg-type]
    assert all(before < after for before, after in pairwise(ids))


def test_the_entries_of_one_transaction_have_different_ids() -> None:
    transaction = random_id()
    assert len({entry_id(OPENED_AT, 1, transaction, leg) for leg in range(100)}) == 100


@given(moments, st.integers(1, 2**32 - 1))
def test_the_bounds_of_an_instant_hold_its_entries_and_no_others(instant, seq) -> None:  # type: ignore[no-untyped-def]
    millisecond = timedelta(milliseconds=1)
    before, within, after = (
        entry_id(instant + offset, seq, random_id(), leg=0) for offset in (-millisecond, timedelta(), millisecond)
    )
    assert before < entry_id_floor(instant) <= within < entry_id_ceiling(instant) <= after


def test_ids_are_made_alike_in_every_release() -> None:
    key = transaction_id("alice", "k")
    assert key == hashlib.sha256(b"alice\nk").hexdigest()
    moment = EPOCH + timedelta(milliseconds=0x1234)
    assert entry_id(moment, 0x56, key, 7) == f"000000001234{'00000056'}{key[:14]}07"
    assert approval_id(moment, key) == f"000000001234{key[:20]}"
    assert session_id(moment)[:12] == entry_id_floor(moment) == "000000001234"
    assert entry_id_floor(EPOCH - timedelta(days=1)) == "000000000000"


def test_an_entrys_id_is_told_from_a_transactions_by_its_form() -> None:
    assert is_entry_id(entry_id(OPENED_AT, 1, transaction_id("alice", "k"), 0))
    assert not is_entry_id(transaction_id("alice", "k"))
    assert not is_entry_id(random_id())


def test_ids_of_sessions_can_not_be_guessed() -> None:
    ids = {session_id(OPENED_AT) for _ in range(100)}
    assert len(ids) == 100
    assert {len(each) for each in ids} == {32}
