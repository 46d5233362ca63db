"""Cash in and out over HTTP: exact, once per key, and never somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus, new_account_number
from app.domain.actor import Role
from app.models.store import Store
from tests.factories.ledger import closing, status_change
from tests.factories.users import Login, new_customer, new_staff


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    return new_customer(client, "alice")


def move(
    client: FlaskClient, login: Login, verb: str, amount: Any, *, key: str | None = None, **body: Any
) -> TestResponse:
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(f"/{verb}", json={"amount": amount, **body}, headers=headers)


def balance(client: FlaskClient, login: Login) -> str:
    return str(client.get("/balance", headers=login.headers).json["balance"])


def account_of(client: FlaskClient, login: Login) -> str:
    return str(client.get("/accounts", headers=login.headers).json["items"][0]["number"])


def test_a_deposit_answers_with_the_line_it_made(client: FlaskClient, alice: Login) -> None:
    answer = move(client, alice, "deposit", "100.00", description="Salary")
    assert answer.status_code == 201
    line = answer.json
    assert line == {
        "id": line["id"],
        "transaction_id": line["transaction_id"],
        "account": account_of(client, alice),
        "seq": 1,
        "type": "deposit",
        "direction": "credit",
        "amount": "100.00",
        "currency": "USD",
        "balance_after": "100.00",
        "description": "Salary",
        "reference": None,
        "counterparty": None,
        "exchange": None,
        "created_at": line["created_at"],
    }
    shown = client.get(f"/transactions/{line['id']}", headers=alice.headers).json
    assert shown == {**line, "reverses": None, "reversed_by": None}


def test_a_withdrawal_answers_with_a_debit(client: FlaskClient, alice: Login) -> None:
    move(client, alice, "deposit", 100)
    line = move(client, alice, "withdraw", "0.01").json
    assert (line["type"], line["direction"], line["amount"], line["balance_after"], line["seq"]) == (
        "withdrawal", "debit", "0.01", "99.99", 2,
    )  # fmt: skip
    assert line["description"] is None


@pytest.mark.parametrize(("sent", "kept"), [(100, "100.00"), (100.5, "100.50"), ("0.07", "0.07"), ("1", "1.00")])
def test_an_amount_is_kept_to_the_cent(client: FlaskClient, alice: Login, sent: Any, kept: str) -> None:
    assert move(client, alice, "deposit", sent).json["amount"] == kept
    assert balance(client, alice) == kept


def test_ten_cents_three_times_are_thirty_cents(client: FlaskClient, alice: Login) -> None:
    for _ in range(3):
        move(client, alice, "deposit", 0.1)
    assert balance(client, alice) == "0.30"


@pytest.mark.security("S54", "S55", "S56")
@pytest.mark.parametrize(
    "amount", [0, -1, "-1", "0.00", "1e2", "1.001", True, None, [], {}, "١", " 1", "NaN", 10**14, "9" * 30]
)
@pytest.mark.parametrize("verb", ["deposit", "withdraw"])
def test_what_is_no_amount_is_refused_and_moves_nothing(
    client: FlaskClient, alice: Login, verb: str, amount: Any
) -> None:
    move(client, alice, "deposit", "5.00")
    answer = move(client, alice, verb, amount)
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert list(answer.json["errors"]) == ["amount"]
    assert balance(client, alice) == "5.00"


def test_more_than_is_available_is_refused_and_moves_nothing(client: FlaskClient, alice: Login) -> None:
    move(client, alice, "deposit", "5.00")
    answer = move(client, alice, "withdraw", "5.01")
    assert (answer.status_code, answer.json["code"]) == (409, "insufficient_funds")
    assert balance(client, alice) == "5.00"
    assert len(client.get("/transactions", headers=alice.headers).json["items"]) == 1


@pytest.mark.security("S04")
@pytest.mark.parametrize("field", ["role", "balance", "type", "currency", "holders", "account_id", "fee"])
def test_a_field_that_is_not_asked_for_is_refused(client: FlaskClient, alice: Login, field: str) -> None:
    answer = move(client, alice, "deposit", "5.00", **{field: "1"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert balance(client, alice) == "0.00"


def test_a_repeated_request_with_its_key_is_answered_as_the_first_time(client: FlaskClient, alice: Login) -> None:
    first = move(client, alice, "deposit", "10", key="k")
    again = move(client, alice, "deposit", "10.00", key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert balance(client, alice) == "10.00"


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("withdraw", {"amount": "10"}),
        ("deposit", {"amount": "11"}),
        ("deposit", {"amount": "10", "description": "other"}),
        ("deposit", {"amount": "10", "account": "its own"}),
    ],
)
def test_a_key_used_for_another_request_is_refused(
    client: FlaskClient, alice: Login, verb: str, body: dict[str, str]
) -> None:
    move(client, alice, "deposit", "10", key="k")
    if "account" in body:
        body = {**body, "account": account_of(client, alice)}
    answer = client.post(f"/{verb}", json=body, headers=alice.headers | {"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")
    assert balance(client, alice) == "10.00"


def test_a_refusal_does_not_use_up_the_key(client: FlaskClient, alice: Login) -> None:
    assert move(client, alice, "withdraw", "10", key="k").status_code == 409
    move(client, alice, "deposit", "10")
    assert move(client, alice, "withdraw", "10", key="k").status_code == 201
    assert balance(client, alice) == "0.00"


def test_the_same_key_of_two_customers_is_two_keys(client: FlaskClient, alice: Login) -> None:
    bob = new_customer(client, "bob")
    assert move(client, alice, "deposit", "1", key="k").status_code == 201
    assert move(client, bob, "deposit", "2", key="k").status_code == 201
    assert (balance(client, alice), balance(client, bob)) == ("1.00", "2.00")


@pytest.mark.security("S02")
@pytest.mark.parametrize("verb", ["deposit", "withdraw"])
def test_somebody_elses_account_is_answered_like_one_that_does_not_exist(
    client: FlaskClient, alice: Login, verb: str
) -> None:
    bob = new_customer(client, "bob")
    move(client, bob, "deposit", "5.00")
    theirs = move(client, alice, verb, "1", account=account_of(client, bob))
    nobodys = move(client, alice, verb, "1", account=new_account_number())
    assert theirs.status_code == nobodys.status_code == 404
    assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
    assert balance(client, bob) == "5.00"


@pytest.mark.security("S45", "S46")
@pytest.mark.parametrize("account", ["cash-USD", "cash-USD#00", "123", {"$gt": ""}, ["x"], "' OR 1=1"])
def test_what_is_no_account_number_is_refused(client: FlaskClient, alice: Login, account: Any) -> None:
    answer = move(client, alice, "deposit", "1", account=account)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["account"])


@pytest.mark.security("S61")
@pytest.mark.parametrize(
    ("status", "verb", "code"),
    [
        (AccountStatus.FROZEN_DEBITS, "withdraw", "account_frozen"),
        (AccountStatus.FROZEN, "deposit", "account_frozen"),
        (AccountStatus.FROZEN, "withdraw", "account_frozen"),
    ],
)
def test_a_frozen_account_is_refused_by_name(
    client: FlaskClient, alice: Login, store: Store, status: AccountStatus, verb: str, code: str
) -> None:
    move(client, alice, "deposit", "5.00")
    store.journal.post(status_change(account_of(client, alice), status))
    answer = move(client, alice, verb, "1")
    assert (answer.status_code, answer.json["code"]) == (409, code)
    assert balance(client, alice) == "5.00"


@pytest.mark.security("S61")
def test_a_closed_account_is_refused_by_name(client: FlaskClient, alice: Login, store: Store) -> None:
    number = account_of(client, alice)
    store.journal.post(closing(number))
    refused = client.post("/deposit", json={"amount": "1", "account": number}, headers=alice.headers)
    assert (refused.status_code, refused.json["code"]) == (409, "account_closed")


def test_a_banker_pays_in_and_out_at_the_counter_and_is_recorded(
    client: FlaskClient, store: Store, alice: Login
) -> None:
    banker = new_staff(client, store, "banker", Role.BANKER)
    number = account_of(client, alice)
    paid_in = client.post(f"/banker/accounts/{number}/deposit", json={"amount": "50"}, headers=banker.headers)
    paid_out = client.post(f"/banker/accounts/{number}/withdraw", json={"amount": "20"}, headers=banker.headers)
    assert (paid_in.status_code, paid_out.status_code) == (201, 201)
    assert balance(client, alice) == "30.00"
    whole = client.get(f"/banker/transactions/{paid_in.json['transaction_id']}", headers=banker.headers).json
    me = client.get("/auth/me", headers=banker.headers).json
    assert (whole["initiated_by"], whole["channel"]) == (me["id"], "counter")


def test_a_bankers_key_is_bound_to_the_account_in_the_path(client: FlaskClient, store: Store, alice: Login) -> None:
    banker = new_staff(client, store, "banker", Role.BANKER)
    numbers = [account_of(client, alice), account_of(client, new_customer(client, "bob"))]
    headers = banker.headers | {"Idempotency-Key": "k"}
    answers = [client.post(f"/banker/accounts/{n}/deposit", json={"amount": "50"}, headers=headers) for n in numbers]
    assert [answer.status_code for answer in answers] == [201, 422]
    assert answers[1].json["code"] == "idempotency_mismatch"


@pytest.mark.parametrize("number", ["cash-USD", "cash-USD%2300", "1", "000000000000"])
def test_a_banker_finds_no_account_of_the_banks_own_and_none_that_is_not_there(
    client: FlaskClient, store: Store, number: str
) -> None:
    banker = new_staff(client, store, "banker", Role.BANKER)
    answer = client.post(f"/banker/accounts/{number}/deposit", json={"amount": "50"}, headers=banker.headers)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
