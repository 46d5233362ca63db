"""What lets somebody in: one-time codes, recovery and reset codes, sessions; and how users are found."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest

from app.domain import reset_codes
from app.domain.actor import Role
from app.domain.invitations import invitation_digest
from app.domain.reset_codes import reset_code_digest
from app.domain.second_factor import (
    RECOVERY_CODE_PATTERN,
    RECOVERY_CODES,
    is_one_time_code,
    is_required,
    new_recovery_codes,
    recovery_code_digest,
    steps_to_try,
)
from app.domain.sessions import RETRY_WINDOW, Device, Session
from app.domain.typed_codes import canonical_code, new_typed_code
from app.domain.user_search import UserFilter

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


# ---- the second factor -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_the_bank_insists_on_a_second_factor_for_staff_and_for_customers_apart(role: Role) -> None:
    is_customer = role is Role.CUSTOMER
    assert is_required(role, of_staff=True, of_customers=False) is not is_customer
    assert is_required(role, of_staff=False, of_customers=True) is is_customer
    assert not is_required(role, of_staff=False, of_customers=False)


def test_a_one_time_code_is_six_ascii_digits() -> None:
    assert is_one_time_code("000123")
    for text in ("00012", "0001234", "00012a", "٠٠٠١٢٣", " 00123", "000123\n", "abcd-efgh-ijkl-mnop", ""):
        assert not is_one_time_code(text)


def test_codes_of_this_half_minute_and_its_neighbours_count_the_present_one_first() -> None:
    step = int(NOW.timestamp()) // 30
    assert steps_to_try(NOW, -1) == [step, step - 1, step + 1]
    assert steps_to_try(NOW + timedelta(seconds=29, milliseconds=999), -1)[0] == step
    assert steps_to_try(NOW + timedelta(seconds=30), -1)[0] == step + 1


def test_a_code_counts_once_and_none_before_it() -> None:
    step = int(NOW.timestamp()) // 30
    assert steps_to_try(NOW, step - 2) == [step, step - 1, step + 1]
    assert steps_to_try(NOW, step - 1) == [step, step + 1]
    assert steps_to_try(NOW, step) == [step + 1]
    assert steps_to_try(NOW, step + 1) == []


def test_recovery_codes_are_ten_of_sixteen_letters_in_groups_and_no_two_alike() -> None:
    codes = new_recovery_codes()
    assert len(codes) == len(set(codes)) == RECOVERY_CODES == 10
    for code in codes:
        assert re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code)
        assert re.fullmatch(RECOVERY_CODE_PATTERN, code)


def test_each_group_of_a_recovery_code_is_drawn_anew() -> None:
    codes = [code.split("-") for code in new_recovery_codes()]
    assert not all(first[1:] == second[:-1] for first, second, *_ in codes)


def test_recovery_codes_are_made_of_all_their_letters() -> None:
    letters = {letter for _ in range(40) for code in new_recovery_codes() for letter in code}
    assert letters == set("abcdefghijklmnopqrstuvwxyz234567-")


def test_a_recovery_code_counts_however_it_is_typed_and_for_its_user_alone() -> None:
    kept = hashlib.sha256(b"recovery code\nu1\nabcdefgh234567ij").hexdigest()
    for typed in ("abcd-efgh-2345-67ij", "ABCD-EFGH-2345-67IJ", "abcdefgh234567ij"):
        assert recovery_code_digest("u1", typed) == kept
    assert recovery_code_digest("u2", "abcd-efgh-2345-67ij") != kept


# ---- codes that the bank hands out -----------------------------------------------------------------------------------


def test_codes_are_twenty_letters_in_groups_and_no_two_alike() -> None:
    codes = [new_typed_code() for _ in range(200)]
    assert len(set(codes)) == 200
    alphabet = "0-9A-HJKMNP-TV-Z"
    assert all(re.fullmatch(rf"([{alphabet}]{{5}}-){{3}}[{alphabet}]{{5}}", code) for code in codes)
    assert len({letter for code in codes for letter in code}) == 33


def test_what_stands_for_a_code_is_the_same_in_every_release_however_it_is_typed() -> None:
    invited = hashlib.sha256(b"7K3MX9QTD20V4WZH8R61").hexdigest()
    reset = hashlib.sha256(b"reset code\nu1\n7K3MX9QTD20V4WZH8R61").hexdigest()
    for typed in ("7K3MX-9QTD2-0V4WZ-H8R61", "7k3mx 9qtd2 ov4wz h8r6i", "7k3mx9qtd2Ov4wzh8r6L"):
        assert invitation_digest(typed) == invited
        assert reset_code_digest("u1", typed) == reset
        assert reset_code_digest("u2", typed) != reset
    assert canonical_code("7k3mx-9qtd2") == "7K3MX9QTD2"


def test_a_code_of_broken_characters_is_a_wrong_code() -> None:
    assert reset_code_digest("u1", "\ud800") != reset_code_digest("u1", "\ud801")
    assert timedelta(minutes=10) == reset_codes.LIFETIME


# ---- sessions --------------------------------------------------------------------------------------------------------

SESSION = Session(
    id="s1",
    user_id="u1",
    epoch=0,
    device=Device("192.0.2.7", "curl"),
    current_jti="new",
    previous_jti="old",
    created_at=NOW,
    rotated_at=NOW,
    expires_at=NOW + timedelta(days=1),
)


def test_the_last_token_but_one_is_a_retry_for_a_moment() -> None:
    assert SESSION.is_retry("old", NOW)
    assert SESSION.is_retry("old", NOW + RETRY_WINDOW)
    assert not SESSION.is_retry("old", NOW + RETRY_WINDOW + timedelta(milliseconds=1))
    assert not SESSION.is_retry("new", NOW)
    assert not SESSION.is_retry("older", NOW)


# ---- finding users ---------------------------------------------------------------------------------------------------


def test_users_are_found_by_the_beginning_of_their_name_however_it_is_spelled() -> None:
    wanted = UserFilter(name="ＡＬ").name_range
    assert wanted is not None
    first, behind = wanted
    for name in ("al", "alice", "al\U0010fffe"):
        assert first <= name < behind
    for name in ("ak", "am", "a"):
        assert not first <= name < behind
    assert UserFilter(role=Role.BANKER).name_range is None
