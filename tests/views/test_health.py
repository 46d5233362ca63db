"""What the service says of itself, with its database and without."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.version import VERSION
from tests.factories.users import new_customer

ANSWER_WITHIN_S = 6


def test_with_its_database_the_service_is_ready(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "ok"}
    assert client.get("/health/ready").json == {"status": "ok"}
    health = {"status": "ok", "version": VERSION, "database": "up", "clock": "right", "queue_depth": 0}
    assert client.get("/health").json == health


@pytest.fixture
def cut_off(app_with: Callable[..., Flask]) -> FlaskClient:
    """A client of an application whose database can't be reached."""
    return app_with(mongo_uri="mongodb://127.0.0.1:1/?replicaSet=none", mongo_timeout_ms=200).test_client()


def test_without_its_database_the_service_lives_and_is_not_ready(cut_off: FlaskClient) -> None:
    assert cut_off.get("/health/live").status_code == 200
    not_ready = cut_off.get("/health/ready")
    assert (not_ready.status_code, not_ready.json["code"]) == (503, "database_unavailable")
    assert not_ready.headers["Retry-After"] == "1"
    health = cut_off.get("/health").json
    assert (health["status"], health["database"]) == ("degraded", "down")


def test_without_the_database_every_request_is_answered_in_time(client: FlaskClient, cut_off: FlaskClient) -> None:
    login = new_customer(client)
    for method, path, body in (
        ("POST", "/auth/register", {"username": "dora", "password": "violet harbour 27 lanterns"}),
        ("POST", "/auth/login", {"username": "alice", "password": "violet harbour 27 lanterns"}),
        ("GET", "/balance", None),
        ("POST", "/deposit", {"amount": 5}),
        ("GET", "/transactions", None),
    ):
        started = time.monotonic()
        answer = cut_off.open(path, method=method, json=body, headers=login.headers)
        assert answer.status_code == 503, (path, answer.text)
        assert time.monotonic() - started < ANSWER_WITHIN_S
