"""S62 to S68, S74 and S75: what browsers are told, whom the server listens to, and how it must be set up."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.models import mongod
from app.models.store import Store
from tests.contracts.test_role_matrix import served_routes
from tests.factories.users import Login, new_customer, new_staff
from tests.integration.test_serving import run
from tests.live import LiveServer
from tests.processes import PROJECT, TIMEOUT_S

ORIGIN = "https://app.bank.example"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "TRACK")
A_YEAR_S = 365 * 24 * 60 * 60


@pytest.fixture
def logins(client: FlaskClient, store: Store) -> list[Login | None]:
    """Nobody, and somebody of each role."""
    return [
        None,
        new_customer(client),
        new_staff(client, store, "bella", Role.BANKER),
        new_staff(client, store, "adam", Role.ADMIN),
    ]


def answers_of_every_route(client: FlaskClient, logins: list[Login | None]) -> Iterator[TestResponse]:
    """Yield an answer of every route to everybody, and of what is no route: with and without errors."""
    paths = {rule.rule for rule in client.application.url_map.iter_rules()}
    assert len(paths) > 90
    files = ("docs.js", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "nothing")
    for path in sorted(paths | {f"/docs/{name}" for name in files} | {"/nothing", "/api/balance", "/static/x"}):
        asked = re.sub("<[^>]+>", "0" * 12, path)
        for login in logins:
            if asked != "/auth/logout":
                yield client.get(asked, headers=login.headers if login else {})
        yield client.post(asked, data=b"{", content_type="text/plain")
        yield client.open(asked, method="OPTIONS")


def test_s64_every_answer_tells_browsers_to_be_careful(client: FlaskClient, logins: list[Login | None]) -> None:
    statuses = set()
    for answer in answers_of_every_route(client, logins):
        told = f"{answer.request.method} {answer.request.path}"
        (policy,) = answer.headers.getlist("Content-Security-Policy")
        rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
        for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
            assert rules[name] == "'none'", told
        assert rules.get("object-src", rules["default-src"]) == "'none'", told
        assert not re.search(r"unsafe|\*|https?:", policy), told
        assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"], told
        assert answer.headers.getlist("Referrer-Policy") == ["no-referrer"], told
        assert answer.headers.getlist("Cross-Origin-Opener-Policy") == ["same-origin"], told
        assert answer.headers["X-Frame-Options"] == "DENY", told
        if not answer.request.path.startswith("/docs"):
            assert answer.headers.getlist("Cache-Control") == ["no-store"], told
        assert not answer.headers.getlist("Set-Cookie"), told
        assert "Server" not in answer.headers, told
        statuses.add(answer.status_code)
    assert statuses >= {200, 302, 401, 403, 404, 405, 415, 422}


def test_s64_production_insists_on_tls_on_every_answer(app_with: Callable[..., Flask]) -> None:
    client = app_with(env="production").test_client()
    for answer in answers_of_every_route(client, [None]):
        (told,) = answer.headers.getlist("Strict-Transport-Security")
        assert int(re.fullmatch(r"max-age=(\d+); includeSubDomains", told)[1]) >= A_YEAR_S  # type: ignore[index]


def test_s64_the_served_bank_says_the_same_and_not_what_it_is_made_of(server: LiveServer) -> None:
    for request in (
        b"GET /balance HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /docs HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: evil.example\r\n",
    ):
        answer = raw(server, request + b"Connection: close\r\n\r\n")
        head = answer.partition("\r\n\r\n")[0].lower()
        assert "x-content-type-options: nosniff" in head
        assert "default-src 'none'" in head
        assert not re.search(r"(granian|werkzeug|python|flask)/?\d|x-powered-by|set-cookie", head)  # no version


def raw(server: LiveServer, request: bytes) -> str:
    """Send these bytes, and return all that comes until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer.decode("latin-1")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "*", "http://app.bank.example", "https://app.bank.example.evil.example",
     "https://evil-app.bank.example", "https://app.bank.example:8443", "https://APP.BANK.EXAMPLE", "https://app.bank",
     "https://app.bank.example/", "https://app_bank.example", "https://app.bank.example, https://evil.example", ""],
)  # fmt: skip
def test_s65_only_an_origin_that_is_listed_to_the_letter_is_let_in(server: LiveServer, origin: str) -> None:
    for path in ("/balance", "/health", "/nothing", "/auth/login"):
        for method in ("GET", "OPTIONS"):
            asked = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {origin}\r\n"
            asked += "Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n"
            head = raw(server, asked.encode()).partition("\r\n\r\n")[0].lower()
            let_in = re.findall(r"^access-control-allow-origin: (\S*)", head, re.M)
            assert let_in == [] or (let_in == [ORIGIN] and origin != ORIGIN), path  # none, or one that is another
            assert "access-control-allow-credentials" not in head, path


