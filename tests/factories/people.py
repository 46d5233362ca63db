"""Customers with a login, a first account and some money, who call over HTTP as themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models.store import Store
from tests.factories.ledger import deposit
from tests.factories.users import Login, logged_in, register


@dataclass
class Person:
    """A customer with a login and a first account."""

    client: FlaskClient
    login: Login
    id: str
    number: str

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers=self.login.headers)

    def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> TestResponse:
        headers = self.login.headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(path, json=body, headers=headers)

    def balance(self, number: str | None = None) -> str:
        return str(self.get(f"/balance?account={number or self.number}").json["balance"])

    def send(self, to: Any, amount: Any, *, key: str | None = None, **body: Any) -> TestResponse:
        return self.post("/transfers", {"to": to, "amount": amount, **body}, key=key)

    def on(self, client: FlaskClient) -> Person:
        """Return the same person, calling through another client."""
        return Person(client, self.login, self.id, self.number)


def new_person(client: FlaskClient, store: Store, username: str, full_name: str, *, balance: int = 0) -> Person:
    """Register somebody, and give them `balance` minor units."""
    answer = register(client, username, full_name=full_name)
    assert answer.status_code == 201, answer.text
    number = answer.json["account"]["number"]
    if balance:
        store.journal.post(deposit(number, balance))
    (holder,) = store.accounts.get_customer_account(number).holders
    return Person(client, logged_in(client, username), holder, number)


def code_of(answer: TestResponse) -> tuple[int, str]:
    """Return a refusal's status and code."""
    return answer.status_code, answer.json["code"]
