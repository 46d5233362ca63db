"""A forgotten password: the bank hands out a code, good once and for ten minutes, and tells nobody else a thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.controllers import staff
from app.domain.actor import Role
from app.models.store import Store
from tests.answered import answered
from tests.factories.authenticators import enrolled, log_in_with, ticket_of
from tests.factories.clock import MovableClock
from tests.factories.customers import customer_of, decide, new_person
from tests.factories.users import PASSWORD, Login, log_in, logged_in, new_customer, new_staff, register
from tests.parallel import at_once
from tests.views.test_login import HashCount, comparable

NEW = "amber quarry 81 whistles"
NO_CODE = "00000-00000-00000-00000"


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application under the clock that the test moves."""
    return app_with()


@pytest.fixture
def admin(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "adam", Role.ADMIN)


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


def user_id(client: FlaskClient, admin: Login, username: str = "alice") -> str:
    (found,) = client.get(f"/admin/users?name={username}", headers=admin.headers).json["items"]
    return str(found["id"])


def ask(client: FlaskClient, admin: Login, username: str = "alice") -> TestResponse:
    return client.post(f"/admin/users/{user_id(client, admin, username)}/reset-password", headers=admin.headers)


def code_for(client: FlaskClient, admin: Login, username: str = "alice") -> str:
    answer = ask(client, admin, username)
    assert answer.status_code == 201, answer.text
    return str(answer.json["code"])


def reset(client: FlaskClient, code: Any, username: Any = "alice", password: Any = NEW) -> TestResponse:
    body = {"username": username, "code": code, "new_password": password}
    return client.post("/auth/password/reset", json=body)


def is_not_valid(answer: TestResponse) -> bool:
    return (answer.status_code, answer.json["code"]) == (400, "reset_code_not_valid")


# ---- a code and what it does -----------------------------------------------------------------------------------------


@pytest.mark.security("S36")
def test_a_code_sets_a_new_password_and_ends_every_session(client: FlaskClient, admin: Login) -> None:
    alice = new_customer(client)
    code = code_for(client, admin)
    assert client.get("/balance", headers=alice.headers).status_code == 200
    assert reset(client, code).status_code == 204
    assert client.get("/balance", headers=alice.headers).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": alice.refresh_token}).status_code == 401
    assert log_in(client).status_code == 401
    assert log_in(client, password=NEW).status_code == 200


@pytest.mark.security("S36")
def test_a_reset_code_works_once(client: FlaskClient, admin: Login) -> None:
    register(client)
    code = code_for(client, admin)
    assert reset(client, code).status_code == 204
    assert is_not_valid(reset(client, code, password=PASSWORD))
    assert log_in(client, password=NEW).status_code == 200


@pytest.mark.security("S36")
def test_a_reset_code_is_good_for_ten_minutes(client: FlaskClient, admin: Login, clock: MovableClock) -> None:
    register(client)
    code = code_for(client, admin)
    clock.forward(timedelta(minutes=9, seconds=50))
    assert reset(client, code).status_code == 204
    code = code_for(client, logged_in(client, "adam"))
    clock.forward(timedelta(minutes=10))
    assert is_not_valid(reset(client, code, password=PASSWORD))


@pytest.mark.security("S36")
def test_a_new_reset_code_voids_the_one_before(client: FlaskClient, admin: Login) -> None:
    register(client)
    first, second = (code_for(client, admin) for _ in range(2))
    assert is_not_valid(reset(client, first))
    assert reset(client, second).status_code == 204


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("0", "o")])
def test_a_reset_code_is_taken_however_it_is_typed(
    client: FlaskClient, admin: Login, typed: Callable[[str], str]
) -> None:
    register(client)
    assert reset(client, typed(code_for(client, admin))).status_code == 204


def test_a_reset_code_is_its_users_alone(client: FlaskClient, admin: Login) -> None:
    for name in ("alice", "bob"):
        register(client, name)
    code = code_for(client, admin, "bob")
    assert is_not_valid(reset(client, code, "alice"))
    assert reset(client, code, "bob").status_code == 204


@pytest.mark.security("S36")
def test_what_ends_a_users_sessions_voids_their_reset_code(client: FlaskClient, admin: Login) -> None:
    alice = new_customer(client)
    code = code_for(client, admin)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert client.post("/auth/password", json=body, headers=alice.headers).status_code == 204
    assert is_not_valid(reset(client, code, password="violet quarry 55 lanterns"))
    assert log_in(client, password=NEW).status_code == 200


