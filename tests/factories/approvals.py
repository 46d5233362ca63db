"""Builders of what waits for a second person, over HTTP."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.operations.base import OperationName
from app.domain.policies import Policy, Rule
from app.models.store import Store
from tests.factories.users import Login

LARGE = "10000.00"
"""The default threshold: from this amount on a second person is asked."""


def account_of(client: FlaskClient, login: Login) -> str:
    """Return the number of a customer's first account."""
    return str(client.get("/accounts", headers=login.headers).json["items"][0]["number"])


def at_counter(
    client: FlaskClient,
    login: Login,
    number: str,
    amount: Any = LARGE,
    *,
    verb: str = "deposit",
    key: str | None = None,
) -> TestResponse:
    """Pay cash in or out at the counter and return the answer, whatever it is."""
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(f"/banker/accounts/{number}/{verb}", json={"amount": amount}, headers=headers)


def asked_for(client: FlaskClient, login: Login, number: str, **details: Any) -> str:
    """Ask for a large deposit (or what `details` say) and return the approval's id."""
    answer = at_counter(client, login, number, **details)
    assert answer.status_code == 202, answer.text
    return str(answer.json["id"])


def decide(
    client: FlaskClient,
    login: Login,
    approval: str,
    verdict: str = "approve",
    *,
    key: str | None = None,
    comment: str | None = "seen",
) -> TestResponse:
    """Approve or reject and return the answer, whatever it is."""
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    body = {"comment": comment} if comment else {}
    return client.post(f"/banker/approvals/{approval}/{verdict}", json=body, headers=headers)


def approval_of(client: FlaskClient, login: Login, approval: str) -> dict[str, Any]:
    """Return an approval as it is shown."""
    answer = client.get(f"/banker/approvals/{approval}", headers=login.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def outcome(answer: TestResponse) -> tuple[int, str]:
    """Return what an answer comes to: its status, and its code or the approval's status."""
    body = answer.json
    return answer.status_code, str(body.get("code") or body.get("status"))


def without_second_person(store: Store, operation: OperationName) -> None:
    """Let the policy never ask a second person for an operation, whatever it comes to."""
    store.policies.change(store.policies.get(operation), Policy(operation, Rule.NEVER), session=None)
