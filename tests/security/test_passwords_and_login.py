"""S25 to S38: passwords, logging in, and what stops whoever guesses or hammers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app import create_app
from app.domain.actor import Role
from app.models.store import Store
from config import Config
from tests.callers import HTTP
from tests.factories.users import PASSWORD, log_in, logged_in, new_customer, new_staff, register
from tests.live import LiveServer
from tests.parallel import at_once
from tests.processes import TIMEOUT_S
from tests.views.test_login import WRONG, HashCount, comparable

PLANETS = "mercury granite 58 lanterns"
SEVEN = "xK9#mQ2"
EMOJI = "".join(chr(0x1F300 + 37 * number % 700) for number in range(64))
"""Sixty-four of them, 256 bytes, in no order."""


@pytest.fixture
def client(app_with: Callable[..., Flask]) -> FlaskClient:
    return app_with(login_failures_max=100).test_client()


def faulty(answer: TestResponse, field: str) -> bool:
    """Tell whether this field, and no other, was refused."""
    return answer.status_code == 422 and list(answer.json["errors"]) == [field]


# ---- S25 to S29: which passwords -------------------------------------------------------------------------------------


def test_s25_seven_characters_make_no_password_through_any_door(client: FlaskClient, store: Store) -> None:
    assert faulty(register(client, "alice", SEVEN), "password")
    login, admin = new_customer(client, "bob"), new_staff(client, store, "adam", Role.ADMIN)
    change = {"current_password": PASSWORD, "new_password": SEVEN}
    assert faulty(client.post("/auth/password", json=change, headers=login.headers), "new_password")
    staff = {"username": "bella", "role": "banker", "password": SEVEN}
    assert faulty(client.post("/admin/users", json=staff, headers=admin.headers), "password")
    user = client.get("/auth/me", headers=login.headers).json["id"]
    code = client.post(f"/admin/users/{user}/reset-password", headers=admin.headers).json["code"]
    reset = {"username": "bob", "code": code, "new_password": SEVEN}
    assert faulty(client.post("/auth/password/reset", json=reset), "new_password")
    assert client.post("/auth/password/reset", json={**reset, "new_password": SEVEN + "v"}).status_code == 204


def test_s25_the_least_length_is_the_banks_to_choose_from_eight_on(app_with: Callable[..., Flask]) -> None:
    client = app_with(password_length_min=15).test_client()
    assert faulty(register(client, "alice", "xK9#mQ2$vL5nW8"), "password")
    assert register(client, "alice", "xK9#mQ2$vL5nW8!").status_code == 201


@pytest.mark.parametrize(
    "password",
    [
        EMOJI,
        (EMOJI + EMOJI[::-1])[:127] + "a",
        "correct horse battery staple " * 4 + "nine",
        "lower case words alone do",
        "\u00e4\u00f6\u00fc \u4f60\u597d \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947",
        "tab\tand line\nbreak and \x7f and \x1b",
    ],
)
def test_s26_any_characters_up_to_128_make_a_password_of_which_each_counts(client: FlaskClient, password: str) -> None:
    assert register(client, "alice", password).status_code == 201
    assert log_in(client, "alice", password).status_code == 200
    for position in {0, len(password) // 2, len(password) - 1}:
        other = password[:position] + "?" + password[position + 1 :]
        assert log_in(client, "alice", other).status_code == 401, position
    for other in (password[:-1], password[:72], password + "?", password.upper() + "?"):
        assert other == password or log_in(client, "alice", other).status_code in (401, 422)


def test_s26_a_password_of_one_letter_a_hundred_times_over_is_weak_and_no_error(client: FlaskClient) -> None:
    for password in ("a" * 128, "\U0001f600" * 64):
        assert faulty(register(client, "alice", password), "password")
        assert log_in(client, "alice", password).status_code == 401


@pytest.mark.parametrize(
    "password",
    ["p" + "\U0001f511" * 2 + " of 73 bytes: " + "".join(map(chr, range(0x4E00, 0x4E10))) + "ab", "x7!q" * 18 + "Z"],
)
def test_s27_more_than_72_bytes_work_to_the_last(client: FlaskClient, password: str) -> None:
    assert len(password.encode()) == 73
    assert register(client, "alice", password).status_code in (201, 422)
    assert log_in(client, "alice", password).status_code in (200, 401)
    assert register(client, "bob", f"granite {password}").status_code == 201
    assert log_in(client, "bob", f"granite {password}").status_code == 200
    assert log_in(client, "bob", f"granite {password[:-1]}").status_code == 401


def test_s27_a_password_with_a_nul_is_refused_by_name(client: FlaskClient) -> None:
    register(client)
    for answer in (register(client, "bob", "granite\0lanterns"), log_in(client, "alice", f"{PASSWORD}\0")):
        assert (answer.status_code, answer.json["code"]) == (400, "malformed_json")
    assert log_in(client).status_code == 200


def test_s28_a_password_is_kept_as_bcrypt_of_the_cost_that_is_set(app_with: Callable[..., Flask], store: Store) -> None:
    register(app_with(bcrypt_cost=10).test_client())
    kept = store.database["users"].find_one({})
    assert re.search(r"'\$2b\$10\$[./A-Za-z0-9]{53}'", str(kept)), kept
    assert PASSWORD not in str(kept)
    assert Config.__dataclass_fields__["bcrypt_cost"].default >= 10


def test_s29_none_of_the_most_used_passwords_is_taken(client: FlaskClient, store: Store) -> None:
    common = [word for word in FREQUENCY_LISTS["passwords"][:3_000] if len(word) >= 8]
    taken = [
        word for word in (*common[:50], *common[50::10]) if not faulty(register(client, "alice", word), "password")
    ]
    assert taken == []
    assert store.users.is_empty()


@pytest.mark.parametrize(
    "word", ["bank2026", "Bank-2026!", "mybankbank", "alice2026", "Alice.Archer1", "alice@example.com", "ALICEALICE"]
)
def test_s29_words_of_the_context_make_no_password(client: FlaskClient, word: str) -> None:
    answer = register(client, "alice", word, full_name="Alice Archer", email="alice@example.com")
    assert faulty(answer, "password")


# ---- S30 to S34: guessing and hammering ------------------------------------------------------------------------------


def test_s30_an_unknown_name_and_a_wrong_password_have_one_answer_and_one_price(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client)
    hashes = HashCount(monkeypatch)
    known, unknown = log_in(client, "alice", WRONG), log_in(client, "zoe", WRONG)
    assert (known.status_code, known.json["code"]) == (401, "invalid_credentials")
    assert comparable(known) == comparable(unknown)
    assert hashes.costs == [store.config.bcrypt_cost] * 2


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_s31_the_sixth_guess_must_wait_whatever_it_is(app_with: Callable[..., Flask], name: str) -> None:
    client = app_with().test_client()
    register(client, "alice")
    register(client, "bob")
    assert [log_in(client, name, WRONG).status_code for _ in range(5)] == [401] * 5
    for password in (WRONG, PASSWORD):
        refused = log_in(client, name, password)
        assert (refused.status_code, refused.json["code"]) == (429, "login_locked")
        assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
    assert log_in(client, "bob").status_code == 200


def test_s33_no_other_way_to_write_a_locked_name_gets_in(app_with: Callable[..., Flask]) -> None:
    client = app_with().test_client()
    register(client)
    for _ in range(5):
        log_in(client, "alice", WRONG)
    ways = ("ALICE", "\uff41\uff4c\uff49\uff43\uff45", "alice ", " alice", "alice\t", "al\u00adice", "ali\u200bce")
    for name in ways:
        answer = log_in(client, name, headers={"X-Forwarded-For": "198.51.100.7", "X-Real-IP": "::1"})
        assert answer.status_code in (401, 429), name
    assert log_in(client).json["code"] == "login_locked"


def test_s34_a_hundred_logins_at_once_leave_the_served_bank_answering(server: LiveServer) -> None:
    done = threading.Event()
    alice = {"username": "alice", "password": server.demo_password("alice")}

    def durations_of_health_s() -> list[float]:
        durations = []
        while not done.is_set():
            began_s = time.monotonic()
            assert HTTP.get(f"{server.url}/health/live").status_code == 200
            durations.append(time.monotonic() - began_s)
        return sorted(durations)

    with ThreadPoolExecutor(1) as pool:
        watch = pool.submit(durations_of_health_s)
        try:
            answers = at_once(100, lambda _: HTTP.post(f"{server.url}/auth/login", json=alice))
        finally:
            done.set()
    durations = watch.result()
    assert durations[int(len(durations) * 0.99)] < 1
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 10
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)


def test_s34_what_is_too_long_to_be_a_password_is_never_hashed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client)
    login = logged_in(client)
    hashes = HashCount(monkeypatch)
    huge = "x" * 60_000
    bodies = {
        "/auth/login": {"username": "alice", "password": huge},
        "/auth/register": {"username": "bob", "password": huge},
        "/auth/password": {"current_password": huge, "new_password": PLANETS},
        "/auth/password/reset": {"username": "alice", "code": "00000-00000-00000-00000", "new_password": huge},
        "/auth/mfa/enrol": {"password": huge},
    }
    for path, body in bodies.items():
        assert client.post(path, json=body, headers=login.headers).status_code == 422, path
    assert hashes.costs == []


# ---- S35 to S38: who one is ------------------------------------------------------------------------------------------


def test_s35_a_new_password_or_address_takes_the_current_password(client: FlaskClient) -> None:
    login = new_customer(client)
    tag = client.get("/me", headers=login.headers).headers["ETag"]
    for told, status in (({}, 422), ({"current_password": WRONG}, 401)):
        changed = client.post("/auth/password", json={"new_password": PLANETS, **told}, headers=login.headers)
        assert changed.status_code == status
        for contact in ({"email": "eve@example.com"}, {"phone": "+12025550143"}):
            headers = login.headers | {"If-Match": tag}
            answer = client.patch("/me", json={**contact, **told}, headers=headers)
            assert answer.status_code in (401, 403, 422), answer.text
    me = client.get("/me", headers=login.headers)
    assert (me.json["email"], me.json["phone"], me.headers["ETag"]) == (None, None, tag)
    assert log_in(client).status_code == 200


def test_s36_a_reset_code_is_good_once_and_an_unknown_name_is_answered_alike(client: FlaskClient, store: Store) -> None:
    login, admin = new_customer(client), new_staff(client, store, "adam", Role.ADMIN)
    user = client.get("/auth/me", headers=login.headers).json["id"]
    code = client.post(f"/admin/users/{user}/reset-password", headers=admin.headers).json["code"]

    def reset(username: str, password: str) -> TestResponse:
        body = {"username": username, "code": code, "new_password": password}
        return client.post("/auth/password/reset", json=body)

    assert reset("alice", PLANETS).status_code == 204
    replayed, unknown = reset("alice", PASSWORD), reset("nobody", PASSWORD)
    assert (replayed.status_code, replayed.json["code"]) == (400, "reset_code_not_valid")
    assert comparable(replayed) == comparable(unknown)
    assert log_in(client, "alice", PLANETS).status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "is_another"),
    [
        ("admin", "ADMIN", False),
        ("admin", "\uff21\uff24\uff2d\uff29\uff2e", False),
        ("fiona", "\ufb01ona", False),
        ("ren\u00e9", "rene\u0301", False),
        ("ren\u00e9", "REN\u00c9", False),
        ("rene", "ren\u00e9", True),
    ],
)
def test_s37_two_names_are_one_where_they_read_the_same(
    client: FlaskClient, first: str, second: str, is_another: bool
) -> None:
    assert register(client, first).status_code == 201
    answer = register(client, second)
    assert answer.status_code == (201 if is_another else 409), answer.text
    assert log_in(client, second).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["ad\u200bmin", "\u0430dmin", "\u0430\u0435\u043e", "ad\u00admin", "admin\u202e", "adm\u0131n", "a\u0300\u0301dmin",
     "ad min", "admin\0", "admin\n", "\u03bf\u03c1\u03b1", "admin\u2060", "\ufeffadmin", "admin\U000e0061", "<admin>"],
)  # fmt: skip
def test_s37_a_name_that_deceives_the_eye_is_refused(client: FlaskClient, store: Store, name: str) -> None:
    register(client, "admin")
    assert register(client, name).status_code in (400, 422)
    assert store.database["users"].count_documents({}) == 1


@pytest.mark.parametrize("environment", ["testing", "production"])
def test_s38_a_new_bank_lets_nobody_in(config: Config, store: Store, environment: str) -> None:
    client = create_app(replace(config, env=environment, rate_limit_login="600/minute"), store).test_client()
    for name in ("admin", "root", "banker", "alice"):
        for password in (name, "password", ""):
            assert log_in(client, name, password).status_code in (401, 422)
    assert store.users.is_empty()


def test_s38_the_demo_users_of_development_have_passwords_that_nobody_knows_beforehand(server: LiveServer) -> None:
    names = ("alice", "bob", "banker", "banker2", "admin")
    passwords = {server.demo_password(name) for name in names}
    assert len(passwords) == len(names)
    assert all(len(password) >= 16 for password in passwords)
    for name in names:
        body: dict[str, Any] = {"username": name, "password": name}
        assert httpx.post(f"{server.url}/auth/login", json=body, timeout=TIMEOUT_S).status_code == 401