@pytest.mark.security("S36")
def test_a_reset_leaves_the_authenticator_which_is_still_asked_for(
    client: FlaskClient, admin: Login, clock: MovableClock
) -> None:
    own = enrolled(client, new_customer(client), clock)
    assert reset(client, code_for(client, admin)).status_code == 204
    ticket = ticket_of(client, "alice", NEW)
    assert log_in_with(client, ticket, own.code()).status_code == 200


def test_a_code_lets_in_at_once_who_was_locked_for_wrong_passwords(client: FlaskClient, admin: Login) -> None:
    register(client)
    while log_in(client, password="not the password").status_code != 429:
        pass
    assert reset(client, code_for(client, admin)).status_code == 204
    assert log_in(client, password=NEW).status_code == 200


@pytest.mark.security("S36")
def test_of_fifty_who_use_one_reset_code_at_once_one_sets_the_password(
    app_with: Callable[..., Flask], client: FlaskClient, admin: Login
) -> None:
    register(client)
    code = code_for(client, admin)
    processes = [app_with(login_failures_max=100, hashing_queue_max=100, threads=200) for _ in range(2)]

    def use(number: int) -> tuple[int, str]:
        client = processes[number % 2].test_client()
        answer = answered(lambda: reset(client, code, password=f"{NEW} {number}"))
        return answer.status_code, answer.json["code"] if answer.status_code != 204 else f"{NEW} {number}"

    answers = at_once(50, use)
    assert Counter(status for status, _ in answers) == {204: 1, 400: 49}, answers
    (password,) = (told for status, told in answers if status == 204)
    assert {told for status, told in answers if status == 400} == {"reset_code_not_valid"}
    assert log_in(processes[0].test_client(), password=password).status_code == 200


# ---- what others learn -----------------------------------------------------------------------------------------------


@pytest.mark.security("S36")
def test_every_code_that_is_not_valid_has_the_same_answer_and_costs_the_same(
    client: FlaskClient, store: Store, admin: Login, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alice", "bob", "carol", "dora", "disabled"):
        register(client, name)
    used, expired, disabled = (code_for(client, admin, name) for name in ("bob", "carol", "disabled"))
    reset(client, used, "bob")
    staff.set_disabled(store, "disabled", disabled=True)
    clock.forward(timedelta(minutes=11))
    live = code_for(client, logged_in(client, "adam"), "dora")
    hashes = HashCount(monkeypatch)
    answers = [
        reset(client, NO_CODE, "nobody"),
        reset(client, live, "nobody"),
        reset(client, NO_CODE, "n\u200bo such name \U0001f600"),
        reset(client, NO_CODE, "alice"),
        reset(client, "x", "dora"),
        reset(client, used, "bob"),
        reset(client, expired, "carol"),
        reset(client, disabled, "disabled"),
    ]
    assert hashes.costs == [store.config.bcrypt_cost] * len(answers)
    assert is_not_valid(answers[0])
    assert all(comparable(answer) == comparable(answers[0]) for answer in answers)


@pytest.mark.security("S36")
@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_wrong_reset_codes_lock_a_name_like_wrong_passwords(
    client: FlaskClient, admin: Login, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    register(client)
    code = code_for(client, admin)
    assert all(is_not_valid(reset(client, NO_CODE, username)) for _ in range(5))
    hashes = HashCount(monkeypatch)
    locked = reset(client, code, username)
    assert (locked.status_code, locked.json["code"]) == (429, "login_locked")
    assert log_in(client, username).status_code == 429
    assert hashes.costs == []


@pytest.mark.security("S36")
def test_of_many_parallel_guesses_of_a_reset_code_five_are_looked_at(client: FlaskClient, admin: Login) -> None:
    register(client)
    code_for(client, admin)
    answers = Counter(answer.status_code for answer in at_once(20, lambda _: reset(client, NO_CODE)))
    assert answers[400] == 5
    assert set(answers) <= {400, 429, 503}


def test_weak_passwords_are_refused_whatever_the_code_and_leave_it(client: FlaskClient, admin: Login) -> None:
    register(client)
    code = code_for(client, admin)
    for _ in range(6):
        for given in (code, NO_CODE):
            for weak in ("short", "password123", "alicealice"):
                answer = reset(client, given, password=weak)
                assert (answer.status_code, list(answer.json["errors"])) == (422, ["new_password"])
    assert reset(client, code).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"code": {"$gt": ""}}, {"username": {"$ne": None}}, {"new_password": ["x"]}, {"code": None}, {"code": ""},
        {"code": "x" * 65}, {"username": "x" * 1_000}, {"new_password": "x" * 129}, {"role": "admin"}, {"epoch": 0},
    ],
)  # fmt: skip
def test_a_reset_of_the_wrong_shape_is_refused_before_anything_is_hashed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    hashes = HashCount(monkeypatch)
    sent = {"username": "alice", "code": NO_CODE, "new_password": NEW} | body
    answer = client.post("/auth/password/reset", json=sent)
    assert (answer.status_code, list(answer.json["errors"])) == (422, list(body))
    assert hashes.costs == []


