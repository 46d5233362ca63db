"""Registering with an invitation over HTTP: onto the customer that a banker has made, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.models.store import Store
from tests.answered import answered
from tests.factories.clock import MovableClock
from tests.factories.customers import customer_of, decide, new_person
from tests.factories.ledger import an_account
from tests.factories.users import Login, logged_in, new_customer, new_staff, register
from tests.parallel import at_once


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


def invite(client: FlaskClient, banker: Login, customer_id: str) -> Any:
    return client.post(f"/banker/customers/{customer_id}/invitation", headers=banker.headers)


def test_an_invited_person_gets_a_login_onto_the_record_that_is_there(
    client: FlaskClient, store: Store, banker: Login
) -> None:
    person = new_person(client, banker, "Carol Carter", email="carol@example.com", invite=True)
    registered = register(client, "carol", invitation=person["invitation"])
    assert registered.status_code == 201
    user = registered.json["user"]
    assert (user["full_name"], user["email"]) == ("Carol Carter", "carol@example.com")
    me = client.get("/me", headers=logged_in(client, "carol").headers).json
    assert me["number"] == person["number"]
    assert store.database["customers"].count_documents({}) == 1
    (account,) = store.accounts.list_owned(person["id"])
    assert registered.json["account"]["number"] == account.id
    assert (account.holder_names, account.primary_for) == (("Carol Carter",), (person["id"],))
    read = client.get(f"/banker/customers/{person['id']}", headers=banker.headers).json
    assert (read["username"], read["invited_until"]) == ("carol", None)


def test_an_account_that_they_have_is_theirs_at_once(client: FlaskClient, store: Store, banker: Login) -> None:
    person = new_person(client, banker, invite=True)
    number = an_account(store, balance=500, holders=(person["id"],), primary_for=(person["id"],))
    registered = register(client, "carol", invitation=person["invitation"])
    assert (registered.json["account"]["number"], registered.json["account"]["balance"]) == (number, "5.00")
    assert [account.id for account in store.accounts.list_owned(person["id"])] == [number]


def test_a_code_is_taken_however_it_is_typed_and_kept_as_a_digest_alone(
    client: FlaskClient, store: Store, banker: Login
) -> None:
    person = new_person(client, banker, invite=True)
    kept = str(store.database["customers"].find_one({"_id": person["id"]}))
    assert person["invitation"] not in kept
    assert person["invitation"].replace("-", "") not in kept
    assert "invitation" not in client.get(f"/banker/customers/{person['id']}", headers=banker.headers).json
    typed = person["invitation"].lower().replace("-", " ").replace("0", "o")
    assert register(client, "carol", invitation=typed).status_code == 201


def test_a_code_works_once(client: FlaskClient, banker: Login) -> None:
    code = new_person(client, banker, invite=True)["invitation"]
    assert register(client, "carol", invitation=code).status_code == 201
    again = register(client, "mallory", invitation=code)
    assert (again.status_code, again.json["code"]) == (409, "invitation_not_valid")


def test_of_fifty_who_use_one_code_at_once_one_gets_in(app_with: Callable[..., Flask], store: Store) -> None:
    apps = [app_with(hashing_queue_max=100, hashing_threads=4, threads=200) for _ in range(2)]
    client = apps[0].test_client()
    banker = new_staff(client, store, "bella", Role.BANKER)
    person = new_person(client, banker, invite=True)

    def use(number: int) -> TestResponse:
        client = apps[number % 2].test_client()
        return answered(lambda: register(client, f"carol{number}", invitation=person["invitation"]))

    answers = at_once(50, use)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"invitation_not_valid"}
    assert store.database["users"].count_documents({"role": "customer"}) == 1
    assert store.database["customers"].count_documents({}) == 1
    assert len(store.accounts.list_owned(person["id"])) == 1


def test_a_new_code_voids_the_one_before(client: FlaskClient, banker: Login) -> None:
    person = new_person(client, banker, invite=True)
    newer = invite(client, banker, person["id"])
    assert (newer.status_code, newer.json["invited_until"] is None) == (201, False)
    assert register(client, "carol", invitation=person["invitation"]).json["code"] == "invitation_not_valid"
    assert register(client, "carol", invitation=newer.json["invitation"]).status_code == 201


def test_a_code_expires(app_with: Callable[..., Flask], store: Store, clock: MovableClock) -> None:
    client = app_with(invitation_days=3).test_client()
    codes = [
        new_person(client, new_staff(client, store, name, Role.BANKER), invite=True)["invitation"]
        for name in ("bella", "bruno")
    ]
    clock.forward(timedelta(days=3, minutes=-1))
    assert register(client, "carol", invitation=codes[0]).status_code == 201
    clock.forward(timedelta(minutes=2))
    assert register(client, "dora", invitation=codes[1]).json["code"] == "invitation_not_valid"


def test_who_has_a_login_is_not_invited(client: FlaskClient, banker: Login) -> None:
    new_customer(client, "carol")
    answer = invite(client, banker, customer_of(client, banker, "carol"))
    assert (answer.status_code, answer.json["code"]) == (409, "state_conflict")


def test_a_suspended_person_is_neither_invited_nor_let_in_by_an_older_code(client: FlaskClient, banker: Login) -> None:
    person = new_person(client, banker, invite=True)
    decide(client, banker, person["id"], "suspend")
    assert invite(client, banker, person["id"]).json["code"] == "state_conflict"
    assert register(client, "carol", invitation=person["invitation"]).json["code"] == "invitation_not_valid"
    decide(client, banker, person["id"], "reactivate")
    assert register(client, "carol", invitation=person["invitation"]).json["code"] == "invitation_not_valid"


def test_a_failed_registration_does_not_use_the_code_up(client: FlaskClient, banker: Login) -> None:
    new_customer(client, "carol")
    code = new_person(client, banker, "Dora Dean", invite=True)["invitation"]
    assert register(client, "carol", invitation=code).json["code"] == "username_taken"
    assert register(client, "dora", "doradean1", invitation=code).json["errors"].keys() == {"password"}
    assert register(client, "dora", invitation=code).status_code == 201


@pytest.mark.parametrize("code", ["", "x" * 65, None, 5, {"$gt": ""}, ["x"], {"$exists": True}])
def test_what_is_no_code_is_refused(client: FlaskClient, code: Any) -> None:
    answer = client.post("/auth/register", json={"username": "carol", "password": "x" * 20, "invitation": code})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["invitation"])


@pytest.mark.parametrize("code", ["7K3MX-9QTD2-0V4WZ-H8R6C", "-", "é"])
def test_a_code_that_nobody_made_is_not_valid(client: FlaskClient, banker: Login, code: str) -> None:
    new_person(client, banker, invite=True)
    new_person(client, banker)
    assert register(client, "carol", invitation=code).json["code"] == "invitation_not_valid"


def test_who_is_invited_does_not_say_who_they_are(client: FlaskClient, banker: Login) -> None:
    code = new_person(client, banker, invite=True)["invitation"]
    answer = register(client, "carol", invitation=code, full_name="Mallory", email="mallory@example.com")
    assert (answer.status_code, sorted(answer.json["errors"])) == (422, ["email", "full_name"])
