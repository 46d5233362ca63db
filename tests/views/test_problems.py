"""Every error that reaches the application is a problem of its own kind, whatever was asked for and however."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.errors import AutoReconnect, OperationFailure
from werkzeug.test import TestResponse

from app import create_app
from app.domain.errors import BankError, OutcomeUnknown, RateLimited, ValidationFailed, all_errors
from app.models.accounts import Accounts
from app.models.store import Store
from app.views.error_handlers import problem
from config import ENVIRONMENTS, Config
from tests.factories.users import Login, new_customer

AppWith = Callable[..., Flask]


def check_problem(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    body = json.loads(answer.data)
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:bank:problem:{code}"
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["title"]
    assert body["detail"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    ["/nothing", "//", "//health", "/health/", "/health//live", "/Health", "/health/live/x", "/health/%2e%2e/x",
     "/health/..%2fx", "/%00", "/%ff", "/api", "/api/api/health", "/apihealth", "/static/x", "/docs/nothing",
     "/docs/..%2f..%2fconfig.py", "/favicon.ico", "/" + "x" * 8_000],
)  # fmt: skip
def test_a_path_that_does_not_exist_is_not_found(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open("/", method=method, environ_overrides={"PATH_INFO": unquote(path, "latin-1")})
    if path in ("/docs/nothing", "/docs/..%2f..%2fconfig.py") and method != "GET":
        assert answer.status_code in (404, 405)
    else:
        check_problem(answer, 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PROPFIND", "get"])
def test_a_method_that_a_path_does_not_have_is_named_with_those_it_has(client: FlaskClient, method: str) -> None:
    answer = client.open("/deposit", method=method)
    check_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    assert client.open("/balance", method=method.upper()).headers.get("Allow", "GET, HEAD") == "GET, HEAD"


@pytest.mark.parametrize("path", ["/balance", "/api/balance"])
def test_a_problem_of_a_head_request_has_its_status_and_no_body(client: FlaskClient, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.mimetype, answer.data) == (401, "application/problem+json", b"")


@pytest.mark.security("S03")
def test_no_header_turns_one_method_into_another(client: FlaskClient) -> None:
    login = new_customer(client)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = client.get("/balance", headers={**login.headers, name: "DELETE"})
        assert answer.status_code == 200


def test_who_is_not_logged_in_is_asked_for_a_token(client: FlaskClient) -> None:
    answer = client.get("/balance")
    check_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("error", list(all_errors()), ids=lambda error: error.code)
def test_every_error_is_told_with_its_own_status_and_code(app: Flask, error: type[BankError]) -> None:
    with app.test_request_context():
        response = problem(error())
    body = json.loads(response.data)
    assert (response.status_code, body["status"], body["code"], body["title"]) == (
        error.status, error.status, error.code, error.title,
    )  # fmt: skip


def test_codes_are_unique() -> None:
    codes = [error.code for error in all_errors()]
    assert len(set(codes)) == len(codes)


def test_what_an_error_knows_of_this_time_is_told(app: Flask) -> None:
    with app.test_request_context():
        limited = problem(RateLimited(retry_after_s=7))
        unknown = problem(OutcomeUnknown("Ask again.", idempotency_key="abc", retry_after_s=1))
        invalid = problem(ValidationFailed(errors={"amount": ["Too much."]}))
    assert limited.headers["Retry-After"] == "7"
    assert (unknown.json["detail"], unknown.json["idempotency_key"]) == ("Ask again.", "abc")
    assert invalid.json["errors"] == {"amount": ["Too much."]}


class Secret(Exception):
    """A fault of ours whose words nobody outside may read."""


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*arguments: Any, **named: Any) -> Any:
        raise error

    return fail


@pytest.fixture(params=ENVIRONMENTS)
def live(request: pytest.FixtureRequest, config: Config, store: Store) -> tuple[FlaskClient, Login]:
    """A client of an application as it is served in an environment, logged in as a customer."""
    client = create_app(replace(config, env=request.param), store).test_client()
    return client, new_customer(client)


def test_an_error_that_nobody_foresaw_is_answered_without_its_words_and_logged_with_them(
    live: tuple[FlaskClient, Login], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client, login = live
    monkeypatch.setattr(Accounts, "get_primary", failing(Secret("/etc/bank/key.pem is missing")))
    answer = client.get("/balance", headers={**login.headers, "X-Request-ID": "find-me"})
    check_problem(answer, 500, "internal_error")
    assert "key.pem" not in answer.text
    logged = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "unforeseen_error" in line)
    assert logged["request_id"] == "find-me"
    assert "Secret: /etc/bank/key.pem is missing" in logged["exception"]


def test_tests_see_such_an_error_as_it_is(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    login = new_customer(client)
    monkeypatch.setattr(Accounts, "get_primary", failing(Secret("a bug")))
    with pytest.raises(Secret):
        client.get("/balance", headers=login.headers)


RETRYABLE = (6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436)
"""What MongoDB's specification of retryable reads lists: told to us where time is up before the next try."""


@pytest.mark.parametrize("number", RETRYABLE)
def test_whatever_the_driver_would_try_again_is_the_database_being_away(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    login = new_customer(client)
    monkeypatch.setattr(Accounts, "get_primary", failing(OperationFailure("it is going away", number)))
    answer = client.get("/balance", headers=login.headers)
    check_problem(answer, 503, "database_unavailable")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.security("S68")
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AutoReconnect("10.0.0.7:27017: connection closed"), 503, "database_unavailable"),
        (OperationFailure("unable to acquire a lock of 27017", 24), 503, "server_busy"),
        (OperationFailure("unknown operator: $nothing", 2), 500, "internal_error"),
    ],
)
def test_an_error_of_the_database_is_told_without_its_words(
    live: tuple[FlaskClient, Login], monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    client, login = live
    monkeypatch.setattr(Accounts, "get_primary", failing(error))
    answer = client.get("/balance", headers=login.headers)
    check_problem(answer, status, code)
    told = answer.text.replace(answer.json["request_id"], "")
    assert "27017" not in told
    assert "operator" not in told


def test_tests_see_a_command_that_the_database_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    login = new_customer(client)
    monkeypatch.setattr(Accounts, "get_primary", failing(OperationFailure("unknown operator: $nothing", 2)))
    with pytest.raises(OperationFailure):
        client.get("/balance", headers=login.headers)


@pytest.mark.security("S66")
@pytest.mark.parametrize(
    "host", ["evil.example", "bank.example.evil.example", "bank.example:x", "", "a b", "bank@evil"]
)
def test_a_host_name_that_is_not_ours_is_refused(app_with: AppWith, host: str) -> None:
    client = app_with(trusted_hosts=("bank.example", ".branches.bank.example")).test_client()
    check_problem(client.get("/health/live", headers={"Host": host}), 400, "bad_request")


@pytest.mark.parametrize("host", ["bank.example", "bank.example:8080", "north.branches.bank.example"])
def test_our_own_host_names_are_answered(app_with: AppWith, host: str) -> None:
    client = app_with(trusted_hosts=("bank.example", ".branches.bank.example")).test_client()
    assert client.get("/health/live", headers={"Host": host}).status_code == 200
