"""Payees over HTTP: whose account a number is, told sparingly; and whom a customer has saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus, new_account_number
from app.domain.payees import PAYEES_MAX
from app.models.store import Store
from tests.factories.ledger import an_account
from tests.factories.people import Person, code_of, new_person
from tests.parallel import at_once


@pytest.fixture
def alice(app_with: Callable[..., Flask], store: Store) -> Person:
    return new_person(app_with(rate_limit_payees="6000/minute").test_client(), store, "alice", "Alice Archer")


@pytest.fixture
def bob(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "bob", "Bob Brown")


def check(person: Person, account: str) -> TestResponse:
    return person.get(f"/payees/check?account={account}")


def save(person: Person, account: Any, label: Any = "Rent") -> TestResponse:
    return person.post("/payees", {"account": account, "label": label})


def saved(person: Person) -> list[str]:
    return [payee["account"] for payee in person.get("/payees").json["items"]]


def change(person: Person, method: str, account: str, body: dict[str, Any] | None = None) -> TestResponse:
    return person.client.open(f"/payees/{account}", method=method, json=body, headers=person.login.headers)


def test_a_check_tells_the_masked_name_and_the_currency_and_nothing_else(alice: Person, bob: Person) -> None:
    assert check(alice, bob.number).json == {"account": bob.number, "name": "B*** B***", "currency": "USD"}


def test_a_holder_whose_name_is_not_known_has_none(alice: Person, store: Store) -> None:
    assert check(alice, an_account(store)).json["name"] is None


def test_joint_holders_are_both_named(alice: Person, store: Store) -> None:
    joint = an_account(store, holders=("x", "y"), holder_names=("Carol Carter", "Dan Drake"))
    assert check(alice, joint).json["name"] == "C*** C*** & D*** D***"


def test_a_number_that_nobody_has_is_an_unknown_payee(alice: Person) -> None:
    assert code_of(check(alice, new_account_number())) == (404, "unknown_payee")


def test_a_closed_account_is_said_to_be_so(alice: Person, store: Store) -> None:
    closed = an_account(store, status=AccountStatus.CLOSED)
    assert code_of(check(alice, closed)) == code_of(save(alice, closed)) == (409, "account_closed")


@pytest.mark.parametrize("query", ["", "account=1", "account=cash-USD", "account[$ne]=1", "account=1&account=2"])
def test_a_check_asks_for_one_account_number(alice: Person, query: str) -> None:
    assert code_of(alice.get(f"/payees/check?{query}")) == (422, "validation_failed")


def test_checks_are_counted_per_customer_from_whatever_address_and_tell_nothing_beyond(
    app_with: Callable[..., Flask], alice: Person, bob: Person
) -> None:
    strict = app_with(rate_limit_payees="3/hour", proxy_count=1)
    known, unknown = bob.number, new_account_number()
    answers = [
        strict.test_client().get(
            f"/payees/check?account={number}", headers=alice.login.headers | {"X-Forwarded-For": f"10.0.0.{step}"}
        )
        for step, number in enumerate([known, unknown, known, unknown, known])
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 429, 429]
    assert {**answers[3].json, "request_id": ""} == {**answers[4].json, "request_id": ""}
    assert code_of(save(alice.on(strict.test_client()), known)) == (429, "rate_limited")
    assert check(bob.on(strict.test_client()), alice.number).status_code == 200


def test_of_many_checks_at_once_no_more_than_allowed_are_answered(
    app_with: Callable[..., Flask], alice: Person, bob: Person
) -> None:
    apps = [app_with(rate_limit_payees="5/hour") for _ in range(2)]
    answers = at_once(30, lambda number: check(alice.on(apps[number % 2].test_client()), bob.number).status_code)
    assert (answers.count(200), answers.count(429)) == (5, 25)


def test_a_saved_payee_is_paid_even_by_who_has_asked_too_often(
    app_with: Callable[..., Flask], alice: Person, bob: Person
) -> None:
    strict = alice.on(app_with(rate_limit_payees="1/hour").test_client())
    assert save(strict, bob.number).status_code == 201
    assert code_of(check(strict, bob.number)) == (429, "rate_limited")
    assert code_of(strict.send(bob.number, "1")) == (409, "insufficient_funds")
    assert code_of(strict.send(new_account_number(), "1")) == (429, "rate_limited")


def test_a_payee_is_saved_listed_renamed_and_removed(alice: Person, bob: Person) -> None:
    made = save(alice, bob.number)
    assert made.status_code == 201
    assert made.json == {
        "account": bob.number,
        "name": "B*** B***",
        "currency": "USD",
        "label": "Rent",
        "trusted": False,
        "created_at": made.json["created_at"],
    }
    assert alice.get("/payees").json == {"items": [made.json], "next_cursor": None}
    renamed = change(alice, "PATCH", bob.number, {"label": "Bob, rent"})
    assert (renamed.status_code, renamed.json) == (200, {**made.json, "label": "Bob, rent"})
    assert change(alice, "DELETE", bob.number).status_code == 204
    assert saved(alice) == []
    assert code_of(change(alice, "DELETE", bob.number)) == (404, "not_found")
    assert code_of(change(alice, "PATCH", bob.number, {"label": "x"})) == (404, "not_found")


def test_an_account_is_saved_once(alice: Person, bob: Person) -> None:
    assert save(alice, bob.number).status_code == 201
    assert code_of(save(alice, bob.number, "again")) == (409, "payee_exists")
    assert saved(alice) == [bob.number]


def test_of_many_who_save_one_account_at_once_one_does(alice: Person, bob: Person) -> None:
    answers = at_once(20, lambda _: save(alice.on(alice.client.application.test_client()), bob.number).status_code)
    assert (answers.count(201), answers.count(409)) == (1, 19)
    assert saved(alice) == [bob.number]


def test_payees_are_bounded_however_many_are_saved_at_once(alice: Person, store: Store) -> None:
    numbers = [an_account(store) for _ in range(PAYEES_MAX + 10)]
    for number in numbers[: PAYEES_MAX - 10]:
        store.payees.add(alice.id, number, "x", now=store.clock.now())
    last = numbers[PAYEES_MAX - 10 :]
    answers = at_once(20, lambda place: save(alice.on(alice.client.application.test_client()), last[place]))
    refused = [code_of(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "too_many_payees")] * 10
    assert len(saved(alice)) == PAYEES_MAX
    assert change(alice, "DELETE", numbers[0]).status_code == 204
    assert code_of(save(alice, numbers[1])) == (409, "payee_exists")


def test_own_accounts_are_no_payees(alice: Person, store: Store) -> None:
    joint = an_account(store, holders=("somebody", alice.id))
    assert code_of(save(alice, alice.number)) == code_of(save(alice, joint)) == (422, "own_account")
    assert saved(alice) == []


def test_an_account_that_nobody_has_is_not_saved(alice: Person) -> None:
    assert code_of(save(alice, new_account_number())) == (404, "unknown_payee")


def test_payees_are_each_customers_own(alice: Person, bob: Person, store: Store) -> None:
    number = an_account(store)
    save(alice, number)
    assert saved(bob) == []
    for method, body in (("PATCH", {"label": "mine"}), ("DELETE", None)):
        theirs, nobodys = (change(bob, method, each, body) for each in (number, new_account_number()))
        assert code_of(theirs) == (404, "not_found")
        assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
    assert alice.get("/payees").json["items"][0]["label"] == "Rent"


@pytest.mark.parametrize("field", ["account", "label"])
@pytest.mark.parametrize("value", [None, 5, {"$gt": ""}, ["x"], "", "a\nb", "x" * 61, "\u202eabc"])
def test_a_payee_of_the_wrong_shape_is_refused(alice: Person, bob: Person, field: str, value: Any) -> None:
    answer = alice.post("/payees", {"account": bob.number, "label": "x", field: value})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert saved(alice) == []


@pytest.mark.parametrize("field", ["trusted", "name", "currency", "customer_id"])
def test_nobody_makes_a_payee_trusted_by_saying_so(alice: Person, bob: Person, field: str) -> None:
    answer = alice.post("/payees", {"account": bob.number, "label": "x", field: True})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    save(alice, bob.number)
    assert change(alice, "PATCH", bob.number, {"label": "x", field: True}).status_code == 422
    assert alice.get("/payees").json["items"][0]["trusted"] is False
