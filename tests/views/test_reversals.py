"""Undoing a transaction over HTTP: by two people, once, with opposite postings."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.approvals import LARGE, account_of, approval_of, at_counter, decide, outcome
from tests.factories.ledger import hold
from tests.factories.users import Login, new_customer, new_staff
from tests.parallel import at_once


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    return new_customer(client, "alice")


@pytest.fixture
def number(client: FlaskClient, alice: Login) -> str:
    return account_of(client, alice)


@pytest.fixture
def maker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "boris", Role.BANKER)


def paid(client: FlaskClient, login: Login, number: str, amount: str = "100.00", verb: str = "deposit") -> str:
    """Pay in or out at the counter and return the transaction's id."""
    answer = at_counter(client, login, number, amount, verb=verb)
    assert answer.status_code == 201, answer.text
    return str(answer.json["transaction_id"])


def reverse(
    client: FlaskClient, login: Login, transaction: str, *, key: str | None = None, **body: Any
) -> TestResponse:
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(
        f"/banker/transactions/{transaction}/reversal", json={"reason": "A mistake", **body}, headers=headers
    )


def whole(client: FlaskClient, login: Login, transaction: str) -> dict[str, Any]:
    return dict(client.get(f"/banker/transactions/{transaction}", headers=login.headers).json)