def test_resets_are_counted_by_address(app_with: Callable[..., Flask]) -> None:
    client = app_with(rate_limit_login="2/minute").test_client()
    assert [reset(client, NO_CODE, name).status_code for name in ("a", "b", "c")] == [400, 400, 429]


# ---- who hands out codes ---------------------------------------------------------------------------------------------


@pytest.mark.security("S36")
def test_a_banker_helps_customers_and_nobody_else(client: FlaskClient, banker: Login, store: Store) -> None:
    register(client)
    path = f"/banker/customers/{customer_of(client, banker, 'alice')}/reset-password"
    answer = client.post(path, headers=banker.headers)
    assert answer.status_code == 201
    assert reset(client, answer.json["code"]).status_code == 204
    colleague = store.users.find_by_name("bella")
    assert colleague is not None
    for nobody in (colleague.id, "0" * 32):
        answer = client.post(f"/banker/customers/{nobody}/reset-password", headers=banker.headers)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_who_has_no_login_needs_no_new_password(client: FlaskClient, banker: Login) -> None:
    person = new_person(client, banker)
    answer = client.post(f"/banker/customers/{person['id']}/reset-password", headers=banker.headers)
    assert (answer.status_code, answer.json["code"]) == (409, "state_conflict")


def test_suspended_customers_get_a_code_and_disabled_users_none(
    client: FlaskClient, store: Store, banker: Login, admin: Login
) -> None:
    register(client)
    customer = customer_of(client, banker, "alice")
    decide(client, banker, customer, "suspend")
    assert reset(client, code_for(client, admin)).status_code == 204
    staff.set_disabled(store, "alice", disabled=True)
    for path, who in ((f"/banker/customers/{customer}", banker), (f"/admin/users/{user_id(client, admin)}", admin)):
        answer = client.post(f"{path}/reset-password", headers=who.headers)
        assert (answer.status_code, answer.json["code"]) == (409, "state_conflict")


@pytest.mark.security("S36")
def test_an_administrator_helps_staff_but_not_themselves(client: FlaskClient, admin: Login, banker: Login) -> None:
    assert reset(client, code_for(client, admin, "bella"), "bella").status_code == 204
    assert client.get("/banker/accounts", headers=banker.headers).status_code == 401
    own = ask(client, admin, "adam")
    assert (own.status_code, own.json["code"]) == (403, "own_access")


@pytest.mark.security("S36")
def test_a_reset_is_audited_and_its_code_is_kept_nowhere(
    client: FlaskClient, store: Store, admin: Login, banker: Login, capfd: pytest.CaptureFixture[str]
) -> None:
    register(client)
    customer = customer_of(client, banker, "alice")
    by_banker = client.post(f"/banker/customers/{customer}/reset-password", headers=banker.headers).json["code"]
    by_admin = code_for(client, admin)
    wanted = {"action": {"$in": ["staff.user_password_reset", "auth.password_reset"]}}
    reset(client, by_banker)
    reset(client, by_admin)
    alice = f"user:{user_id(client, admin)}"
    trail = list(store.database["audit"].find(wanted, sort=[("_id", 1)]))
    assert [(each["action"], each["role"], each["result"]) for each in trail] == [
        ("staff.user_password_reset", "banker", "ok"),
        ("staff.user_password_reset", "admin", "ok"),
        ("auth.password_reset", "anonymous", "reset_code_not_valid"),
        ("auth.password_reset", "customer", "ok"),
    ]
    assert {each["subject"] for each in trail} == {alice}
    logged = "".join(capfd.readouterr())
    kept = "".join(str(list(store.database[name].find())) for name in store.database.list_collection_names())
    for code in (by_banker, by_admin):
        for spelling in (code, code.replace("-", ""), code.lower()):
            assert spelling not in logged + kept
    assert NEW not in logged + kept
