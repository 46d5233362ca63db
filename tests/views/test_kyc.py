"""Knowing the customer: what the bank must have on record before it says so, and what makes it ask anew."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.domain.operations.base import OperationName
from app.models.store import Store
from tests.factories.accounts import Bank, open_own
from tests.factories.approvals import without_second_person
from tests.factories.customers import customer_of, decide, new_person, with_version
from tests.factories.users import Login, new_customer, new_staff, register

BORN = "1990-05-17"


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


def change(client: FlaskClient, banker: Login, customer_id: str, **facts: Any) -> TestResponse:
    path = f"/banker/customers/{customer_id}"
    headers = with_version(banker, client.get(path, headers=banker.headers))
    return client.patch(path, json=facts, headers=headers)


@pytest.mark.parametrize(
    ("facts", "missing"),
    [({}, ["date_of_birth", "full_name"]), ({"full_name": "Carol Carter"}, ["date_of_birth"]),
     ({"date_of_birth": BORN}, ["full_name"])],
)  # fmt: skip
def test_nobody_is_verified_without_a_full_name_and_a_date_of_birth(
    client: FlaskClient, banker: Login, facts: dict[str, str], missing: list[str]
) -> None:
    register(client, "carol")
    customer_id = customer_of(client, banker, "carol")
    if facts:
        assert change(client, banker, customer_id, **facts).status_code == 200
    path = f"/banker/customers/{customer_id}"
    before = client.get(path, headers=banker.headers)
    refused = decide(client, banker, customer_id, "kyc/verify")
    assert (refused.status_code, refused.json["code"]) == (409, "kyc_incomplete")
    assert sorted(refused.json["errors"]) == missing
    assert client.get(path, headers=banker.headers).json == before.json
    assert decide(client, banker, customer_id, "kyc/reject", "No passport.").status_code == 200
    change(client, banker, customer_id, full_name="Carol Carter", date_of_birth=BORN)
    assert decide(client, banker, customer_id, "kyc/verify").status_code == 200


@pytest.mark.parametrize(
    "facts", [{"full_name": "Carol Cooper"}, {"date_of_birth": "1991-05-17"}, {"nationality": "FR"}]
)
def test_a_verified_customer_who_becomes_another_on_record_is_to_be_verified_anew(
    client: FlaskClient, store: Store, banker: Login, facts: dict[str, str]
) -> None:
    customer_id = new_person(client, banker, date_of_birth=BORN, nationality="US")["id"]
    decide(client, banker, customer_id, "kyc/verify")
    changed = change(client, banker, customer_id, **facts)
    assert (changed.status_code, changed.json["kyc_status"], changed.json["kyc_decision"]) == (200, "pending", None)
    (record,) = store.database["audit"].find({"action": "staff.customer_change"})
    assert (record["before"]["kyc_status"], record["after"]["kyc_status"]) == ("verified", "pending")
    assert decide(client, banker, customer_id, "kyc/verify").json["kyc_status"] == "verified"


def test_what_does_not_say_who_somebody_is_leaves_them_verified(client: FlaskClient, banker: Login) -> None:
    customer_id = new_person(client, banker, date_of_birth=BORN, nationality="US")["id"]
    decide(client, banker, customer_id, "kyc/verify")
    same = {"full_name": "Carol Carter", "date_of_birth": BORN, "nationality": "US"}
    for facts in (same, {"email": "carol@example.com"}, {"phone": None}):
        changed = change(client, banker, customer_id, **facts)
        assert (changed.json["kyc_status"], changed.json["kyc_decision"]["reason"]) == ("verified", "As agreed.")


def test_a_rejected_customer_who_is_changed_stays_rejected(client: FlaskClient, banker: Login) -> None:
    customer_id = new_person(client, banker)["id"]
    decide(client, banker, customer_id, "kyc/reject", "No passport.")
    assert change(client, banker, customer_id, full_name="Carol Cooper").json["kyc_status"] == "rejected"


def test_who_is_to_be_verified_anew_opens_no_account_by_themselves(client: FlaskClient, store: Store) -> None:
    bank = Bank.staffed(client, store)
    bank.offer()
    alice, customer_id = bank.verified("alice")
    assert open_own(client, alice).status_code == 201
    change(client, bank.banker, customer_id, full_name="Somebody Else")
    assert client.get("/me", headers=alice.headers).json["kyc_status"] == "pending"
    refused = open_own(client, alice)
    assert (refused.status_code, refused.json["code"]) == (409, "kyc_required")


def test_a_joint_holder_may_be_added_before_they_are_verified(client: FlaskClient, store: Store) -> None:
    bank = Bank.staffed(client, store)
    alice = new_customer(client, "alice")
    new_customer(client, "bob")
    without_second_person(store, OperationName.HOLDERS_CHANGE)
    number = client.get("/accounts", headers=alice.headers).json["items"][0]["number"]
    assert bank.act(number, "holders", customer=customer_of(client, bank.banker, "bob")).status_code == 201
