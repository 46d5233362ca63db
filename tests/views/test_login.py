"""Logging in: one answer and one price for every failure, and no way to guess fast."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import bcrypt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.controllers import staff
from app.models import passwords
from app.models.store import Store
from config import Config
from tests.answered import answered
from tests.factories.clock import MovableClock
from tests.factories.users import PASSWORD, log_in, logged_in, register
from tests.parallel import at_once

WRONG = "not the password"


class HashCount:
    """Stands in the way of bcrypt and counts the calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.costs: list[int] = []
        for name in ("checkpw", "hashpw"):
            monkeypatch.setattr(passwords.bcrypt, name, self._counting(getattr(bcrypt, name)))

    def _counting(self, real: Callable[[bytes, bytes], object]) -> Callable[[bytes, bytes], object]:
        def counted(password: bytes, salt_or_hash: bytes) -> object:
            self.costs.append(int(salt_or_hash.split(b"$")[2]))
            return real(password, salt_or_hash)

        return counted


def comparable(answer: TestResponse) -> tuple[object, ...]:
    """Return all of an answer that is not made up anew for each."""
    headers = {name: value for name, value in answer.headers if name not in ("X-Request-ID", "Date")}
    return answer.status_code, {**answer.json, "request_id": ""}, headers


def test_logging_in_brings_a_pair_of_tokens(client: FlaskClient, config: Config) -> None:
    register(client)
    answer = log_in(client)
    assert answer.status_code == 200
    assert answer.json.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", config.access_token_minutes * 60)


@pytest.mark.parametrize("typed", ["alice", "ALICE", "Alice", "ＡＬＩＣＥ"])
def test_a_name_may_be_typed_in_any_way_that_reads_the_same(client: FlaskClient, typed: str) -> None:
    register(client, "Alice")
    assert log_in(client, typed).status_code == 200


@pytest.mark.security("S30")
def test_every_failure_has_the_same_answer_and_costs_one_hash_of_the_same_cost(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client, "alice")
    register(client, "disabled")
    staff.set_disabled(store, "disabled", disabled=True)
    hashes = HashCount(monkeypatch)
    answers = [
        log_in(client, "alice", WRONG),
        log_in(client, "disabled", PASSWORD),
        log_in(client, "nobody", WRONG),
        log_in(client, "n\u200bo such name \U0001f600", WRONG),
        log_in(client, "alice ", PASSWORD),
        log_in(client, "a", WRONG),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].json["code"] == "invalid_credentials"
    assert [comparable(answer) for answer in answers] == [comparable(answers[0])] * len(answers)
    assert hashes.costs == [store.config.bcrypt_cost] * len(answers)


def test_a_hash_that_no_password_has_takes_as_long_as_a_real_one(config: Config) -> None:
    own = replace(config, bcrypt_cost=10)
    with passwords.Passwords(own).turn() as hasher:
        real = hasher.hash(PASSWORD)

        def seconds(stored: object) -> float:
            began_s = time.thread_time()
            assert hasher.matches(WRONG, stored) is False  # type: ignore[arg-type]
            return time.thread_time() - began_s

        with_user = min(seconds(real) for _ in range(5))
        without = min(seconds(None) for _ in range(5))
    assert without == pytest.approx(with_user, rel=0.3)


@pytest.mark.security("S31")
@pytest.mark.parametrize("name", ["alice", "nobody", "no such name \U0001f600"])
def test_after_five_failures_a_name_is_locked_even_for_the_right_password(client: FlaskClient, name: str) -> None:
    register(client, "alice")
    assert [log_in(client, name, WRONG).status_code for _ in range(5)] == [401] * 5
    for password in (WRONG, PASSWORD):
        answer = log_in(client, name, password)
        assert (answer.status_code, answer.json["code"]) == (429, "login_locked")
        assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60


@pytest.mark.security("S31")
def test_a_lock_ends_by_itself_and_is_not_made_longer_by_trying(
    app_with: Callable[..., Flask], clock: MovableClock, config: Config
) -> None:
    client = app_with().test_client()
    register(client)
    for _ in range(5):
        log_in(client, "alice", WRONG)
    clock.forward(config.login_lockout - timedelta(seconds=10))
    refused = log_in(client)
    assert (refused.status_code, refused.json["code"]) == (429, "login_locked")
    assert int(refused.headers["Retry-After"]) <= 10
    clock.forward(timedelta(seconds=11))
    assert log_in(client).status_code == 200


def test_a_success_forgets_the_failures_before_it(client: FlaskClient) -> None:
    register(client)
    for _ in range(3):
        assert [log_in(client, "alice", WRONG).status_code for _ in range(4)] == [401] * 4
        assert log_in(client).status_code == 200


@pytest.mark.parametrize("spelling", ["ALICE", "Alice", "ａｌｉｃｅ"])
def test_failures_count_together_however_the_name_is_spelled(client: FlaskClient, spelling: str) -> None:
    register(client)
    for typed in ("alice", spelling, "aLiCe", spelling, "alicE"):
        log_in(client, typed, WRONG)
    assert log_in(client, spelling).status_code == 429


def test_many_who_know_the_password_may_log_in_at_once(app_with: Callable[..., Flask]) -> None:
    app = app_with(hashing_queue_max=100, threads=200)
    register(app.test_client())
    asked: list[int] = []
    answers = at_once(40, lambda number: answered(lambda: asked.append(number) or log_in(app.test_client())))
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) < 60  # a few may be told to try again by a machine that stands still


