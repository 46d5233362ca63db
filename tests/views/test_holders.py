"""Joint accounts: who joins and leaves, who may move the money, and who is told to have done it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.accounts import new_account_number
from app.domain.operations.base import OperationName
from app.models.store import Store
from tests.factories.accounts import Bank, numbers_of
from tests.factories.approvals import without_second_person
from tests.factories.customers import decide, new_person
from tests.parallel import at_once


@pytest.fixture
def bank(client: FlaskClient, store: Store) -> Bank:
    found = Bank.staffed(client, store)
    found.offer()
    without_second_person(store, OperationName.HOLDERS_CHANGE)
    return found


def join(bank: Bank, number: str, customer_id: str) -> Any:
    return bank.act(number, "holders", customer=customer_id)


def leave(bank: Bank, number: str, customer_id: str) -> Any:
    return bank.client.delete(f"/banker/accounts/{number}/holders/{customer_id}", headers=bank.banker.headers)


def holders_of(bank: Bank, number: str) -> list[str]:
    answer = bank.client.get(f"/banker/accounts/{number}/holders", headers=bank.banker.headers)
    return [holder["id"] for holder in answer.json["items"]]


def test_whoever_joins_sees_and_moves_the_money_and_is_told_to_have_done_it(
    client: FlaskClient, store: Store, bank: Bank
) -> None:
    (alice, first), (bob, second) = bank.verified("alice"), bank.verified("bob")
    number = numbers_of(client, alice)[0]
    client.post("/deposit", json={"amount": 50}, headers=alice.headers)
    assert client.get(f"/accounts/{number}", headers=bob.headers).status_code == 404
    joined = join(bank, number, second)
    assert (joined.status_code, [holder["username"] for holder in joined.json["items"]]) == (201, ["alice", "bob"])
    taken = client.post("/withdraw", json={"amount": 20, "account": number}, headers=bob.headers)
    assert taken.status_code == 201
    whole = client.get(f"/banker/transactions/{taken.json['transaction_id']}", headers=bank.banker.headers).json
    user = store.users.find_by_name("bob")
    assert user is not None
    assert whole["initiated_by"] == user.id
    assert client.get("/balance", headers=alice.headers).json["balance"] == "30.00"
    assert holders_of(bank, number) == [first, second]


def test_whoever_leaves_sees_and_moves_nothing_any_more(client: FlaskClient, store: Store, bank: Bank) -> None:
    (alice, first), (bob, second) = bank.verified("alice"), bank.verified("bob")
    number = numbers_of(client, alice)[0]
    join(bank, number, second)
    client.post(f"/accounts/{number}/primary", headers=bob.headers)
    assert leave(bank, number, second).status_code == 200
    assert client.get(f"/accounts/{number}", headers=bob.headers).status_code == 404
    body = {"amount": 1, "account": number}
    assert client.post("/deposit", json=body, headers=bob.headers).status_code == 404
    assert [each["primary"] for each in client.get("/accounts", headers=bob.headers).json["items"]] == [True]
    assert client.get("/balance", headers=bob.headers).json["account"] == numbers_of(client, bob)[0] != number
    assert leave(bank, number, second).status_code == 404
    assert holders_of(bank, number) == [first]


def test_whoever_has_left_is_told_nothing_but_that_the_account_is_none_of_theirs(
    client: FlaskClient, bank: Bank
) -> None:
    (alice, _), (bob, second) = bank.verified("alice"), bank.verified("bob")
    number = numbers_of(client, alice)[0]
    join(bank, number, second)
    known = {**bob.headers, "Idempotency-Key": "known"}
    body: dict[str, Any] = {"amount": 5, "account": number}
    assert client.post("/deposit", json=body, headers=known).status_code == 201
    assert client.post("/deposit", json=body, headers=known).headers["Idempotent-Replayed"] == "true"
    assert leave(bank, number, second).status_code == 200
    assert client.post("/deposit", json=body, headers=known).status_code == 404
    for path, body in (
        ("/deposit", {"amount": "0.001", "account": number}),
        ("/withdraw", {"amount": "0.001", "account": number}),
        ("/transfers", {"amount": 1, "from": number, "to": number}),
        ("/transfers", {"amount": 1, "from": number, "to": new_account_number()}),
        ("/transfers", {"amount": "0.001", "from": number, "to": numbers_of(client, bob)[0]}),
    ):
        refused = client.post(path, json=body, headers=bob.headers)
        assert (refused.status_code, refused.json["code"]) == (404, "not_found"), (path, body)


def test_somebody_always_holds_an_account(client: FlaskClient, bank: Bank) -> None:
    (alice, first), (_, second) = bank.verified("alice"), bank.verified("bob")
    number = numbers_of(client, alice)[0]
    join(bank, number, second)
    app = client.application
    asking = [Bank(app.test_client(), bank.banker, bank.admin) for _ in range(2)]
    answers = at_once(2, lambda which: leave(asking[which], number, (first, second)[which]))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(holders_of(bank, number)) == 1


def test_who_is_suspended_neither_joins_nor_leaves(client: FlaskClient, bank: Bank) -> None:
    (alice, _), (_, second) = bank.verified("alice"), bank.verified("bob")
    number = numbers_of(client, alice)[0]
    decide(client, bank.banker, second, "suspend")
    refused = join(bank, number, second)
    assert (refused.status_code, refused.json["code"]) == (409, "customer_not_active")
    decide(client, bank.banker, second, "reactivate")
    join(bank, number, second)
    decide(client, bank.banker, second, "suspend")
    refused = leave(bank, number, second)
    assert (refused.status_code, refused.json["code"]) == (409, "state_conflict")
    taken = client.post("/withdraw", json={"amount": 1}, headers=alice.headers)
    assert taken.json["code"] == "account_blocked"


def test_a_customer_who_is_suspended_while_they_join_moves_nothing(client: FlaskClient, bank: Bank) -> None:
    """Whichever comes first: either they don't join, or the account that they joined is blocked."""
    (alice, _), (bob, second) = bank.verified("alice"), bank.verified("bob")
    app = client.application
    number = numbers_of(client, alice)[0]
    client.post("/deposit", json={"amount": 50}, headers=alice.headers)
    asking = [Bank(app.test_client(), bank.banker, bank.admin) for _ in range(2)]

    def work(which: int) -> Any:
        if which:
            return join(asking[1], number, second)
        return decide(asking[0].client, bank.banker, second, "suspend")

    suspended, joined = at_once(2, work)
    assert suspended.status_code == 200
    assert joined.status_code in (201, 409)
    taken = client.post("/withdraw", json={"amount": 1, "account": number}, headers=bob.headers)
    assert (taken.status_code, taken.json["code"]) == (
        (409, "account_blocked") if joined.status_code == 201 else (404, "not_found")
    )


