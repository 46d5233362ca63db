"""Hashing passwords, a few at a time."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from app.domain.errors import ServerBusy, ValidationFailed
from app.models.passwords import Passwords, context_words, refuse_weak_password
from config import Config
from tests.parallel import at_once


@pytest.mark.parametrize(
    "password",
    [
        "a" * 128,
        "\U0001f600" * 64,
        "\U0001f600" * 18,
        "x" * 72 + "y",
        "x" * 73,
        "nul\x00and more behind it",
        "\x00" * 8,
        "\u00e9" * 128,
        " leading and trailing ",
    ],
)
def test_every_character_of_a_password_counts(config: Config, password: str) -> None:
    with Passwords(config).turn() as hasher:
        stored = hasher.hash(password)
        assert hasher.matches(password, stored)
        for other in (password[:-1], password + "x", password[:-1] + "?", "?" + password[1:], password.upper() + "!"):
            assert not hasher.matches(other, stored)


def test_a_password_is_the_same_however_its_accents_are_composed(config: Config) -> None:
    with Passwords(config).turn() as hasher:
        assert hasher.matches("cafe\u0301 au lait", hasher.hash("caf\u00e9 au lait"))


def test_one_password_has_another_hash_each_time_and_shows_its_cost(config: Config) -> None:
    with Passwords(replace(config, bcrypt_cost=5)).turn() as hasher:
        first, second = hasher.hash("violet harbour"), hasher.hash("violet harbour")
    assert first.hash != second.hash
    assert first.hash.startswith("$2b$05$")
    assert first.hash not in repr(first)


def test_another_pepper_makes_another_hash(config: Config) -> None:
    with Passwords(config).turn() as hasher:
        stored = hasher.hash("violet harbour")
    other = replace(config, password_peppers={1: "another pepper for tests, also long enough"})
    with Passwords(other).turn() as hasher:
        assert not hasher.matches("violet harbour", stored)


def test_no_more_than_the_set_number_hash_at_once(config: Config) -> None:
    queue = Passwords(replace(config, hashing_threads=2, hashing_queue_max=50, threads=100))
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with queue.turn() as hasher:
            with lock:
                running += 1
                most = max(most, running)
            hasher.hash("violet harbour")
            with lock:
                running -= 1

    at_once(20, work)
    assert most <= 2


def test_who_waits_too_long_is_sent_away_and_gives_the_place_back(config: Config) -> None:
    queue = Passwords(replace(config, hashing_threads=1, hashing_queue_max=1, hashing_wait_ms_max=100))
    with queue.turn():
        for _ in range(3):
            with pytest.raises(ServerBusy):
                _take_and_give_back(queue)
    _take_and_give_back(queue)


@pytest.mark.parametrize(
    ("threads", "hashing_queue_max", "places"),
    [pytest.param(100, 3, 3, id="a short queue"), pytest.param(4, 1_000, 2, id="half of the threads stay free")],
)
def test_only_so_many_wait_and_the_others_are_sent_away_at_once(
    config: Config, threads: int, hashing_queue_max: int, places: int
) -> None:
    own = replace(config, threads=threads, hashing_queue_max=hashing_queue_max, hashing_wait_ms_max=3_000)
    queue = Passwords(own)
    with queue.turn():
        waits_s = at_once(10, lambda _: _seconds_until_sent_away(queue))
    assert sum(wait_s > 2 for wait_s in waits_s) == places


def test_a_failure_in_a_turn_gives_the_turn_back(config: Config) -> None:
    queue = Passwords(replace(config, hashing_wait_ms_max=100))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), queue.turn():
            raise ZeroDivisionError


@pytest.mark.parametrize("weak", ["alice", "Alice2026", "ALICE.archer", "archer-alice-bank", "Bank!Bank!", "archer99"])
def test_the_words_around_a_password_add_nothing_to_it(weak: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        refuse_weak_password(weak, field="password", context=context_words("alice.archer", "Alice Archer", None))
    assert (refusal.value.errors or {})["password"]


def test_a_strong_password_may_hold_the_words_around_it() -> None:
    refuse_weak_password("alice likes violet harbours", field="password", context=context_words("alice"))


def _take_and_give_back(queue: Passwords) -> None:
    with queue.turn():
        pass


def _seconds_until_sent_away(queue: Passwords) -> float:
    began_s = time.monotonic()
    with pytest.raises(ServerBusy):
        _take_and_give_back(queue)
    return time.monotonic() - began_s