def test_one_name_that_is_locked_leaves_others_alone(client: FlaskClient) -> None:
    register(client, "alice")
    register(client, "bob")
    for _ in range(5):
        log_in(client, "alice", WRONG)
    assert log_in(client, "bob").status_code == 200


@pytest.mark.security("S32")
def test_s32_of_fifty_parallel_guesses_in_two_processes_five_are_looked_at(
    app_with: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"hashing_threads": 8, "hashing_queue_max": 100, "threads": 200}
    apps = [app_with(**settings), app_with(**settings)]
    register(apps[0].test_client())
    hashes = HashCount(monkeypatch)
    answers = at_once(50, lambda number: log_in(apps[number % 2].test_client(), "alice", f"{WRONG} {number}"))
    codes = [answer.json["code"] for answer in answers]
    assert (codes.count("invalid_credentials"), codes.count("login_locked")) == (5, 45)
    assert len(hashes.costs) == 5


@pytest.mark.security("S34")
def test_a_hundred_parallel_logins_leave_the_service_answering(app_with: Callable[..., Flask]) -> None:
    app = app_with(bcrypt_cost=10)
    client = app.test_client()
    register(client)
    done = threading.Event()

    def other_requests_s() -> list[float]:
        durations = []
        while not done.is_set():
            began_s = time.monotonic()
            is_ready = client.get("/health/ready").status_code == 200
            durations.append(time.monotonic() - began_s if is_ready else math.inf)
        return sorted(durations)

    with ThreadPoolExecutor(1) as pool:
        watch = pool.submit(other_requests_s)
        try:
            answers = at_once(100, lambda _: log_in(FlaskClient(app, app.response_class)))  # plain: no check of ours
        finally:
            done.set()
    durations = watch.result()
    assert durations[int(len(durations) * 0.99)] < 1
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 10
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)


@pytest.mark.security("S38")
@pytest.mark.parametrize("name", ["admin", "root", "banker", "alice", "demo"])
def test_there_are_no_users_from_the_start(client: FlaskClient, name: str) -> None:
    for password in (name, "password", "admin"):
        assert log_in(client, name, password).status_code == 401


@pytest.mark.security("S45", "S46")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "alice"},
        {"username": {"$gt": ""}, "password": {"$gt": ""}},
        {"username": ["alice"], "password": "x"},
        {"username": "alice", "password": {"$ne": None}},
        {"username": "alice", "password": 12345678},
        {"username": "alice", "password": None},
        {"username": "alice", "password": True},
        {"username": "alice", "password": ""},
        {"username": "alice", "password": "x" * 129},
        {"username": "x" * 65, "password": "x"},
        {"username": "alice", "password": "x", "role": "admin"},
    ],
)
def test_a_login_of_the_wrong_shape_is_refused_before_anything_is_hashed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, body: dict[str, object]
) -> None:
    hashes = HashCount(monkeypatch)
    assert client.post("/auth/login", json=body).status_code == 422
    assert hashes.costs == []


@pytest.mark.security("S28")
def test_logging_in_makes_an_old_hash_new(config: Config, store: Store, client: FlaskClient) -> None:
    register(client)
    newer = replace(config, password_peppers={**config.password_peppers, 2: "a newer pepper for tests, long enough"})
    costlier = replace(newer, bcrypt_cost=5)

    def stored() -> tuple[int, str]:
        user = store.users.find_by_name("alice")
        assert user is not None
        return user.password.pepper_version, user.password.hash[:7]

    assert stored() == (1, "$2b$04$")
    for own, expected in ((newer, (2, "$2b$04$")), (costlier, (2, "$2b$05$")), (newer, (2, "$2b$05$"))):
        own_store = Store.open(own)
        logged_in(create_app(own, own_store).test_client())
        own_store.close()
        assert stored() == expected

    only_new = replace(config, password_peppers={2: "a newer pepper for tests, long enough"})
    without_old = Store.open(only_new)
    assert log_in(create_app(only_new, without_old).test_client()).status_code == 200
    without_old.close()


def test_a_password_whose_pepper_is_gone_is_as_good_as_wrong(config: Config, client: FlaskClient) -> None:
    register(client)
    own = replace(config, password_peppers={7: "an unrelated pepper for tests, long enough"})
    own_store = Store.open(own)
    answer = log_in(create_app(own, own_store).test_client())
    own_store.close()
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")


def test_peppers_and_signing_keys_are_changed_apart_from_each_other(
    config: Config, store: Store, client: FlaskClient
) -> None:
    register(client)
    login = logged_in(client)
    other_key = replace(config, secret_key="another signing key for tests, long enough")
    assert log_in(create_app(other_key, store).test_client()).status_code == 200

    other_pepper = replace(config, password_peppers={9: "an unrelated pepper for tests, long enough"})
    with_other_pepper = create_app(other_pepper, store).test_client()
    assert with_other_pepper.get("/auth/me", headers=login.headers).status_code == 200


@pytest.mark.security("S22", "S69")
def test_neither_passwords_nor_tokens_nor_names_are_logged(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    register(client, "canary-name", "canary passphrase 81 whistles", email="canary@example.com")
    login = logged_in(client, "canary-name", "canary passphrase 81 whistles")
    log_in(client, "canary-name", "canary mistake")
    client.get("/auth/me", headers=login.headers)
    client.post("/auth/refresh", json={"refresh_token": login.refresh_token})
    client.post("/auth/logout", headers=login.headers)
    output = capsys.readouterr().out
    for event in ("user_registered", "login_succeeded", "login_failed", "logged_out"):
        assert event in output
    assert "canary" not in output
    assert login.access_token.rpartition(".")[2] not in output
    assert login.refresh_token.rpartition(".")[2] not in output
