"""Suspending a customer over HTTP: they log in and read, and nothing moves from the answer on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.controllers import customers
from app.domain.actor import Actor, Role
from app.domain.errors import BankError
from app.domain.ledger.intents import Open
from app.models.store import Store
from config import Config
from tests.factories.customers import ADDRESS, customer_of, customer_record, decide, new_person, with_version
from tests.factories.ledger import account_state, an_account, asked_by, withdrawal
from tests.factories.users import Login, log_in, new_customer, new_staff
from tests.parallel import at_once


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def carol(client: FlaskClient) -> Login:
    login = new_customer(client, "carol")
    assert client.post("/deposit", json={"amount": "100.00"}, headers=login.headers).status_code == 201
    return login


def move(client: FlaskClient, login: Login, verb: str, **options: Any) -> Any:
    headers: Mapping[str, str] = login.headers | options.pop("headers", {})
    return client.post(f"/{verb}", json={"amount": "1.00", **options}, headers=headers)


def balance(client: FlaskClient, login: Login) -> str:
    return str(client.get("/balance", headers=login.headers).json["balance"])


def test_a_suspended_customer_logs_in_and_reads_and_moves_nothing(
    client: FlaskClient, banker: Login, carol: Login
) -> None:
    suspended = decide(client, banker, customer_of(client, banker, "carol"), "suspend", "Card stolen.")
    assert (suspended.status_code, suspended.json["status"]) == (200, "suspended")
    assert log_in(client, "carol").status_code == 200
    for path in ("/me", "/balance", "/accounts", "/transactions", "/auth/me"):
        assert client.get(path, headers=carol.headers).status_code == 200
    assert client.get("/me", headers=carol.headers).json["status"] == "suspended"
    for verb in ("withdraw", "deposit"):
        answer = move(client, carol, verb)
        assert (answer.status_code, answer.json["code"]) == (409, "account_blocked")
    assert balance(client, carol) == "100.00"


def test_nobody_else_takes_money_from_a_suspended_customers_account_either(
    client: FlaskClient, store: Store, banker: Login, carol: Login
) -> None:
    decide(client, banker, customer_of(client, banker, "carol"), "suspend")
    (account,) = client.get("/accounts", headers=carol.headers).json["items"]
    path = f"/banker/accounts/{account['number']}/withdraw"
    assert client.post(path, json={"amount": 1}, headers=banker.headers).json["code"] == "account_blocked"
    with pytest.raises(BankError, match="blocked"):
        store.journal.post(withdrawal(account["number"], 100))
    assert balance(client, carol) == "100.00"


def test_reactivated_they_move_money_again(client: FlaskClient, banker: Login, carol: Login) -> None:
    customer_id = customer_of(client, banker, "carol")
    for _ in range(2):
        assert decide(client, banker, customer_id, "suspend").status_code == 200
        assert move(client, carol, "withdraw").status_code == 409
        assert decide(client, banker, customer_id, "reactivate").json["status"] == "active"
        assert move(client, carol, "withdraw").status_code == 201
    assert balance(client, carol) == "98.00"


def test_every_account_they_hold_is_blocked_a_joint_one_for_all_its_holders(
    client: FlaskClient, store: Store, banker: Login, carol: Login
) -> None:
    dora = new_customer(client, "dora")
    ids = [customer_of(client, banker, name) for name in ("carol", "dora")]
    joint = an_account(store, balance=5_00, holders=tuple(ids))
    own = an_account(store, balance=5_00, holders=(ids[0],))
    decide(client, banker, ids[0], "suspend")
    assert move(client, dora, "withdraw", account=joint).json["code"] == "account_blocked"
    assert move(client, carol, "withdraw", account=own).json["code"] == "account_blocked"
    assert move(client, dora, "deposit").status_code == 201
    decide(client, banker, ids[1], "suspend")
    decide(client, banker, ids[0], "reactivate")
    assert move(client, carol, "withdraw", account=joint).json["code"] == "account_blocked"
    assert move(client, carol, "withdraw", account=own).status_code == 201
    decide(client, banker, ids[1], "reactivate")
    assert move(client, carol, "withdraw", account=joint).status_code == 201


def test_what_a_key_did_before_the_suspension_is_answered_again_and_not_done_again(
    client: FlaskClient, banker: Login, carol: Login
) -> None:
    key = {"Idempotency-Key": "one"}
    first = move(client, carol, "withdraw", headers=key)
    decide(client, banker, customer_of(client, banker, "carol"), "suspend")
    again = move(client, carol, "withdraw", headers=key)
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")
    assert balance(client, carol) == "99.00"


def test_who_has_no_account_is_suspended_too(client: FlaskClient, banker: Login) -> None:
    customer_id = new_person(client, banker)["id"]
    assert decide(client, banker, customer_id, "suspend").json["status"] == "suspended"
    assert decide(client, banker, customer_id, "reactivate").json["status"] == "active"


def test_who_keeps_changing_their_record_does_not_put_their_suspension_off(
    client: FlaskClient, store: Store, banker: Login, carol: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that the suspension has read the record and goes on to the accounts, the record is changed."""
    customer_id, list_owned = customer_of(client, banker, "carol"), store.accounts.list_owned

    def change_and_list(owner: str, **options: Any) -> Any:
        read = client.get("/me", headers=carol.headers)
        assert client.patch("/me", json={"address": ADDRESS}, headers=with_version(carol, read)).status_code == 200
        return list_owned(owner, **options)

    monkeypatch.setattr(store.accounts, "list_owned", change_and_list)
    suspended = decide(client, banker, customer_id, "suspend")
    assert (suspended.status_code, suspended.json["status"]) == (200, "suspended")
    assert suspended.json["address"]["line1"] == ADDRESS["line1"]
    now = client.get(f"/banker/customers/{customer_id}", headers=banker.headers)
    assert (now.json, now.headers["ETag"]) == (suspended.json, suspended.headers["ETag"])


