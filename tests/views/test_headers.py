"""The headers of every response: security, origins, hosts and proxies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

AppWith = Callable[..., Flask]
ORIGIN = "https://app.bank.example"


@pytest.mark.security("S64")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("HEAD", "/health/live", 200),
        ("GET", "/balance", 401),
        ("GET", "/nothing", 404),
        ("OPTIONS", "/balance", 405),
        ("POST", "/auth/login", 415),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/docs.js", 200),
        ("GET", "/docs/nothing", 404),
        ("GET", "/api/health/live", 200),
    ],
)
def test_every_response_tells_browsers_to_be_careful(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    policy = answer.headers.getlist("Content-Security-Policy")
    assert len(policy) == 1
    assert "default-src 'none'" in policy[0]
    assert "frame-ancestors 'none'" in policy[0]
    assert "base-uri 'none'" in policy[0]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    if not path.startswith("/docs"):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "script-src" not in policy[0]


def test_production_insists_on_tls_for_years(app_with: AppWith) -> None:
    answer = app_with(env="production").test_client().get("/nothing")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_without_an_allow_list_no_origin_is_let_in(client: FlaskClient) -> None:
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    for answer in (client.options("/balance", headers=preflight), client.get("/health", headers={"Origin": ORIGIN})):
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


@pytest.fixture
def open_to_app(app_with: AppWith) -> FlaskClient:
    return app_with(cors_origins=(ORIGIN, "http://localhost:3000")).test_client()


@pytest.mark.parametrize("path", ["/balance", "/api/balance", "/accounts/482915306750"])
def test_an_origin_on_the_list_may_ask_and_call(open_to_app: FlaskClient, path: str) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    answer = open_to_app.options(path, headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type, idempotency-key"
    refused = open_to_app.get(path, headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in refused.headers


@pytest.mark.security("S65")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.bank.example.evil.example", "http://app.bank.example", "*"]
)
def test_any_other_origin_is_kept_out(open_to_app: FlaskClient, origin: str) -> None:
    preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for answer in (
        open_to_app.options("/balance", headers=preflight),
        open_to_app.get("/health/live", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert open_to_app.options("/balance", headers=preflight).status_code == 405


@pytest.mark.security("S75")
def test_options_is_for_preflights_alone(open_to_app: FlaskClient) -> None:
    assert open_to_app.options("/balance", headers={"Origin": ORIGIN}).status_code == 405
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    assert open_to_app.options("/nothing", headers=preflight).status_code == 404


@pytest.mark.parametrize(("proxy_count", "scheme"), [(0, "http"), (1, "https")])
def test_headers_of_a_proxy_count_only_where_there_is_one(app_with: AppWith, proxy_count: int, scheme: str) -> None:
    app = app_with(proxy_count=proxy_count)
    seen = {}

    @app.before_request
    def look() -> None:
        from flask import request

        from app.views.http import client_address

        seen.update(scheme=request.scheme, address=client_address())

    app.test_client().get(
        "/health/live", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
    )
    assert seen == {"scheme": scheme, "address": "198.51.100.7" if proxy_count else "127.0.0.1"}


def test_the_application_answers_under_api_as_well(client: FlaskClient) -> None:
    assert client.get("/api/health/live").json == client.get("/health/live").json
    assert client.get("/api/balance").status_code == 401
    assert client.get("/api/api/health/live").status_code == 404
