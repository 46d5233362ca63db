"""Whatever stands in a path, a query or a body of any route is read or refused by name; no route is forgotten.

The routes and what they take come from the description, so a new one is tried without being listed here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.users import Login, logged_in, new_staff, register
from tests.operations import Operation, operations, places_in, with_member

OF_NO_EXAMPLE = "a password that nobody shows 58"
"""With the one that the examples give, some of what is tried here would be a new password."""

ODD = [
    None, True, 0, -1, 10**400, 2**63, "", "\0", "\ud800", "a\r\nX-Evil: 1", "x" * 5_000, "9" * 4_400, "١٢٣", "1e5",
    "NaN", "$where", "(a+)+$", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", [], [[]], {}, {"$gt": ""},
    {"$ne": None},
]  # fmt: skip
"""Members of a body: other types, numbers and texts without end, broken characters, operators of the database."""
ODD_TEXTS = [
    "%24ne", "%00", "a%00b", "%ff%fe", "%ED%A0%80", "x" * 3_000, "..%2f..%2fetc%2fpasswd", "%7B%22%24gt%22%3A%22%22%7D",
    "%0d%0aX-Evil:%201", "%F0%9F%98%80", "-1", "1e3", "9" * 30, "0001-01-01", "9999-12-31", "9999-12-31T23:59:59-23:59",
    "%D9%A1", "(a%2B)%2B%24", "0" * 32, "f" * 64,
]  # fmt: skip
"""What stands in a path or a query, as it is written there."""
NOT_FOR_CALLERS = (
    "_id", "id", "role", "is_admin", "status", "kyc_status", "balance", "held", "available", "holders", "primary_for",
    "blocked", "overdraft_limit", "minimum_balance", "trusted", "approved_by", "approval", "forced_by", "requested_by",
    "initiated_by", "customer_id", "user_id", "owner_id", "version", "epoch", "fee", "$set", "__proto__",
)  # fmt: skip


@pytest.fixture
def client(app_with: Callable[..., Flask]) -> FlaskClient:
    return app_with(rate_limit_payees="6000/minute", login_failures_max=100).test_client()


@pytest.fixture
def callers(client: FlaskClient, store: Store) -> Iterator[dict[str, Login]]:
    """Somebody of each role, under the first part of the paths that are theirs; the others are a customer's.

    They still are logged in when all is over: nothing was refused for the lack of it.
    """
    assert register(client, "carol", OF_NO_EXAMPLE).status_code == 201
    logins = {
        "": logged_in(client, "carol", OF_NO_EXAMPLE),
        "banker": new_staff(client, store, "bella", Role.BANKER),
        "admin": new_staff(client, store, "adam", Role.ADMIN),
    }
    yield logins
    for login in logins.values():
        assert client.get("/auth/verify", headers=login.headers).status_code == 200


def headers_for(callers: dict[str, Login], operation: Operation) -> dict[str, str]:
    caller = callers.get(operation.path.split("/")[1], callers[""])
    return caller.headers | {"If-Match": '"0"', "Content-Type": "application/json"}


@pytest.mark.security("S45", "S53", "S54", "S55", "S56", "S59")
def test_whatever_stands_in_a_body_is_read_or_refused(client: FlaskClient, callers: dict[str, Login]) -> None:
    tried = 0
    for operation in operations(client.application):
        headers = headers_for(callers, operation)
        for trail in places_in(operation.body) if operation.body else ():
            for value in ODD:
                body = json.dumps(with_member(operation.body, trail, value))
                answer = client.open(operation.at("0" * 12), method=operation.method, data=body, headers=headers)
                assert answer.status_code < 500, f"{operation.method} {operation.path} {body[:300]}: {answer.text}"
                assert "X-Evil" not in answer.headers
                tried += 1
    assert tried > 1_000


@pytest.mark.security("S04")
def test_s04_nobody_gives_themselves_anything_by_naming_it_in_any_body(
    client: FlaskClient, callers: dict[str, Login]
) -> None:
    for operation in operations(client.application):
        if not operation.members:
            continue
        for name in set(NOT_FOR_CALLERS) - operation.members:
            body = json.dumps({**operation.body, name: "admin"})
            headers = headers_for(callers, operation)
            answer = client.open(operation.at("0" * 12), method=operation.method, data=body, headers=headers)
            told = f"{operation.method} {operation.path} {name}: {answer.text}"
            assert answer.status_code == 422, told
            assert name in answer.json["errors"], told


@pytest.mark.security("S45", "S46", "S50")
def test_whatever_stands_in_a_path_is_refused(client: FlaskClient, callers: dict[str, Login]) -> None:
    for operation in operations(client.application):
        for text in ODD_TEXTS if operation.in_path else ():
            body = json.dumps(operation.body) if operation.body else None
            headers = headers_for(callers, operation)
            answer = client.open(operation.at(text), method=operation.method, data=body, headers=headers)
            assert 400 <= answer.status_code < 500, f"{operation.method} {operation.at(text)}: {answer.text}"
            assert "X-Evil" not in answer.headers


@pytest.mark.security("S10", "S45", "S46")
def test_whatever_stands_in_a_query_is_read_or_refused(client: FlaskClient, callers: dict[str, Login]) -> None:
    for operation in operations(client.application):
        headers = headers_for(callers, operation)
        for name in operation.in_query:
            for text in ODD_TEXTS:
                asked = f"{operation.at('0' * 12)}?{name}={text}"
                answer = client.open(asked, method=operation.method, headers=headers)
                assert answer.status_code < 500, f"{operation.method} {asked}: {answer.text}"
            for operator in ("$ne", "$gt", "$regex", "$where"):
                asked = f"{operation.at('0' * 12)}?{name}[{operator}]=1"
                answer = client.open(asked, method=operation.method, headers=headers)
                assert 400 <= answer.status_code < 500, f"{operation.method} {asked}: {answer.text}"