@pytest.mark.parametrize("round_", range(3))
def test_no_withdrawal_is_posted_once_the_suspension_was_answered(app_with: Callable[..., Flask], round_: int) -> None:
    """Two servers' stores on one database: one takes the withdrawals, the other suspends, and the other way round."""
    apps = [app_with(threads=200) for _ in range(2)]
    clients = [each.test_client() for each in apps]
    store: Store = apps[0].extensions["store"]
    banker, carol = new_staff(clients[0], store, "bella", Role.BANKER), new_customer(clients[0], "carol")
    move(clients[0], carol, "deposit", amount="1000.00")
    customer_id = customer_of(clients[0], banker, "carol")
    answered, begun = threading.Event(), threading.Barrier(11, timeout=10)
    late: list[int] = []

    def withdraw_until_suspended(number: int) -> None:
        own = apps[number % 2].test_client()
        begun.wait()
        while not answered.is_set():
            move(own, carol, "withdraw")
        late.append(move(own, carol, "withdraw").status_code)

    def suspend() -> None:
        begun.wait()
        try:
            move(clients[round_ % 2], carol, "withdraw")
            assert decide(clients[round_ % 2], banker, customer_id, "suspend").status_code == 200
        finally:
            answered.set()
        seen.append(balance(clients[0], carol))

    seen: list[str] = []
    at_once(11, lambda number: suspend() if number == 10 else withdraw_until_suspended(number))
    assert late == [409] * 10
    assert seen == [balance(clients[1], carol)]


def test_an_account_opened_while_its_holder_is_suspended_is_blocked_or_not_opened(config: Config, store: Store) -> None:
    """What opens an account relies on the customer's record, in the other store's transaction."""
    bella = Actor("bella", "bella", Role.BANKER, "session")
    other = Store.open(config)
    try:
        for _ in range(10):
            customer = customer_record()
            store.customers.insert(customer, session=None)
            an_account(store, balance=100, holders=(customer.id,))

            def open_another(customer_id: str = customer.id) -> str:
                known = other.customers.get(customer_id)
                another = account_state(holders=(customer_id,))
                opening = Open(account=another, **asked_by())
                try:
                    other.journal.post(opening, also=[other.customers.relied_upon(known)])
                except BankError as refused:
                    return refused.code
                return another.id

            def suspend(customer_id: str = customer.id) -> str:
                return str(customers.suspend(store, bella, customer_id, "x").customer.status)

            opened, status = at_once(2, lambda n, works=(open_another, suspend): works[n]())
            assert status == "suspended"
            accounts = store.accounts.list_owned(customer.id)
            assert [account.id for account in accounts if not account.blocked] == []
            assert opened == "state_conflict" or opened in [account.id for account in accounts]
    finally:
        other.close()
