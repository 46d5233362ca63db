"""When a second person is asked: sensible from the start, and never for one administrator alone to change."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.controllers import staff
from app.domain.actor import Role
from app.models.store import Store
from tests.factories.approvals import account_of, approval_of, at_counter, decide, outcome
from tests.factories.users import Login, logged_in, new_customer, new_staff
from tests.parallel import at_once

NEVER = {"rule": "never"}


@pytest.fixture
def adam(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "adam", Role.ADMIN)


@pytest.fixture
def ada(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "ada", Role.ADMIN)


def change(
    client: FlaskClient, login: Login, body: Any, operation: str = "counter_deposit", *, key: str | None = None
) -> TestResponse:
    headers = login.headers | ({"Idempotency-Key": key} if key else {})
    return client.put(f"/admin/policies/{operation}", json=body, headers=headers)


def policies(client: FlaskClient, login: Login) -> dict[str, Any]:
    items = client.get("/admin/policies", headers=login.headers).json["items"]
    return {each.pop("operation"): each for each in items}


def changed(client: FlaskClient, maker: Login, checker: Login, body: Any, operation: str = "counter_deposit") -> None:
    """Change a policy, both administrators agreeing."""
    answer = change(client, maker, body, operation)
    assert answer.status_code == 202, answer.text
    assert outcome(decide(client, checker, answer.json["id"])) == (200, "executed")


@pytest.mark.security("S08")
def test_from_the_start_large_amounts_and_whatever_changes_the_rules_need_a_second_person(
    client: FlaskClient, adam: Login
) -> None:
    large = {"rule": "at_or_above", "thresholds": [{"amount": "10000.00", "currency": "USD"}]}
    always = {"rule": "always", "thresholds": []}
    cash = ("counter_deposit", "counter_withdrawal", "account_opening")
    by_amount = (*cash, "banker_transfer", "bulk_posting", "hold_capture")
    found = policies(client, adam)
    assert {name: found.pop(name) for name in by_amount} == dict.fromkeys(by_amount, large)
    assert set(found) >= {"reversal", "adjustment", "overdraft_change", "limits_change", "holders_change"}
    assert set(found) >= {"fx_rate_change", "staff_role_change"}
    assert all(policy == always for policy in found.values())


def test_a_policy_counts_once_another_administrator_has_approved_it(
    client: FlaskClient, adam: Login, ada: Login
) -> None:
    number = account_of(client, new_customer(client))
    answer = change(client, adam, NEVER)
    assert answer.json["payload"] == {
        "operation": "counter_deposit",
        "from": {"rule": "at_or_above", "thresholds": [{"amount": "10000.00", "currency": "USD"}]},
        "to": {"rule": "never", "thresholds": []},
    }
    assert at_counter(client, adam, number).status_code == 202
    assert outcome(decide(client, ada, answer.json["id"])) == (200, "executed")
    assert at_counter(client, adam, number).status_code == 201
    assert policies(client, adam)["counter_deposit"] == {"rule": "never", "thresholds": []}


def test_nobody_changes_a_policy_alone(client: FlaskClient, store: Store, adam: Login) -> None:
    approval = change(client, adam, NEVER).json["id"]
    assert outcome(decide(client, adam, approval)) == (403, "maker_is_checker")
    assert outcome(decide(client, logged_in(client, "adam"), approval)) == (403, "maker_is_checker")
    banker = new_staff(client, store, "bella", Role.BANKER)
    for verdict in ("approve", "reject"):
        assert outcome(decide(client, banker, approval, verdict)) == (403, "forbidden")
    assert approval_of(client, banker, approval)["status"] == "pending"


def test_an_administrator_demoted_meanwhile_neither_decides_nor_is_followed(
    client: FlaskClient, store: Store, adam: Login, ada: Login
) -> None:
    approval = change(client, adam, NEVER).json["id"]
    staff.set_role(store, "adam", Role.BANKER)
    assert outcome(decide(client, ada, approval)) == (409, "state_conflict")
    assert outcome(decide(client, logged_in(client, "adam"), approval)) == (403, "maker_is_checker")
    assert outcome(decide(client, ada, approval, "reject")) == (200, "rejected")


@pytest.mark.security("S08")
def test_thresholds_are_per_currency_and_a_currency_without_one_always_asks(
    client: FlaskClient, store: Store, adam: Login, ada: Login
) -> None:
    number = account_of(client, new_customer(client))
    changed(client, adam, ada, {"rule": "at_or_above", "thresholds": [{"amount": "500", "currency": "EUR"}]})
    assert at_counter(client, adam, number, "0.01").status_code == 202
    changed(
        client,
        adam,
        ada,
        {
            "rule": "at_or_above",
            "thresholds": [{"amount": "500", "currency": "EUR"}, {"amount": "50.00", "currency": "USD"}],
        },
    )
    assert at_counter(client, adam, number, "49.99").status_code == 201
    assert at_counter(client, adam, number, "50").status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rule": "sometimes"},
        {"rule": {"$gt": ""}},
        {"rule": "never", "thresholds": [{"amount": "1", "currency": "USD"}]},
        {"rule": "at_or_above"},
        {"rule": "at_or_above", "thresholds": []},
        {"rule": "at_or_above", "thresholds": [{"amount": "0", "currency": "USD"}]},
        {"rule": "at_or_above", "thresholds": [{"amount": "-5", "currency": "USD"}]},
        {"rule": "at_or_above", "thresholds": [{"amount": "1.001", "currency": "USD"}]},
        {"rule": "at_or_above", "thresholds": [{"amount": "1", "currency": "XXX!"}]},
        {"rule": "at_or_above", "thresholds": [{"amount": "1", "currency": "USD"}] * 2},
        {"rule": "at_or_above", "thresholds": None},
        {"rule": "never", "operation": "reversal"},
        {"rule": "never", "approved": True},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(client: FlaskClient, adam: Login, body: Any) -> None:
    assert outcome(change(client, adam, body)) == (422, "validation_failed")


def test_an_operation_without_an_amount_takes_no_threshold(client: FlaskClient, adam: Login) -> None:
    body = {"rule": "at_or_above", "thresholds": [{"amount": "1", "currency": "USD"}]}
    assert outcome(change(client, adam, body, "staff_role_change")) == (422, "validation_failed")


@pytest.mark.parametrize("operation", ["policy_change", "nothing", "$where", "counter_deposit "])
def test_only_operations_that_go_by_policy_have_one(client: FlaskClient, adam: Login, operation: str) -> None:
    assert outcome(change(client, adam, NEVER, operation)) == (404, "not_found")


def test_bankers_do_not_reach_the_policies(client: FlaskClient, store: Store) -> None:
    banker = new_staff(client, store, "bella", Role.BANKER)
    assert client.get("/admin/policies", headers=banker.headers).status_code == 403
    assert outcome(change(client, banker, NEVER)) == (403, "forbidden")


def test_a_change_asked_for_against_another_policy_than_the_present_one_fails(
    client: FlaskClient, adam: Login, ada: Login
) -> None:
    first, second = change(client, adam, NEVER).json["id"], change(client, adam, {"rule": "always"}).json["id"]
    assert outcome(decide(client, ada, second)) == (200, "executed")
    answer = decide(client, ada, first)
    assert (outcome(answer), answer.json["failure"]) == ((200, "failed"), "state_conflict")
    assert policies(client, adam)["counter_deposit"]["rule"] == "always"


def test_of_two_changes_approved_at_once_one_counts(client: FlaskClient, app: Any, adam: Login, ada: Login) -> None:
    for _ in range(3):
        now = policies(client, adam)["counter_deposit"]
        rules = [rule for rule in ("never", "always", "at_or_above") if rule != now["rule"]]
        usd = [{"amount": "1", "currency": "USD"}]
        asked = [
            change(client, adam, {"rule": rule, "thresholds": usd if rule == "at_or_above" else []}).json["id"]
            for rule in rules
        ]
        answers = at_once(2, lambda i, asked=asked: decide(app.test_client(), ada, asked[i]))
        assert sorted(answer.json["status"] for answer in answers) == ["executed", "failed"]


def test_a_repeated_request_for_a_policy_leads_to_the_same_approval(client: FlaskClient, adam: Login) -> None:
    first, again = change(client, adam, NEVER, key="k"), change(client, adam, NEVER, key="k")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert outcome(change(client, adam, {"rule": "always"}, key="k")) == (422, "idempotency_mismatch")


def test_a_request_made_under_a_stricter_policy_stays_an_approval(client: FlaskClient, adam: Login, ada: Login) -> None:
    number = account_of(client, new_customer(client))
    first = at_counter(client, adam, number, key="k")
    changed(client, adam, ada, NEVER)
    again = at_counter(client, adam, number, key="k")
    assert (again.status_code, again.json) == (202, first.json)