def test_s65_the_listed_origin_is_let_in_without_cookies(server: LiveServer) -> None:
    asked = f"GET /balance HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {ORIGIN}\r\nConnection: close\r\n\r\n"
    head = raw(server, asked.encode()).partition("\r\n\r\n")[0].lower()
    assert f"access-control-allow-origin: {ORIGIN}\r\n" in head + "\r\n"
    assert "access-control-allow-credentials" not in head


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("bank.example", 200), ("bank.example:5000", 200), ("evil.example", 400), ("evil", 400),
     ("bank.example.evil.example", 400), ("evilbank.example", 400), ("bank.example@evil.example", 400), ("[::1]", 400),
     ("bank.example, evil.example", 400), ("localhost", 400)],
)  # fmt: skip
def test_s66_only_hosts_of_ours_are_answered(server: LiveServer, host: str, status: int) -> None:
    for forwarded in ("", "X-Forwarded-Host: bank.example\r\n", "Forwarded: host=bank.example\r\n"):
        asked = f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n{forwarded}Connection: close\r\n\r\n"
        answer = raw(server, asked.encode())
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
        head, _, body = answer.partition("\r\n\r\n")
        assert "evil" not in head + body


# ---- S67: how the server must be set up ------------------------------------------------------------------------------

KEY, PEPPERS = "k" * 32, f"1:{'p' * 32}"
USABLE = {
    "FLASK_ENV": "production",
    "FLASK_APP": "run.py",
    "SECRET_KEY": KEY,
    "PASSWORD_PEPPERS": PEPPERS,
    "MONGO_URI": "mongodb://user:canary-password@127.0.0.1:1/?replicaSet=bank",
    "MONGO_TIMEOUT_MS": "200",
}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "k" * 31}, "SECRET_KEY"),
        ({"SECRET_KEY": "dev"}, "SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "SECRET_KEY"),
        ({"PASSWORD_PEPPERS": ""}, "PASSWORD_PEPPERS"),
        ({"PASSWORD_PEPPERS": "1:short"}, "PASSWORD_PEPPERS"),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
        ({"DEMO_DATA": "true"}, "DEMO_DATA"),
        ({"MONGO_URI": ""}, "MONGO_URI"),
        ({"MONGO_URI": "mongomock://"}, "MONGO_URI"),
        ({"BCRYPT_COST": "9"}, "BCRYPT_COST"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS"),
        ({"FLASK_ENV": ""}, "MONGO_URI"),
    ],
)
def test_s67_a_production_bank_that_is_not_set_up_safely_does_not_start(changed: dict[str, str], named: str) -> None:
    variables = USABLE | {"MONGO_URI": ""} | changed if changed == {"FLASK_ENV": ""} else USABLE | changed
    done = run("run.py", **variables)
    assert done.returncode == 2
    assert done.stderr.startswith("The configuration is not usable:\n")
    assert re.search(rf"^  {named}: ", done.stderr, re.M), done.stderr
    assert "Traceback" not in done.stderr
    for secret in (KEY, "p" * 32, "canary-password"):
        assert secret not in done.stderr + done.stdout


