"""How the `Idempotency-Key` header is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.errors import ValidationFailed
from app.views.http import idempotency_key
from tests.factories.users import new_customer


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
        ("$where{}", "$where{}"),
    ],
)
def test_a_key_may_be_bare_or_quoted(app: Flask, header: str, key: str) -> None:
    with app.test_request_context(headers={"Idempotency-Key": header}):
        assert idempotency_key() == key


@pytest.mark.parametrize(
    "header",
    ["", "x" * 256, '"' + "x" * 256 + '"', '""', '"abc', '"a"b"', r'"a\b"', "a b", '"a b"', "a\tb", "é", "a\x7f"],
)
def test_any_other_key_is_refused(app: Flask, header: str) -> None:
    with (
        app.test_request_context(environ_overrides={"HTTP_IDEMPOTENCY_KEY": header}),
        pytest.raises(ValidationFailed) as caught,
    ):
        idempotency_key()
    assert caught.value.errors is not None
    assert list(caught.value.errors) == ["Idempotency-Key"]


def test_without_the_header_there_is_no_key(app: Flask) -> None:
    with app.test_request_context():
        assert idempotency_key() is None


def test_a_server_may_insist_on_a_key(app_with: Callable[..., Flask]) -> None:
    client = app_with(require_idempotency_key=True).test_client()
    login = new_customer(client)
    refused = client.post("/deposit", json={"amount": 5}, headers=login.headers)
    assert (refused.status_code, refused.json["code"]) == (400, "idempotency_key_required")
    taken = client.post("/deposit", json={"amount": 5}, headers={**login.headers, "Idempotency-Key": "k"})
    assert taken.status_code == 201


def test_the_same_key_in_either_form_is_one_key(client: FlaskClient) -> None:
    login = new_customer(client)
    first, second = (
        client.post("/deposit", json={"amount": 5}, headers={**login.headers, "Idempotency-Key": key})
        for key in ("abc", '"abc"')
    )
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json == first.json