def test_nobody_joins_twice_or_without_being_a_customer(client: FlaskClient, bank: Bank) -> None:
    alice, first = bank.verified("alice")
    number = numbers_of(client, alice)[0]
    assert join(bank, number, first).json["code"] == "state_conflict"
    assert join(bank, number, "nobody").status_code == 404
    for body in ({}, {"customer": None}, {"customer": {"$gt": ""}}, {"customer": ""}, {"customer": "x", "role": "y"}):
        assert bank.act(number, "holders", **body).status_code == 422
    assert holders_of(bank, number) == [first]


def test_an_account_has_ten_holders_at_most(client: FlaskClient, bank: Bank) -> None:
    alice, _ = bank.verified("alice")
    number = numbers_of(client, alice)[0]
    people = [new_person(client, bank.banker)["id"] for _ in range(10)]
    statuses = [join(bank, number, person).status_code for person in people]
    assert statuses == [201] * 9 + [409]


def test_a_joint_account_counts_for_each_holder(
    app_with: Callable[..., Flask], client: FlaskClient, bank: Bank
) -> None:
    (alice, _), (_, second) = bank.verified("alice"), bank.verified("bob")
    small = Bank(app_with(accounts_per_customer_max=1).test_client(), bank.banker, bank.admin)
    refused = join(small, numbers_of(client, alice)[0], second)
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_accounts")


def test_a_closed_account_keeps_its_holders(client: FlaskClient, bank: Bank) -> None:
    (alice, first), (_, second) = bank.verified("alice"), bank.verified("bob")
    number = numbers_of(client, alice)[0]
    join(bank, number, second)
    bank.act(number, "close")
    for refused in (leave(bank, number, first), join(bank, number, new_person(client, bank.banker)["id"])):
        assert (refused.status_code, refused.json["code"]) == (409, "account_closed")
    for unknown in ("482915306750", "cash-USD"):
        assert join(bank, unknown, first).status_code == leave(bank, unknown, first).status_code == 404
