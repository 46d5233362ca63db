"""The customer's own record over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.clock import MovableClock
from tests.factories.customers import ADDRESS, customer_of, decide, with_version
from tests.factories.users import PASSWORD, Login, log_in, logged_in, new_customer, new_staff, register


@pytest.fixture
def carol(client: FlaskClient) -> Login:
    assert register(client, "carol", full_name="Carol Carter", email="carol@example.com").status_code == 201
    return logged_in(client, "carol")


def change(client: FlaskClient, login: Login, **body: Any) -> Any:
    """Let a customer change their own record as they just read it, and return the answer, whatever it is."""
    read = client.get("/me", headers=login.headers)
    return client.patch("/me", json=body, headers=with_version(login, read))


def test_a_customer_reads_their_own_record(client: FlaskClient, store: Store, carol: Login) -> None:
    me = client.get("/me", headers=carol.headers)
    assert (me.status_code, me.headers["ETag"]) == (200, '"1"')
    assert (me.json["full_name"], me.json["email"], me.json["phone"]) == ("Carol Carter", "carol@example.com", None)
    assert (me.json["status"], me.json["kyc_status"], me.json["kyc_rejection"]) == ("active", "pending", None)
    banker = new_staff(client, store, "bella", Role.BANKER)
    decide(client, banker, customer_of(client, banker, "carol"), "kyc/reject", "The passport has expired.")
    me = client.get("/me", headers=carol.headers).json
    assert (me["kyc_status"], me["kyc_rejection"]) == ("rejected", "The passport has expired.")


def test_a_postal_address_is_changed_without_the_password(client: FlaskClient, carol: Login) -> None:
    changed = change(client, carol, address=ADDRESS)
    assert (changed.status_code, changed.json["address"]["line1"]) == (200, "12 Harbour Street")
    assert changed.headers["ETag"] == '"2"'
    assert client.get("/me", headers=carol.headers).json == changed.json
    assert change(client, carol, address=None).json["address"] is None


@pytest.mark.security("S35")
@pytest.mark.parametrize("fact", [{"email": "new@example.com"}, {"phone": "+1 202 555 0143"}, {"email": None}])
def test_e_mail_and_phone_need_the_current_password(client: FlaskClient, carol: Login, fact: dict[str, Any]) -> None:
    before = client.get("/me", headers=carol.headers).json
    without = change(client, carol, **fact)
    assert (without.status_code, list(without.json["errors"])) == (422, ["current_password"])
    wrong = change(client, carol, **fact, current_password="not this one")
    assert (wrong.status_code, wrong.json["code"]) == (401, "invalid_credentials")
    assert client.get("/me", headers=carol.headers).json == before
    right = change(client, carol, **fact, current_password=PASSWORD)
    (name,) = fact
    assert right.status_code == 200
    assert right.json[name] == {"phone": "+12025550143"}.get(name, fact[name])


@pytest.mark.security("S35")
def test_wrong_passwords_here_lock_the_login_as_well(app_with: Callable[..., Flask], clock: MovableClock) -> None:
    client = app_with(login_failures_max=3, login_lockout_minutes=10).test_client()
    carol = new_customer(client, "carol")
    for _ in range(3):
        wrong = change(client, carol, phone=None, current_password="not this one")
        assert wrong.json["code"] == "invalid_credentials"
    locked = change(client, carol, phone=None, current_password=PASSWORD)
    assert (locked.status_code, locked.json["code"]) == (429, "login_locked")
    assert log_in(client, "carol").json["code"] == "login_locked"
    clock.forward(timedelta(minutes=11))
    assert change(client, carol, phone=None, current_password=PASSWORD).status_code == 200


@pytest.mark.security("S04")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", "Carol Cook"), ("date_of_birth", "1990-05-17"), ("nationality", "DE"), ("status", "active"),
        ("kyc_status", "verified"), ("number", "C000000000000"), ("version", 1), ("role", "admin"), ("id", "x"),
        ("email", {"$gt": ""}), ("phone", ["+12025550143"]), ("address", {"line1": "x"}), ("address", "x"),
        ("address", {**ADDRESS, "country": "XX"}), ("current_password", None), ("current_password", {"$ne": None}),
    ],
)  # fmt: skip
def test_nothing_else_about_oneself_can_be_changed(client: FlaskClient, carol: Login, field: str, value: Any) -> None:
    before = client.get("/me", headers=carol.headers).json
    answer = change(client, carol, **{"current_password": PASSWORD, field: value})
    assert answer.status_code == 422
    assert {name.partition(".")[0] for name in answer.json["errors"]} == {field}
    assert client.get("/me", headers=carol.headers).json == before


def test_a_change_names_the_version_that_was_read(client: FlaskClient, carol: Login) -> None:
    body = {"address": ADDRESS}
    assert client.patch("/me", json=body, headers=carol.headers).json["code"] == "precondition_required"
    read = client.get("/me", headers=carol.headers)
    assert client.patch("/me", json=body, headers=with_version(carol, read)).status_code == 200
    again = client.patch("/me", json=body, headers=with_version(carol, read))
    assert (again.status_code, again.json["code"]) == (412, "precondition_failed")


def test_who_is_suspended_reads_their_record_and_leaves_it_as_it_is(
    client: FlaskClient, store: Store, carol: Login
) -> None:
    banker = new_staff(client, store, "bella", Role.BANKER)
    decide(client, banker, customer_of(client, banker, "carol"), "suspend")
    for fact in ({"address": ADDRESS}, {"email": "new@example.com", "current_password": PASSWORD}):
        answer = change(client, carol, **fact)
        assert (answer.status_code, answer.json["code"]) == (409, "state_conflict")
    decide(client, banker, customer_of(client, banker, "carol"), "reactivate")
    assert change(client, carol, address=ADDRESS).status_code == 200


def test_one_customers_change_touches_no_other(client: FlaskClient, carol: Login) -> None:
    dora = new_customer(client, "dora")
    change(client, carol, address=ADDRESS)
    assert client.get("/me", headers=dora.headers).json["address"] is None