def balance(client: FlaskClient, login: Login) -> str:
    return str(client.get("/balance", headers=login.headers).json["balance"])


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_a_reversal_is_approved_then_posted_and_the_two_transactions_name_each_other(
    client: FlaskClient, store: Store, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    original = paid(client, maker, number)
    asked = reverse(client, maker, original)
    assert asked.status_code == 202
    assert asked.json["payload"] == {
        "transaction": original,
        "account": number,
        "holders": [None],
        "legs": [
            {"account": "cash-USD", "holders": [], "amount": "100.00", "currency": "USD"},
            {"account": number, "holders": [None], "amount": "-100.00", "currency": "USD"},
        ],
        "reason": "A mistake",
        "force": False,
    }
    assert balance(client, alice) == "100.00"
    done = decide(client, checker, asked.json["id"]).json
    reversal = whole(client, maker, done["transaction_id"])
    assert (reversal["type"], reversal["reverses"], reversal["description"]) == ("reversal", original, "A mistake")
    assert (reversal["approval"], reversal["forced_by"]) == (done["id"], None)
    assert whole(client, maker, original)["reversed_by"] == reversal["id"]
    assert balance(client, alice) == "0.00"
    assert is_sound(store)


def test_however_often_and_by_whomever_it_is_asked_for_it_happens_once(
    client: FlaskClient, store: Store, app: Flask, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    original = paid(client, maker, number)
    paid(client, maker, number)
    third = new_staff(client, store, "bruno", Role.BANKER)
    approvals = [reverse(client, maker, original, key=f"k{i}").json["id"] for i in range(4)]
    approvals += [reverse(client, checker, original, key=f"k{i}").json["id"] for i in range(4)]
    answers = at_once(8, lambda i: decide(app.test_client(), third, approvals[i]))
    assert {answer.status_code for answer in answers} == {200}
    ends = sorted((answer.json["status"], answer.json["failure"]) for answer in answers if answer.json["failure"])
    assert ends == 7 * [("failed", "already_reversed")]
    assert balance(client, alice) == "100.00"
    assert is_sound(store)


def test_what_is_reversed_already_is_not_asked_for_again_but_a_repeated_request_is_answered(
    client: FlaskClient, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    original = paid(client, maker, number)
    asked = reverse(client, maker, original, key="k")
    done = decide(client, checker, asked.json["id"]).json
    for key, login in (("other", maker), (None, maker), ("k", checker)):
        assert outcome(reverse(client, login, original, key=key)) == (409, "already_reversed")
    assert outcome(reverse(client, maker, done["transaction_id"])) == (409, "not_reversible")
    again = reverse(client, maker, original, key="k")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert (again.json["id"], again.json["status"]) == (asked.json["id"], "executed")
    assert outcome(reverse(client, maker, original, key="k", reason="Another")) == (422, "idempotency_mismatch")
    assert len(client.get("/banker/approvals", headers=maker.headers).json["items"]) == 1


def test_what_a_list_shows_as_id_is_reversed_by_it(
    client: FlaskClient, alice: Login, number: str, maker: Login
) -> None:
    original = paid(client, maker, number)
    line = client.get("/banker/transactions", headers=maker.headers).json["items"][0]["id"]
    asked = reverse(client, maker, line, key="k")
    assert (asked.status_code, asked.json["payload"]["transaction"]) == (202, original)
    assert reverse(client, maker, original, key="k").json == asked.json


def test_nothing_is_asked_for_on_a_closed_account(
    client: FlaskClient, store: Store, alice: Login, number: str, maker: Login
) -> None:
    original = paid(client, maker, number)
    paid(client, maker, number, verb="withdraw")
    adjustment = {"account": number, "amount": "5", "direction": "credit", "reason": "x"}
    headers = maker.headers | {"Idempotency-Key": "before"}
    assert client.post("/banker/adjustments", json=adjustment, headers=headers).status_code == 202
    assert client.post(f"/accounts/{number}/close", headers=alice.headers).status_code == 200
    assert outcome(reverse(client, maker, original)) == (409, "account_closed")
    for path, body in (
        ("adjustments", adjustment),
        (f"accounts/{number}/limits", {"withdrawal": "10"}),
        (f"accounts/{number}/deposit", {"amount": LARGE}),
        (f"accounts/{number}/withdraw", {"amount": LARGE}),
    ):
        assert outcome(client.post(f"/banker/{path}", json=body, headers=maker.headers)) == (409, "account_closed")
    again = client.post("/banker/adjustments", json=adjustment, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")


def test_what_is_spent_is_not_taken_back_unless_forced_and_then_the_transaction_names_its_approval(
    client: FlaskClient, store: Store, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    original = paid(client, maker, number)
    paid(client, maker, number, "60.00", "withdraw")
    refused = decide(client, checker, reverse(client, maker, original).json["id"]).json
    assert (refused["status"], refused["failure"]) == ("failed", "insufficient_funds")
    forced = decide(client, checker, reverse(client, maker, original, force=True).json["id"]).json
    assert whole(client, maker, forced["transaction_id"])["forced_by"] == forced["id"]
    assert balance(client, alice) == "-60.00"
    assert is_sound(store)


@pytest.mark.security("S08")
def test_force_asks_for_a_second_person_whatever_the_policy_says(
    client: FlaskClient, store: Store, alice: Login, number: str, maker: Login
) -> None:
    admins = [new_staff(client, store, name, Role.ADMIN) for name in ("adam", "ada")]
    asked = client.put("/admin/policies/reversal", json={"rule": "never"}, headers=admins[0].headers)
    decide(client, admins[1], asked.json["id"])
    original, other = paid(client, maker, number), paid(client, maker, number)
    answer = reverse(client, maker, original, force=False, key="k")
    assert (answer.status_code, answer.json["reverses"], answer.json["approval"]) == (201, original, None)
    assert reverse(client, maker, original, key="k").headers["Idempotent-Replayed"] == "true"
    assert outcome(reverse(client, maker, original)) == (409, "already_reversed")
    assert reverse(client, maker, other, force=True).status_code == 202
    assert balance(client, alice) == "100.00"


def test_reversals_and_what_moved_no_money_are_not_reversed(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login
) -> None:
    original = paid(client, maker, number)
    done = decide(client, checker, reverse(client, maker, original).json["id"]).json
    paid(client, maker, number)
    held = store.journal.post(hold(number, 10)).transaction.id
    for transaction in (done["transaction_id"], held):
        assert outcome(reverse(client, maker, transaction)) == (409, "not_reversible")
    for nothing in ("nothing", f"{original[:-1]}x", "%24ne"):
        assert outcome(reverse(client, maker, nothing)) == (404, "not_found")


def test_the_asking_is_on_record_and_is_not_reversible_itself(
    client: FlaskClient, store: Store, number: str, maker: Login
) -> None:
    asked = reverse(client, maker, paid(client, maker, number)).json
    request = store.database["approvals"].find_one({"_id": asked["id"]})["request_id"]
    shown = whole(client, maker, request)
    assert (shown["type"], shown["approval"], shown["legs"]) == ("approval_request", asked["id"], [])
    assert outcome(reverse(client, maker, request)) == (409, "not_reversible")


@pytest.mark.parametrize(
    "body",
    [
        {"reason": ""},
        {"reason": None},
        {"reason": {"$gt": ""}},
        {"reason": "x" * 141},
        {"force": "true"},
        {"force": 1},
        {"force": None},
        {"amount": "1"},
        {"forced_by": "me"},
    ],
)
def test_a_reversal_of_another_shape_is_refused(
    client: FlaskClient, number: str, maker: Login, body: dict[str, Any]
) -> None:
    assert outcome(reverse(client, maker, paid(client, maker, number), **body)) == (422, "validation_failed")


def test_a_repeated_request_leads_to_one_approval_and_another_under_its_key_to_none(
    client: FlaskClient, number: str, maker: Login
) -> None:
    original, other = paid(client, maker, number), paid(client, maker, number)
    first = reverse(client, maker, original, key="k")
    assert reverse(client, maker, original, key="k").json == first.json
    assert outcome(reverse(client, maker, other, key="k")) == (422, "idempotency_mismatch")
    assert outcome(reverse(client, maker, original, key="k", force=True)) == (422, "idempotency_mismatch")
    assert outcome(at_counter(client, maker, number, "5", key="k")) == (422, "idempotency_mismatch")
    assert approval_of(client, maker, first.json["id"])["status"] == "pending"
