"""Products: maintained by administrators, shown to those who may open them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.ledger import deposit
from tests.factories.users import Login, new_customer, new_staff


@pytest.fixture
def admin(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "adam", Role.ADMIN)


def new_product(client: FlaskClient, admin: Login, code: str = "SAVER", **facts: Any) -> Any:
    body = {"code": code, "name": "Everyday saver", "type": "savings", "currency": "USD", **facts}
    return client.post("/admin/products", json=body, headers=admin.headers)


def change(client: FlaskClient, admin: Login, tag: str, **facts: Any) -> Any:
    return client.patch("/admin/products/SAVER", json=facts, headers=admin.headers | {"If-Match": tag})


def codes(client: FlaskClient, who: Login, path: str) -> list[str]:
    return [product["code"] for product in client.get(path, headers=who.headers).json["items"]]


def test_a_new_product_has_no_terms_but_those_that_are_given(client: FlaskClient, admin: Login) -> None:
    made = new_product(client, admin)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.json["limits"] == dict.fromkeys(("withdrawal", "withdrawal_daily", "transfer", "transfer_daily"))
    assert (made.json["minimum_balance"], made.json["overdraft_max"]) == ("0.00", "0.00")
    assert (made.json["interest_rate"], made.json["fees"], made.json["self_service"]) == ("0", [], False)


def test_amounts_are_of_the_products_currency(client: FlaskClient, admin: Login) -> None:
    made = new_product(
        client, admin, currency="JPY", minimum_balance="500", overdraft_max=0, limits={"transfer_daily": 90_000},
        fees=[{"name": "Paper statement", "amount": 120}], interest_rate="-0.25",
    )  # fmt: skip
    assert (made.status_code, made.json["minimum_balance"], made.json["overdraft_max"]) == (201, "500", "0")
    assert made.json["limits"]["transfer_daily"] == "90000"
    assert made.json["fees"] == [{"name": "Paper statement", "amount": "120"}]
    for field, facts in {
        "minimum_balance": {"minimum_balance": "1.5"},
        "limits.transfer": {"limits": {"transfer": "1.5"}},
        "fees.0.amount": {"fees": [{"name": "x", "amount": "1.5"}]},
    }.items():
        refused = new_product(client, admin, "OTHER", currency="JPY", **facts)
        assert (refused.status_code, list(refused.json["errors"])) == (422, [field])


def test_a_product_in_a_new_currency_brings_the_banks_own_accounts(
    client: FlaskClient, store: Store, admin: Login
) -> None:
    assert store.database["accounts"].count_documents({"currency": "CHF"}) == 0
    new_product(client, admin, currency="CHF")
    assert store.accounts.missing_internal("CHF", now=store.clock.now()) == []


def test_a_change_keeps_what_it_does_not_name_and_the_accounts_that_are_there(
    client: FlaskClient, store: Store, admin: Login
) -> None:
    alice = new_customer(client)
    path = "/admin/products/CHECKING-USD"
    tag = client.get(path, headers=admin.headers).headers["ETag"]
    body = {"limits": {"withdrawal": "10.00", "transfer": "5"}, "minimum_balance": "1"}
    changed = client.patch(path, json=body, headers=admin.headers | {"If-Match": tag})
    assert changed.json["limits"]["withdrawal"] == "10.00"
    again = client.patch(
        path, json={"limits": {"transfer": None}}, headers=admin.headers | {"If-Match": changed.headers["ETag"]}
    )
    assert (again.json["limits"]["withdrawal"], again.json["limits"]["transfer"]) == ("10.00", None)
    assert again.json["minimum_balance"] == "1.00"
    bob = new_customer(client, "bob")
    for who, status in ((alice, 201), (bob, 409)):
        number = client.get("/accounts", headers=who.headers).json["items"][0]["number"]
        store.journal.post(deposit(number, 5_000))
        assert client.post("/withdraw", json={"amount": "20.00"}, headers=who.headers).status_code == status


def test_what_is_withdrawn_is_offered_no_more(client: FlaskClient, store: Store, admin: Login) -> None:
    alice, banker = new_customer(client), new_staff(client, store, "bella", Role.BANKER)
    new_product(client, admin, self_service=True)
    new_product(client, admin, "DESK")
    assert codes(client, alice, "/products") == ["CHECKING-USD", "SAVER"]
    assert codes(client, banker, "/banker/products") == ["CHECKING-USD", "DESK", "SAVER"]
    withdrawn = client.post("/admin/products/SAVER/withdraw", headers=admin.headers)
    assert (withdrawn.json["status"], withdrawn.headers["ETag"]) == ("withdrawn", '"2"')
    assert codes(client, alice, "/products") == ["CHECKING-USD"]
    assert codes(client, banker, "/banker/products") == ["CHECKING-USD", "DESK"]
    assert codes(client, admin, "/admin/products") == ["CHECKING-USD", "DESK", "SAVER"]
    again = client.post("/admin/products/SAVER/withdraw", headers=admin.headers)
    for refused in (again, change(client, admin, '"2"', name="x")):
        assert (refused.status_code, refused.json["code"]) == (409, "state_conflict")


def test_the_product_of_first_accounts_stays(client: FlaskClient, store: Store, admin: Login) -> None:
    refused = client.post("/admin/products/CHECKING-USD/withdraw", headers=admin.headers)
    assert (refused.status_code, refused.json["code"]) == (409, "state_conflict")
    store.database["products"].delete_many({})
    store.prepare()
    store.prepare()
    new_customer(client)
    assert store.database["accounts"].find_one({"kind": "customer"}, {"product": 1})["product"] == "CHECKING-USD"


def test_products_are_shown_by_pages(client: FlaskClient, admin: Login) -> None:
    for number in range(3):
        new_product(client, admin, f"P{number}", self_service=True)
    alice = new_customer(client)
    first = client.get("/products?limit=2", headers=alice.headers).json
    rest = client.get(f"/products?limit=2&cursor={first['next_cursor']}", headers=alice.headers).json
    assert [product["code"] for product in first["items"] + rest["items"]] == ["CHECKING-USD", "P0", "P1", "P2"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("facts", "at_fault"),
    [
        ({"type": "internal"}, "type"), ({"type": {"$ne": None}}, "type"), ({"currency": "XXX"}, "currency"),
        ({"currency": "usd"}, "currency"), ({"minimum_balance": "-1"}, "minimum_balance"),
        ({"minimum_balance": "1e3"}, "minimum_balance"), ({"overdraft_max": True}, "overdraft_max"),
        ({"overdraft_max": None}, "overdraft_max"), ({"limits": {"withdrawal": "x"}}, "limits.withdrawal"),
        ({"limits": {"weekly": "1"}}, "limits.weekly"), ({"limits": None}, "limits"), ({"interest_rate": 2.5},
        "interest_rate"), ({"interest_rate": "100.01"}, "interest_rate"), ({"interest_rate": "1e1"}, "interest_rate"),
        ({"interest_rate": "1.1234567"}, "interest_rate"), ({"fees": [{"name": "x", "amount": 0}]}, "fees.0.amount"),
        ({"fees": [{"name": "x", "amount": 1}] * 21}, "fees"), ({"self_service": "yes"}, "self_service"),
        ({"self_service": 1}, "self_service"), ({"status": "withdrawn"}, "status"), ({"version": 3}, "version"),
        ({"minimum_balance": "9999999999999999"}, "minimum_balance"),
    ],
)  # fmt: skip
def test_what_makes_no_product_is_refused(
    client: FlaskClient, store: Store, admin: Login, facts: dict[str, Any], at_fault: str
) -> None:
    refused = new_product(client, admin, **facts)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [at_fault])
    assert store.products.find("SAVER") is None


def test_type_and_currency_never_change(client: FlaskClient, admin: Login) -> None:
    new_product(client, admin)
    for facts in ({"type": "checking"}, {"currency": "EUR"}, {"code": "OTHER"}):
        refused = change(client, admin, '"1"', **facts)
        assert (refused.status_code, list(refused.json["errors"])) == (422, list(facts))
