"""What staff ask for and decide leaves one record each, which names whoever did it and the other one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.approvals import account_of, asked_for, at_counter, decide
from tests.factories.users import Login, new_customer, new_staff
from tests.parallel import at_once


@pytest.fixture
def number(client: FlaskClient) -> str:
    return account_of(client, new_customer(client, "alice"))


@pytest.fixture
def maker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "boris", Role.BANKER)


def trail(store: Store) -> list[dict[str, Any]]:
    """Return the records about money and policies, oldest first."""
    about = {"action": {"$regex": r"^(money\.|staff\.policy_change)"}}
    return list(store.database["audit"].find(about).sort("_id"))


def user_id(client: FlaskClient, login: Login) -> str:
    return str(client.get("/auth/me", headers=login.headers).json["id"])


def test_a_request_and_its_approval_leave_a_record_each(
    client: FlaskClient, app: Flask, store: Store, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number, key="k")
    at_counter(client, maker, number, key="k")
    at_once(6, lambda _: decide(app.test_client(), checker, approval))
    asked, done = trail(store)
    assert [each["action"] for each in (asked, done)] == ["money.counter_deposit.ask", "money.counter_deposit"]
    assert [each["subject"] for each in (asked, done)] == 2 * [f"account:{number}"]
    assert (asked["user_id"], done["user_id"]) == (user_id(client, maker), user_id(client, checker))
    assert (done["after"]["requested_by"], done["after"]["approval"]) == (asked["user_id"], approval)
    assert done["after"]["amount"] == "10000.00"


def test_a_rejection_and_a_failure_leave_a_record_each(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login
) -> None:
    decide(client, checker, asked_for(client, maker, number, verb="withdraw"), "reject", comment="No signature")
    decide(client, checker, asked_for(client, maker, number, verb="withdraw"))
    _, rejected, _, failed = trail(store)
    assert (rejected["action"], rejected["result"]) == ("money.counter_withdrawal.reject", "ok")
    assert rejected["after"]["comment"] == "No signature"
    assert (failed["action"], failed["result"]) == ("money.counter_withdrawal.approve", "insufficient_funds")


def test_a_change_of_policy_is_on_record_with_both_administrators(client: FlaskClient, store: Store) -> None:
    adam, ada = (new_staff(client, store, name, Role.ADMIN) for name in ("adam", "ada"))
    asked = client.put("/admin/policies/reversal", json={"rule": "never"}, headers=adam.headers)
    decide(client, ada, asked.json["id"])
    records = trail(store)
    assert [each["action"] for each in records] == ["staff.policy_change.ask", "staff.policy_change"]
    assert records[1]["subject"] == "policy:reversal"
    assert records[1]["user_id"] == user_id(client, ada)
    assert records[1]["after"]["requested_by"] == user_id(client, adam)
    assert records[1]["after"]["to"] == {"rule": "never", "thresholds": []}
