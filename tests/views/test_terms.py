"""Overdrafts, limits and adjustments over HTTP: whatever gives more takes two people, whatever takes away one."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Int64
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus
from app.domain.actor import Role
from app.domain.operations.base import OperationName
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.approvals import account_of, at_counter, decide, outcome, without_second_person
from tests.factories.ledger import status_change
from tests.factories.users import Login, new_customer, new_staff
from tests.parallel import at_once


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    return new_customer(client, "alice")


@pytest.fixture
def number(client: FlaskClient, store: Store, alice: Login) -> str:
    """An account whose product allows an overdraft of 1,000.00."""
    number = account_of(client, alice)
    product = store.accounts.get_customer_account(number).product
    store.database["products"].update_one({"_id": product}, {"$set": {"overdraft_max": Int64(100_000)}})
    return number


@pytest.fixture
def maker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "boris", Role.BANKER)


def change(
    client: FlaskClient, login: Login, number: str, what: str, body: dict[str, Any], *, key: str | None = None
) -> TestResponse:
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(f"/banker/accounts/{number}/{what}", json=body, headers=headers)


def overdraft(client: FlaskClient, login: Login, number: str, limit: Any, *, key: str | None = None) -> TestResponse:
    return change(client, login, number, "overdraft", {"limit": limit}, key=key)


def adjust(client: FlaskClient, login: Login, number: str, *, key: str | None = None, **body: Any) -> TestResponse:
    whole = {"account": number, "amount": "12.50", "direction": "credit", "reason": "Fee charged twice", **body}
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    return client.post("/banker/adjustments", json=whole, headers=headers)


def approved(client: FlaskClient, checker: Login, answer: TestResponse) -> dict[str, Any]:
    """Have what was asked for approved, and return the approval."""
    assert answer.status_code == 202, answer.text
    return dict(decide(client, checker, answer.json["id"]).json)


def account(client: FlaskClient, login: Login, number: str) -> dict[str, Any]:
    return dict(client.get(f"/banker/accounts/{number}", headers=login.headers).json)


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_an_overdraft_is_granted_by_two_and_taken_back_by_one(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login
) -> None:
    asked = overdraft(client, maker, number, "500")
    assert asked.json["payload"] == {
        "account": number,
        "holders": [None],
        "currency": "USD",
        "from": "0.00",
        "to": "500.00",
    }
    assert account(client, maker, number)["overdraft_limit"] == "0.00"
    assert approved(client, checker, asked)["status"] == "executed"
    assert account(client, maker, number)["available"] == "500.00"
    assert at_counter(client, maker, number, "300", verb="withdraw").status_code == 201
    assert outcome(overdraft(client, maker, number, "299.99")) == (409, "terms_in_use")
    lowered = overdraft(client, maker, number, "300")
    assert (lowered.status_code, lowered.json["overdraft_limit"]) == (200, "300.00")
    assert is_sound(store)


def test_no_overdraft_passes_what_the_product_allows_when_asked_or_when_approved(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login
) -> None:
    assert outcome(overdraft(client, maker, number, "1000.01")) == (409, "overdraft_not_allowed")
    asked = overdraft(client, maker, number, "1000")
    store.database["products"].update_many({}, {"$set": {"overdraft_max": Int64(99_999)}})
    assert approved(client, checker, asked)["failure"] == "overdraft_not_allowed"
    assert account(client, maker, number)["overdraft_limit"] == "0.00"


def test_a_raise_asked_for_against_other_terms_than_the_present_ones_fails(
    client: FlaskClient, number: str, maker: Login, checker: Login
) -> None:
    stale = overdraft(client, maker, number, "900")
    approved(client, checker, overdraft(client, maker, number, "500"))
    assert approved(client, checker, stale)["failure"] == "state_conflict"
    assert account(client, maker, number)["overdraft_limit"] == "500.00"


def test_one_person_can_not_raise_by_lowering_at_the_same_moment(
    client: FlaskClient, app: Flask, number: str, maker: Login, checker: Login
) -> None:
    """Each lowers what they saw; whoever comes second must not undo the first by it."""
    for _ in range(4):
        now = account(client, maker, number)["overdraft_limit"]
        if now != "1000.00":
            approved(client, checker, overdraft(client, maker, number, "1000"))
        answers = at_once(6, lambda i: overdraft(app.test_client(), maker, number, str(100 * i)))
        lows = [answer.json["overdraft_limit"] for answer in answers if answer.status_code == 200]
        assert {answer.status_code for answer in answers} <= {200, 202, 409}
        lowest = min(float(low) for low in lows)
        assert float(account(client, maker, number)["overdraft_limit"]) == lowest


def test_limits_are_loosened_by_two_and_tightened_by_one(
    client: FlaskClient, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    at_counter(client, maker, number, "1000")
    tightened = change(client, maker, number, "limits", {"withdrawal": "100", "transfer_daily": "50"})
    assert tightened.status_code == 200
    assert tightened.json["limits"] == {
        "withdrawal": "100.00",
        "withdrawal_daily": None,
        "transfer": None,
        "transfer_daily": "50.00",
    }
    assert outcome(at_counter(client, maker, number, "100.01", verb="withdraw")) == (409, "transaction_limit_exceeded")
    for looser in ({"withdrawal": "100.01"}, {"withdrawal": None}, {"withdrawal": "200", "transfer": "1"}):
        asked = change(client, maker, number, "limits", looser)
        assert asked.status_code == 202
    assert asked.json["payload"]["to"] == {
        "withdrawal": "200.00",
        "withdrawal_daily": None,
        "transfer": "1.00",
        "transfer_daily": "50.00",
    }
    assert approved(client, checker, asked)["status"] == "executed"
    assert at_counter(client, maker, number, "150", verb="withdraw").status_code == 201


def test_a_limit_of_nothing_lets_nothing_out(client: FlaskClient, number: str, maker: Login) -> None:
    at_counter(client, maker, number, "10")
    assert change(client, maker, number, "limits", {"withdrawal": 0}).status_code == 200
    assert outcome(at_counter(client, maker, number, "0.01", verb="withdraw")) == (409, "transaction_limit_exceeded")


def test_a_repeated_change_is_answered_as_the_first_time(
    client: FlaskClient, number: str, maker: Login, checker: Login
) -> None:
    first = overdraft(client, maker, number, "500", key="k")
    done = approved(client, checker, first)
    again = overdraft(client, maker, number, "500.00", key="k")
    assert (again.status_code, again.json["id"], again.json["status"]) == (202, done["id"], "executed")
    assert outcome(overdraft(client, maker, number, "400", key="k")) == (422, "idempotency_mismatch")
    lowered = overdraft(client, maker, number, "400", key="l")
    overdraft(client, maker, number, "300")
    again = overdraft(client, maker, number, "400", key="l")
    assert again.headers.get("Idempotent-Replayed") == "true"
    assert (lowered.status_code, account(client, maker, number)["overdraft_limit"]) == (200, "300.00")


def test_a_repeated_change_is_answered_though_the_product_allows_it_no_more(
    client: FlaskClient, store: Store, number: str, maker: Login
) -> None:
    without_second_person(store, OperationName.OVERDRAFT_CHANGE)
    assert overdraft(client, maker, number, "500", key="k").status_code == 200
    overdraft(client, maker, number, "0")
    store.database["products"].update_many({}, {"$set": {"overdraft_max": Int64(0)}})
    again = overdraft(client, maker, number, "500", key="k")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true")
    assert account(client, maker, number)["overdraft_limit"] == "0.00"
    assert outcome(overdraft(client, maker, number, "500", key="l")) == (409, "overdraft_not_allowed")
    assert outcome(overdraft(client, maker, number, "600", key="k")) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("overdraft", {}),
        ("overdraft", {"limit": "-1"}),
        ("overdraft", {"limit": None}),
        ("overdraft", {"limit": {"$gt": ""}}),
        ("overdraft", {"limit": "1.001"}),
        ("overdraft", {"limit": "1", "approved": True}),
        ("limits", {}),
        ("limits", {"withdrawal": "-1"}),
        ("limits", {"withdrawal": True}),
        ("limits", {"withdrawal": "1.001"}),
        ("limits", {"deposit": "1"}),
    ],
)
def test_terms_of_another_shape_are_refused(
    client: FlaskClient, number: str, maker: Login, what: str, body: dict[str, Any]
) -> None:
    assert outcome(change(client, maker, number, what, body)) == (422, "validation_failed")


@pytest.mark.parametrize("other", ["cash-USD", "cash-USD%2300", "000000000000", "750100445452"])
def test_only_customers_accounts_have_terms(client: FlaskClient, maker: Login, other: str) -> None:
    assert outcome(overdraft(client, maker, other, "1")) == (404, "not_found")
    assert outcome(change(client, maker, other, "limits", {"transfer": "1"})) == (404, "not_found")


@pytest.mark.parametrize(("direction", "after"), [("credit", "112.50"), ("debit", "87.50")])
def test_an_adjustment_takes_two_people_and_names_the_banks_side(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login, direction: str, after: str
) -> None:
    at_counter(client, maker, number, "100")
    done = approved(client, checker, adjust(client, maker, number, direction=direction))
    assert account(client, maker, number)["balance"] == after
    path = f"/banker/transactions/{done['transaction_id']}"
    transaction = client.get(path, headers=maker.headers).json
    assert (transaction["type"], transaction["description"]) == ("adjustment", "Fee charged twice")
    assert [leg["account"] for leg in transaction["legs"]] == [number, "adjustment-USD"]
    assert is_sound(store)


def test_an_adjustment_takes_no_more_than_is_there(
    client: FlaskClient, number: str, maker: Login, checker: Login
) -> None:
    done = approved(client, checker, adjust(client, maker, number, direction="debit"))
    assert (done["status"], done["failure"]) == ("failed", "insufficient_funds")


def test_an_account_frozen_since_it_was_asked_for_fails_what_is_approved(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login
) -> None:
    asked = adjust(client, maker, number)
    store.journal.post(status_change(number, AccountStatus.FROZEN))
    assert approved(client, checker, asked)["failure"] == "account_frozen"


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "-1"},
        {"amount": 0},
        {"direction": "up"},
        {"direction": ["credit"]},
        {"reason": ""},
        {"reason": None},
        {"account": "cash-USD"},
        {"account": {"$ne": ""}},
        {"against": "cash-USD"},
        {"currency": "EUR"},
    ],
)
def test_an_adjustment_of_another_shape_is_refused(
    client: FlaskClient, number: str, maker: Login, body: dict[str, Any]
) -> None:
    assert outcome(adjust(client, maker, number, **body)) == (422, "validation_failed")


def test_customers_change_no_terms_and_adjust_nothing(client: FlaskClient, alice: Login, number: str) -> None:
    assert outcome(overdraft(client, alice, number, "1")) == (403, "forbidden")
    assert outcome(change(client, alice, number, "limits", {"transfer": None})) == (403, "forbidden")
    assert outcome(adjust(client, alice, number)) == (403, "forbidden")
