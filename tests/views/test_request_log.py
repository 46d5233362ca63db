"""One line of log for each request, and what never stands in it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories.users import PASSWORD, log_in, new_customer

Captured = pytest.CaptureFixture[str]


def lines(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def requests_in(capsys: Captured) -> list[dict[str, Any]]:
    return [line for line in lines(capsys) if line["event"] == "request"]


def test_each_request_leaves_one_line(client: FlaskClient, capsys: Captured) -> None:
    login = new_customer(client)
    user_id = client.get("/auth/me", headers=login.headers).json["id"]
    capsys.readouterr()
    client.get("/accounts/482915306750?secret=in-the-query", headers=login.headers)
    (line,) = requests_in(capsys)
    assert line.keys() == {
        "event", "level", "time", "request_id", "method", "route", "status", "duration_ms", "user_id",
    }  # fmt: skip
    assert (line["method"], line["route"], line["status"]) == ("GET", "/accounts/<number>", 404)
    assert line["user_id"] == user_id
    assert line["duration_ms"] > 0


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/nothing/482915306750", None, 404),
        ("GET", "/balance", "/balance", 401),
        ("PUT", "/balance", None, 405),
        ("GET", "/docs", "/docs", 200),
        ("HEAD", "/api/health/live", "/health/live", 200),
    ],
)
def test_requests_that_fail_leave_a_line_too(
    client: FlaskClient, capsys: Captured, method: str, path: str, route: str | None, status: int
) -> None:
    client.open(path, method=method)
    (line,) = requests_in(capsys)
    assert (line["method"], line["route"], line["status"], line["user_id"]) == (method, route, status, None)


@pytest.mark.security("S22", "S69")
def test_no_secret_and_nothing_personal_stands_in_the_log(client: FlaskClient, capsys: Captured) -> None:
    login = new_customer(client, "carol")
    log_in(client, "carol", "canary-wrong-password")
    client.post("/deposit", json={"amount": 5, "description": "canary-memo"}, headers=login.headers)
    client.get("/transactions?idempotency_key=canary-query", headers=login.headers)
    client.get("/canary-path", headers={"Cookie": "canary=cookie"})
    client.get("/balance", headers={"Authorization": "Bearer canary.to.ken"})
    output = capsys.readouterr().out
    for secret in (PASSWORD, login.access_token, login.refresh_token, "canary"):
        assert secret not in output


@pytest.mark.parametrize("given", ["abc", "0f8fad5b-d9cb-469f-a165-70867728950e", "a.b_c:d", "x" * 64])
def test_a_sane_request_id_is_kept(client: FlaskClient, capsys: Captured, given: str) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": given})
    assert answer.headers.getlist("X-Request-ID") == [given]
    assert answer.json["request_id"] == given
    assert requests_in(capsys)[0]["request_id"] == given


@pytest.mark.security("S50")
@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "ünïcode", "{$ne:1}", "a,b", None])
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given}
    made = {client.get("/nothing", headers=headers).headers["X-Request-ID"] for _ in range(2)}
    assert len(made) == 2
    assert given not in made


def test_the_log_of_a_library_is_a_json_line_too(client: FlaskClient, capsys: Captured) -> None:
    logging.getLogger("pymongo.topology").warning("lost %s\nand found", "10.0.0.7")
    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("lost 10.0.0.7\nand found", "warning")
    assert "time" in line


@pytest.mark.security("S48")
def test_a_line_break_can_not_forge_a_line(client: FlaskClient, capsys: Captured) -> None:
    client.open("/x\r\n{}", method="GET")
    client.post("/auth/login", json={"username": 'bob\n{"event": "request"}\x1b[0m', "password": "x"})
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert [line["event"] for line in map(json.loads, output.splitlines())].count("request") == 2
