"""Registering over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.models.store import Store
from tests.factories.users import PASSWORD, log_in, register


def test_registering_makes_a_login_a_customer_and_a_first_account(client: FlaskClient, store: Store) -> None:
    answer = register(client, "Alice", full_name="Alice Example", email="alice@example.com")

    assert answer.status_code == 201
    user, account = answer.json["user"], answer.json["account"]
    assert user.keys() == {"id", "username", "full_name", "email", "role", "created_at"}
    assert (user["username"], user["full_name"], user["email"]) == ("Alice", "Alice Example", "alice@example.com")
    assert user["role"] == "customer"
    assert account["type"] == "checking"
    assert account["currency"] == store.config.bank_currency
    assert (account["balance"], account["primary"], account["status"]) == ("0.00", True, "active")
    assert len(account["number"]) == 12
    assert log_in(client, "alice").status_code == 200


def test_a_name_and_a_password_are_enough(client: FlaskClient) -> None:
    user = register(client).json["user"]
    assert (user["full_name"], user["email"]) == (None, None)
