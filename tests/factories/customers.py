"""Builders of customers' records, and what staff do about them over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.customers import Customer
from tests.factories.ledger import OPENED_AT
from tests.factories.users import Login

BORN = date(1990, 5, 17)
ADDRESS = {"line1": "12 Harbour Street", "city": "Springfield", "postal_code": "62701", "country": "US"}


def customer_record(**facts: Any) -> Customer:
    """Return a new customer's record: Carol Carter's, unless said otherwise."""
    return Customer.new(now=OPENED_AT, **{"full_name": "Carol Carter", "date_of_birth": BORN} | facts)


def new_person(client: FlaskClient, banker: Login, full_name: str = "Carol Carter", **facts: Any) -> dict[str, Any]:
    """Let a banker make a customer without a login; return the answer's body."""
    body = {"full_name": full_name, "date_of_birth": BORN.isoformat(), **facts}
    answer = client.post("/banker/customers", json=body, headers=banker.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def identify(client: FlaskClient, banker: Login, customer_id: str) -> None:
    """Let a banker write down who somebody is, so that they can be verified."""
    path = f"/banker/customers/{customer_id}"
    read = client.get(path, headers=banker.headers)
    facts = {"full_name": read.json["full_name"] or "Carol Carter", "date_of_birth": BORN.isoformat()}
    assert client.patch(path, json=facts, headers=with_version(banker, read)).status_code == 200


def decide(
    client: FlaskClient, banker: Login, customer_id: str, action: str, reason: str = "As agreed."
) -> TestResponse:
    """Let a banker decide about a customer (`suspend`, `kyc/verify`, ...) and return the answer, whatever it is."""
    path = f"/banker/customers/{customer_id}/{action}"
    return client.post(path, json={"reason": reason}, headers=banker.headers)


def customer_of(client: FlaskClient, banker: Login, username: str) -> str:
    """Return the id of the customer who logs in with this name; they have one account."""
    page = client.get("/banker/accounts?limit=100", headers=banker.headers).json["items"]
    return next(holder["id"] for each in page for holder in each["holders"] if holder["username"] == username)


def found(client: FlaskClient, banker: Login, **query: Any) -> list[str]:
    """Return the names of the customers on the first page of a search."""
    answer = client.get("/banker/customers", query_string=query, headers=banker.headers)
    assert answer.status_code == 200, answer.text
    return [each["full_name"] for each in answer.json["items"]]


def with_version(login: Login, answer: TestResponse) -> dict[str, str]:
    """Return the headers of a change of what this answer showed."""
    return login.headers | {"If-Match": answer.headers["ETag"]}