def test_s67_production_refuses_a_database_that_lets_anybody_in(mongo_uri: str) -> None:
    done = run("run.py", **USABLE | {"MONGO_URI": mongo_uri, "MONGO_TIMEOUT_MS": 2_000})
    assert done.returncode == 1
    assert done.stderr.startswith("MongoDB is used without a user name: turn on its access control")
    assert "Traceback" not in done.stderr


def test_s67_a_usable_set_up_gets_as_far_as_its_database() -> None:
    done = run("run.py", **USABLE | {"PORT": str(mongod.free_port())})
    assert done.returncode == 1
    assert done.stderr.startswith("MongoDB can't be reached at 127.0.0.1:1: ")
    assert "canary-password" not in done.stderr


# ---- S68, S74, S75 ---------------------------------------------------------------------------------------------------

INSIDE = re.compile(
    r"Traceback|File \\?\"|\.py\b|pymongo|bson|mongodb|werkzeug|flask|granian|marshmallow|collection|BSON|E11000"
    rf"|site-packages|/usr/|{re.escape(str(PROJECT))}|NoneType|KeyError|TypeError|0x[0-9a-f]{{6}}|object at",
    re.IGNORECASE,
)


def test_s68_no_error_tells_what_the_server_is_made_of(client: FlaskClient, logins: list[Login | None]) -> None:
    seen = set()
    for answer in answers_of_every_route(client, logins):
        if answer.status_code >= 400 and answer.request.method != "HEAD":
            body: dict[str, Any] = answer.get_json(force=True)
            assert answer.mimetype == "application/problem+json"
            assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
            assert body["request_id"] == answer.headers["X-Request-ID"]
            told = answer.text.replace(answer.request.path, "").replace(body["request_id"], "")
            assert not INSIDE.search(told), answer.text
            seen.add(body["code"])
    assert len(seen) >= 6


def test_s68_what_breaks_the_protocol_is_told_nothing(server: LiveServer) -> None:
    for request in (
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header: x\r\n\r\n",
        b"POST /deposit HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n",
    ):
        try:
            answer = raw(server, request)
        except (ConnectionError, TimeoutError):
            continue  # it hung up without a word
        assert not re.search(r"Traceback|granian/|hyper|\.rs\b|\.py\b", answer, re.IGNORECASE), answer
        assert not answer.startswith("HTTP/1.1 5"), answer
    assert server.answers()


def test_s74_nothing_is_served_beyond_what_is_described(app_with: Callable[..., Flask]) -> None:
    app = app_with(env="production")
    client = app.test_client()
    described = {
        (method.upper(), path)
        for path, methods in client.get("/openapi.json").json["paths"].items()
        for method in methods
        if method != "parameters"
    }
    pages = {("GET", path) for path in ("/", "/openapi.json", "/docs", "/docs/{name}")}
    served = {(method, rule.replace("<", "{").replace(">", "}")) for method, rule in served_routes(app)}
    assert served == described | pages
    elsewhere = "metrics debug console admin swagger redoc graphql .env .git/config server-status actuator static/ api"
    for path in (f"/{name}" for name in elsewhere.split()):
        assert client.get(path).status_code == 404, path


def test_s75_no_route_has_a_method_that_it_does_not_name(client: FlaskClient) -> None:
    routes = client.application.url_map.bind("localhost")
    for path in {re.sub("<[^>]+>", "0" * 12, rule) for _, rule in served_routes(client.application)}:
        allowed = set(routes.allowed_methods(path))  # of all rules that the path fits
        assert not {"TRACE", "OPTIONS", "CONNECT"} & allowed
        for method in set(METHODS) - allowed:
            answer = client.open(path, method=method)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["Allow"].split(", ")) == allowed, (method, path)


def test_s75_the_served_bank_echoes_nothing_and_tunnels_nowhere(server: LiveServer) -> None:
    for request in (
        b"TRACE /balance HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Canary: canary\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"OPTIONS /balance HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    ):
        try:
            answer = raw(server, request)
        except ConnectionError:
            continue
        assert re.match(r"HTTP/1\.1 (400|404|405|501) |$", answer), answer
        assert "canary" not in answer
