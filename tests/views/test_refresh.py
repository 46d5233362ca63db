"""Carrying a session on with refresh tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Config
from tests.factories.clock import MovableClock
from tests.factories.tokens import claims_of, resigned
from tests.factories.users import Login, bearer, logged_in, login_of, new_customer
from tests.parallel import at_once


@pytest.fixture
def timed_app(app_with: Callable[..., Flask]) -> Flask:
    return app_with()


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/auth/refresh", json={"refresh_token": token})


def me(client: FlaskClient, login: Login) -> int:
    return client.get("/auth/me", headers=login.headers).status_code


def test_a_refresh_token_brings_a_new_pair(client: FlaskClient) -> None:
    first = new_customer(client)
    second = login_of(refresh(client, first.refresh_token))
    assert second.refresh_token != first.refresh_token
    assert claims_of(second.access_token)["sid"] == claims_of(first.access_token)["sid"]
    assert me(client, second) == 200
    assert login_of(refresh(client, second.refresh_token)).refresh_token != second.refresh_token


def test_a_refresh_token_may_come_as_the_bearer_token(client: FlaskClient) -> None:
    first = new_customer(client)
    answer = client.post("/auth/refresh", headers=bearer(first.refresh_token))
    assert me(client, login_of(answer)) == 200


def test_refreshing_without_a_token_is_refused(client: FlaskClient) -> None:
    assert client.post("/auth/refresh").status_code == 401
    assert client.post("/auth/refresh", json={}).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": "x"}).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": {"$ne": 1}}).status_code == 422


@pytest.mark.security("S19")
def test_using_a_spent_token_again_later_ends_the_session_for_everyone(
    timed_app: Flask, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    client = timed_app.test_client()
    first = new_customer(client)
    second = login_of(refresh(client, first.refresh_token))
    clock.forward(timedelta(seconds=11))

    assert refresh(client, first.refresh_token).status_code == 401
    assert refresh(client, second.refresh_token).status_code == 401
    assert me(client, second) == 401
    assert "refresh_token_reused" in capsys.readouterr().out


def test_using_a_token_from_before_the_last_ends_the_session_at_once(client: FlaskClient) -> None:
    first = new_customer(client)
    second = login_of(refresh(client, first.refresh_token))
    third = login_of(refresh(client, second.refresh_token))
    assert refresh(client, first.refresh_token).status_code == 401
    assert refresh(client, third.refresh_token).status_code == 401
    assert me(client, third) == 401


def test_a_stolen_and_ended_session_leaves_the_users_other_sessions_alone(client: FlaskClient) -> None:
    stolen = new_customer(client)
    other = logged_in(client)
    refresh(client, login_of(refresh(client, stolen.refresh_token)).refresh_token)
    assert refresh(client, stolen.refresh_token).status_code == 401
    assert me(client, other) == 200


@pytest.mark.security("S20")
def test_the_same_exchange_repeated_within_ten_seconds_brings_the_same_successor(
    timed_app: Flask, clock: MovableClock
) -> None:
    clock.stop()
    client = timed_app.test_client()
    first = new_customer(client)
    second = login_of(refresh(client, first.refresh_token))
    clock.forward(timedelta(seconds=9))
    again = login_of(refresh(client, first.refresh_token))
    assert again.refresh_token == second.refresh_token
    assert me(client, again) == 200
    assert refresh(client, again.refresh_token).status_code == 200


@pytest.mark.security("S20")
def test_s20_parallel_refreshes_with_one_token_all_get_one_and_the_same_successor(
    app: Flask, client: FlaskClient
) -> None:
    first = new_customer(client)
    answers = at_once(12, lambda _: refresh(app.test_client(), first.refresh_token))
    assert len({login_of(answer).refresh_token for answer in answers}) == 1
    assert all(me(client, login_of(answer)) == 200 for answer in answers)


@pytest.mark.security("S21")
def test_a_session_that_is_not_used_ends(timed_app: Flask, clock: MovableClock, config: Config) -> None:
    client = timed_app.test_client()
    first = new_customer(client)
    clock.forward(config.refresh_token_lifetime - timedelta(minutes=1))
    second = login_of(refresh(client, first.refresh_token))
    clock.forward(config.refresh_token_lifetime + timedelta(seconds=1))
    assert refresh(client, second.refresh_token).status_code == 401


@pytest.mark.security("S21")
def test_a_session_ends_in_the_end_however_much_it_is_used(
    timed_app: Flask, clock: MovableClock, config: Config
) -> None:
    client = timed_app.test_client()
    login = new_customer(client)
    step = config.refresh_token_lifetime - timedelta(hours=1)
    steps = config.session_lifetime_max // step
    for _ in range(steps):
        clock.forward(step)
        login = login_of(refresh(client, login.refresh_token))
    lifetime_left = config.session_lifetime_max - steps * step
    assert claims_of(login.refresh_token)["exp"] <= clock.now().timestamp() + lifetime_left.total_seconds()

    clock.forward(lifetime_left - timedelta(minutes=5))
    login = login_of(refresh(client, login.refresh_token))
    assert claims_of(login.access_token)["exp"] == claims_of(login.refresh_token)["exp"]
    clock.forward(timedelta(minutes=6))
    assert refresh(client, login.refresh_token).status_code == 401
    assert me(client, login) == 401


def test_a_refresh_token_of_another_user_or_session_is_refused(app: Flask, client: FlaskClient) -> None:
    alice, bob = new_customer(client, "alice"), new_customer(client, "bob")
    bobs = claims_of(bob.refresh_token)
    assert refresh(client, resigned(app, alice.refresh_token, sub=bobs["sub"])).status_code == 401
    assert refresh(client, resigned(app, alice.refresh_token, sid="0" * 32)).status_code == 401
    assert me(client, alice) == 200
    assert me(client, bob) == 200
