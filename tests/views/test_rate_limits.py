"""How often one address may try."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.clock import MovableClock
from tests.factories.users import PASSWORD, Login, log_in, new_customer, register
from tests.parallel import at_once


def status_from(app: Flask, address: str, **options: object) -> int:
    answer = log_in(app.test_client(), "nobody", environ_base={"REMOTE_ADDR": address}, **options)
    if answer.status_code == 429:
        assert answer.json["code"] == "rate_limited"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert answer.content_type == "application/problem+json"
    return answer.status_code


@pytest.mark.security("S31")
def test_an_address_that_logs_in_too_often_must_wait(app_with: Callable[..., Flask], clock: MovableClock) -> None:
    app = app_with(rate_limit_login="3/minute")
    assert [status_from(app, "192.0.2.7") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert status_from(app, "192.0.2.8") == 401
    clock.forward(timedelta(seconds=61))
    assert status_from(app, "192.0.2.7") == 401


def test_the_limit_is_one_over_all_processes_and_holds_at_once(app_with: Callable[..., Flask]) -> None:
    apps = [app_with(rate_limit_login="4/minute", login_failures_max=100) for _ in range(2)]
    statuses = at_once(20, lambda number: status_from(apps[number % 2], "192.0.2.7"))
    assert (statuses.count(401), statuses.count(429)) == (4, 16)


@pytest.mark.security("S33")
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP"])
def test_no_header_makes_another_address_of_one(app_with: Callable[..., Flask], header: str) -> None:
    app = app_with(rate_limit_login="2/minute")
    statuses = [status_from(app, "192.0.2.7", headers={header: f"198.51.100.{last}"}) for last in range(4)]
    assert statuses == [401, 401, 429, 429]


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(app_with: Callable[..., Flask]) -> None:
    app = app_with(rate_limit_login="2/minute", proxy_count=1)

    def status(forwarded: str) -> int:
        return status_from(app, "10.0.0.1", headers={"X-Forwarded-For": forwarded})

    assert [status("192.0.2.7"), status("1.1.1.1, 192.0.2.7"), status("2.2.2.2, 192.0.2.7")] == [401, 401, 429]
    assert status("192.0.2.8") == 401


@pytest.mark.security("S33")
def test_the_port_that_some_proxies_add_makes_no_other_address(app_with: Callable[..., Flask]) -> None:
    app = app_with(rate_limit_login="2/minute", proxy_count=1)

    def statuses(*forwarded: str) -> list[int]:
        return [status_from(app, "10.0.0.1", headers={"X-Forwarded-For": each}) for each in forwarded]

    assert statuses("192.0.2.7:50001", "192.0.2.7:50002", "192.0.2.7") == [401, 401, 429]
    assert statuses("[2001:db8::1]:50001", "[2001:db8::1]", "2001:db8::1%eth0") == [401, 401, 429]


def test_what_is_no_address_is_kept_nowhere(app_with: Callable[..., Flask]) -> None:
    client = app_with(proxy_count=1).test_client()
    new_customer(client, "alice")
    for forwarded in ("x" * 500, "fe80::1%" + "x" * 500):
        login = log_in(client, "alice", headers={"X-Forwarded-For": forwarded})
        assert login.status_code == 200
        headers = {"Authorization": f"Bearer {login.json['access_token']}"}
        address = client.get("/auth/sessions", headers=headers).json["items"][0]["address"]
        assert address in ("unknown", "fe80::1")


@pytest.mark.security("S33")
def test_all_addresses_of_an_ipv6_network_count_as_one(app_with: Callable[..., Flask]) -> None:
    app = app_with(rate_limit_login="2/minute")
    addresses = ["2001:db8::1", "2001:0DB8:0:0::2", "2001:db8::ffff:1:1"]
    assert [status_from(app, address) for address in addresses] == [401, 401, 429]
    assert status_from(app, "2001:db8:0:1::1") == 401
    assert [status_from(app, address) for address in ("192.0.2.9", "::ffff:192.0.2.9", "192.0.2.9")] == [401, 401, 429]


def test_registering_and_refreshing_have_limits_of_their_own(app_with: Callable[..., Flask]) -> None:
    client = app_with(rate_limit_register="2/minute", rate_limit_refresh="1/minute").test_client()
    login = new_customer(client, "alice")
    assert register(client, "bob").status_code == 201
    assert register(client, "carol").status_code == 429
    assert client.post("/auth/refresh", json={"refresh_token": login.refresh_token}).status_code == 200
    assert client.post("/auth/refresh", json={"refresh_token": "x"}).json["code"] == "rate_limited"
    assert log_in(client, "alice").status_code == 200


def test_callers_without_an_address_count_as_one(app_with: Callable[..., Flask]) -> None:
    app = app_with(rate_limit_login="2/minute")
    assert [status_from(app, address) for address in ("", "unix:", "")] == [401, 401, 429]


@pytest.mark.security("S34")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/auth/mfa/enrol", {"password": PASSWORD}),
        ("POST", "/auth/mfa/disable", {"password": PASSWORD, "code": "123456"}),
        ("POST", "/auth/password", {"current_password": PASSWORD, "new_password": "password12"}),
        ("PATCH", "/me", {"current_password": PASSWORD, "email": "alice@example.com"}),
    ],
)
def test_a_user_who_proves_their_password_in_a_loop_must_wait_from_whatever_address(
    app_with: Callable[..., Flask], clock: MovableClock, method: str, path: str, body: dict[str, str]
) -> None:
    """A right password is never a failed login, and takes the hasher a turn all the same."""
    clock.stop()
    client = app_with(rate_limit_login="3/minute").test_client()
    alice, boris = (new_customer(client, name) for name in ("alice", "boris"))

    def answer(login: Login, last: int) -> TestResponse:
        headers = login.headers | {"If-Match": '"0"'}
        address = {"REMOTE_ADDR": f"192.0.2.{last}"}
        return client.open(path, method=method, json=body, headers=headers, environ_base=address)

    answers = [answer(alice, last) for last in range(5)]
    assert [each.status_code == 429 for each in answers] == [False, False, False, True, True]
    assert (answers[-1].json["code"], answers[-1].headers["Retry-After"]) == ("rate_limited", "60")
    assert answer(boris, 1).status_code != 429
    clock.forward(timedelta(seconds=61))
    assert answer(alice, 1).status_code != 429
