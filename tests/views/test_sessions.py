"""Where a user is logged in, and logging out elsewhere."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.factories.users import PASSWORD, log_in, logged_in, login_of, new_customer


@pytest.mark.security("S23")
def test_a_user_sees_where_they_are_logged_in(client: FlaskClient) -> None:
    new_customer(client)
    login = login_of(log_in(client, headers={"User-Agent": "x" * 500}, environ_base={"REMOTE_ADDR": "192.0.2.7"}))
    page = client.get("/auth/sessions", headers=login.headers).json
    newest, oldest = page["items"]
    assert page["next_cursor"] is None
    assert newest.keys() == {
        "id", "created_at", "last_used_at", "expires_at", "address", "user_agent", "current",
    }  # fmt: skip
    assert (newest["address"], newest["user_agent"]) == ("192.0.2.7", "x" * 200)
    assert (newest["current"], oldest["current"]) == (True, False)


def test_sessions_come_in_pages_each_once_and_newest_first(client: FlaskClient) -> None:
    new_customer(client)
    logins = [logged_in(client) for _ in range(4)]
    seen, cursor = [], ""
    while cursor is not None:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get("/auth/sessions", query_string=query, headers=logins[0].headers).json
        assert len(page["items"]) <= 2
        seen += [session["id"] for session in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_a_page_is_never_larger_than_a_hundred(client: FlaskClient) -> None:
    login = new_customer(client)
    for limit in ("0", "101", "1000000000", "-1", "x", "1.5"):
        assert client.get(f"/auth/sessions?limit={limit}", headers=login.headers).status_code == 422


@pytest.mark.security("S23")
def test_a_session_ended_elsewhere_is_over_and_no_longer_listed(client: FlaskClient) -> None:
    lost = new_customer(client)
    mine = logged_in(client)
    (other,) = [
        item for item in client.get("/auth/sessions", headers=mine.headers).json["items"] if not item["current"]
    ]
    assert client.delete(f"/auth/sessions/{other['id']}", headers=mine.headers).status_code == 204
    assert client.get("/auth/me", headers=lost.headers).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": lost.refresh_token}).status_code == 401
    (left,) = client.get("/auth/sessions", headers=mine.headers).json["items"]
    assert left["current"] is True
    assert client.delete(f"/auth/sessions/{other['id']}", headers=mine.headers).status_code == 404


@pytest.mark.security("S02")
def test_another_users_session_is_not_there(client: FlaskClient) -> None:
    alice, bob = new_customer(client, "alice"), new_customer(client, "bob")
    (bobs,) = client.get("/auth/sessions", headers=bob.headers).json["items"]
    foreign = client.delete(f"/auth/sessions/{bobs['id']}", headers=alice.headers)
    absent = client.delete(f"/auth/sessions/{'0' * 32}", headers=alice.headers)
    assert foreign.status_code == absent.status_code == 404
    assert {**foreign.json, "request_id": ""} == {**absent.json, "request_id": ""}
    assert client.get("/auth/me", headers=bob.headers).status_code == 200
    (alices,) = client.get(f"/auth/sessions?cursor={bobs['id']}", headers=alice.headers).json["items"]
    assert alices["current"] is True


NEW_PASSWORD = "amber quarry 81 whistles"


def test_a_new_password_replaces_the_old_and_ends_every_session(client: FlaskClient) -> None:
    here, elsewhere = new_customer(client), logged_in(client)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/auth/password", json=body, headers=here.headers).status_code == 204
    for login in (here, elsewhere):
        assert client.get("/auth/me", headers=login.headers).status_code == 401
        assert client.post("/auth/refresh", json={"refresh_token": login.refresh_token}).status_code == 401
    assert log_in(client).status_code == 401
    only = logged_in(client, "alice", NEW_PASSWORD)
    (listed,) = client.get("/auth/sessions", headers=only.headers).json["items"]
    assert listed["current"] is True


@pytest.mark.security("S35")
def test_changing_the_password_needs_the_current_one(client: FlaskClient) -> None:
    login = new_customer(client)
    body = {"current_password": "not the password", "new_password": NEW_PASSWORD}
    answer = client.post("/auth/password", json=body, headers=login.headers)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")
    missing = client.post("/auth/password", json={"new_password": NEW_PASSWORD}, headers=login.headers)
    assert (missing.status_code, list(missing.json["errors"])) == (422, ["current_password"])
    assert client.get("/auth/me", headers=login.headers).status_code == 200
    assert log_in(client).status_code == 200


def test_guessing_the_current_password_locks_like_guessing_at_login(client: FlaskClient) -> None:
    login = new_customer(client)
    body = {"current_password": "not the password", "new_password": NEW_PASSWORD}
    for _ in range(5):
        assert client.post("/auth/password", json=body, headers=login.headers).status_code == 401
    right = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/auth/password", json=right, headers=login.headers).json["code"] == "login_locked"
    assert log_in(client).json["code"] == "login_locked"


def test_a_new_password_must_be_as_strong_as_the_first(client: FlaskClient) -> None:
    login = new_customer(client)
    for weak in ("short", "password123", "alice-bank-2026", "x" * 129):
        body = {"current_password": PASSWORD, "new_password": weak}
        answer = client.post("/auth/password", json=body, headers=login.headers)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["new_password"])
    assert log_in(client).status_code == 200


def test_the_password_is_not_changed_without_logging_in(client: FlaskClient) -> None:
    new_customer(client)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/auth/password", json=body).status_code == 401
    assert log_in(client).status_code == 200
