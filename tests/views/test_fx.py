"""Exchange rates and quotes over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import new_account_number
from app.domain.actor import Role
from app.domain.operations.base import OperationName
from app.models.store import Store
from tests.factories.approvals import decide, without_second_person
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account
from tests.factories.users import Login, logged_in, new_customer, new_staff


@pytest.fixture
def admin(client: FlaskClient, store: Store) -> Login:
    """An administrator who sets rates without a second person."""
    without_second_person(store, OperationName.FX_RATE_CHANGE)
    return new_staff(client, store, "adam", Role.ADMIN)


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    return new_customer(client, "alice")


def set_rate(client: FlaskClient, admin: Login, **facts: Any) -> TestResponse:
    body = {"base": "EUR", "quote": "USD", "rate": "1.25", "spread": "0.01", **facts}
    return client.post("/admin/fx-rates", json=body, headers=admin.headers)


def account_of(client: FlaskClient, login: Login) -> str:
    return str(client.get("/accounts", headers=login.headers).json["items"][0]["number"])


def quote(client: FlaskClient, login: Login, source: Any, target: Any, amount: Any, **more: Any) -> TestResponse:
    body = {"from": source, "to": target, "amount": amount, **more}
    return client.post("/transfers/quote", json=body, headers=login.headers)


def test_an_administrator_sets_a_rate_and_everybody_sees_what_counts(
    client: FlaskClient, admin: Login, alice: Login
) -> None:
    answer = set_rate(client, admin, rate="1.2500")
    assert answer.status_code == 201
    assert answer.json["valid_from"] == answer.json["set_at"]
    assert answer.json["set_by"] == client.get("/auth/me", headers=admin.headers).json["id"]
    (shown,) = client.get("/fx-rates", headers=alice.headers).json["items"]
    assert shown == {
        "base": "EUR",
        "quote": "USD",
        "rate": "1.2500",
        "spread": "0.01",
        "sell_base": "1.2375",
        "sell_quote": "0.792",
        "valid_from": answer.json["valid_from"],
    }
    assert client.get("/admin/fx-rates", headers=admin.headers).json["items"] == [answer.json]


def test_a_second_person_approves_a_rate_before_it_counts(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock
) -> None:
    client = app_with().test_client()
    names = {"adam": Role.ADMIN, "ada": Role.ADMIN, "bella": Role.BANKER}
    admin, *_ = [new_staff(client, store, name, role) for name, role in names.items()]
    soon = datetime.now(UTC) + timedelta(minutes=1)
    answer = set_rate(client, admin, valid_from=soon.isoformat())
    assert (answer.status_code, answer.json["operation"], answer.json["subject"]) == (202, "fx_rate_change", "EUR/USD")
    assert (answer.json["payload"]["rate"], answer.json["payload"]["spread"]) == ("1.25", "0.01")
    clock.forward(timedelta(hours=1))
    admin, other, banker = (logged_in(client, name) for name in names)
    assert client.get("/fx-rates", headers=banker.headers).json["items"] == []
    assert decide(client, admin, answer.json["id"]).json["code"] == "maker_is_checker"
    assert decide(client, banker, answer.json["id"]).json["code"] == "forbidden"
    assert decide(client, other, answer.json["id"]).json["status"] == "executed"
    (kept,) = client.get("/admin/fx-rates", headers=admin.headers).json["items"]
    assert (kept["rate"], kept["set_by"]) == ("1.25", client.get("/auth/me", headers=admin.headers).json["id"])
    assert kept["valid_from"] == kept["set_at"]  # it counts from its approval, not from before
    assert decide(client, other, answer.json["id"]).status_code == 409
    assert len(client.get("/admin/fx-rates", headers=admin.headers).json["items"]) == 1


def test_asking_for_a_rate_again_with_the_same_key_asks_once(client: FlaskClient, store: Store) -> None:
    admin = new_staff(client, store, "adam", Role.ADMIN)
    headers = admin.headers | {"Idempotency-Key": "k"}
    body = {"base": "EUR", "quote": "USD", "rate": "1.25", "spread": "0.01"}
    first, again = (client.post("/admin/fx-rates", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, first.json["id"]) == (202, 202, again.json["id"])
    other = client.post("/admin/fx-rates", json=body | {"rate": "1.26"}, headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")


def test_a_newer_rate_replaces_the_pairs_in_both_directions_and_the_old_one_stays_in_the_history(
    client: FlaskClient, admin: Login, alice: Login
) -> None:
    set_rate(client, admin)
    set_rate(client, admin, base="USD", quote="EUR", rate="0.9")
    set_rate(client, admin, base="USD", quote="JPY", rate="150")
    shown = client.get("/fx-rates", headers=alice.headers).json["items"]
    assert [(each["base"], each["quote"], each["rate"]) for each in shown] == [
        ("USD", "EUR", "0.9"),
        ("USD", "JPY", "150"),
    ]
    of_pair = client.get("/admin/fx-rates?pair=USD-EUR", headers=admin.headers).json["items"]
    assert [each["rate"] for each in of_pair] == ["0.9", "1.25"]


def test_a_rate_counts_from_its_time_on(app_with: Callable[..., Flask], store: Store, clock: MovableClock) -> None:
    client = app_with().test_client()
    without_second_person(store, OperationName.FX_RATE_CHANGE)
    admin = new_staff(client, store, "adam", Role.ADMIN)
    set_rate(client, admin)
    later = datetime.now(UTC) + timedelta(minutes=10)
    assert set_rate(client, admin, rate="1.3", valid_from=later.isoformat()).status_code == 201
    assert set_rate(client, admin, rate="1.26").status_code == 201
    assert [each["rate"] for each in client.get("/fx-rates", headers=admin.headers).json["items"]] == ["1.26"]
    clock.forward(timedelta(minutes=11))
    assert [each["rate"] for each in client.get("/fx-rates", headers=admin.headers).json["items"]] == ["1.3"]


def test_a_time_just_past_becomes_the_present_and_an_older_one_is_refused(client: FlaskClient, admin: Login) -> None:
    now = datetime.now(UTC)
    just = set_rate(client, admin, valid_from=(now - timedelta(minutes=1)).isoformat())
    assert just.json["valid_from"] == just.json["set_at"]
    for wrong in (now - timedelta(hours=1), now + timedelta(days=400)):
        answer = set_rate(client, admin, valid_from=wrong.isoformat())
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["valid_from"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("rate", value) for value in ("0", "-1", "1e5", "NaN", "1,5", "", " 1", "1" * 10, True, None, {"$gt": ""})),
        *(("spread", value) for value in ("1", "-0.1", "1e-3", "0.1234567", "", None, {"$gt": ""}, True)),
        *(("base", value) for value in ("eur", "XXX", "", None, 1, {"$ne": "EUR"})),
        ("quote", "EUR"),
        ("valid_from", "yesterday"),
        ("set_by", "somebody"),
        ("id", "mine"),
    ],
)  # fmt: skip
def test_what_is_no_rate_is_refused(client: FlaskClient, admin: Login, field: str, value: Any) -> None:
    answer = set_rate(client, admin, **{field: value})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert client.get("/admin/fx-rates", headers=admin.headers).json["items"] == []


def test_a_rate_may_be_sent_as_a_number_and_keeps_its_digits(client: FlaskClient, admin: Login) -> None:
    body = b'{"base":"EUR","quote":"USD","rate":1.10,"spread":0}'
    answer = client.post("/admin/fx-rates", data=body, content_type="application/json", headers=admin.headers)
    assert (answer.status_code, answer.json["rate"], answer.json["spread"]) == (201, "1.10", "0")


def test_rates_are_paged_without_gap_or_repeat(client: FlaskClient, admin: Login) -> None:
    quotes = ["AUD", "CAD", "CHF", "GBP", "JPY"]
    for currency in quotes:
        set_rate(client, admin, quote=currency)
        set_rate(client, admin, quote=currency, rate="2")
    for path, expected in (("/fx-rates", quotes), ("/admin/fx-rates", [q for q in reversed(quotes) for _ in "12"])):
        found, cursor = [], ""
        while cursor is not None:
            page = client.get(f"{path}?limit=2{cursor and f'&cursor={cursor}'}", headers=admin.headers).json
            assert len(page["items"]) <= 2
            found += [each["quote"] for each in page["items"]]
            cursor = page["next_cursor"]
        assert found == expected


@pytest.fixture
def euros(store: Store) -> str:
    """The number of somebody's account in euros."""
    return an_account(store, currency="EUR", holders=("bob",))


def test_a_quote_promises_the_amounts_on_both_sides_for_a_minute(
    client: FlaskClient, admin: Login, alice: Login, euros: str
) -> None:
    set_rate(client, admin)
    mine = account_of(client, alice)
    answer = quote(client, alice, mine, euros, "100.00")
    assert answer.status_code == 201
    given = answer.json
    assert given == {
        "id": given["id"],
        "from": mine,
        "to": euros,
        "amount": "100.00",
        "currency": "USD",
        "to_amount": "79.20",
        "to_currency": "EUR",
        "rate": "0.8",
        "rate_with_spread": "0.792",
        "spread": "0.01",
        "created_at": given["created_at"],
        "expires_at": given["expires_at"],
    }
    lifetime = datetime.fromisoformat(given["expires_at"]) - datetime.fromisoformat(given["created_at"])
    assert lifetime == timedelta(seconds=60)


def test_without_a_rate_there_is_no_quote(client: FlaskClient, admin: Login, alice: Login, euros: str) -> None:
    set_rate(client, admin, valid_from=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    answer = quote(client, alice, account_of(client, alice), euros, "1")
    assert (answer.status_code, answer.json["code"]) == (409, "fx_rate_unavailable")


def test_a_quote_is_for_ones_own_account_and_a_payee_of_another_currency(
    client: FlaskClient, store: Store, admin: Login, alice: Login, euros: str
) -> None:
    set_rate(client, admin)
    mine, dollars = account_of(client, alice), an_account(store, holders=("bob",))
    theirs = quote(client, alice, dollars, euros, "1")
    nobodys = quote(client, alice, new_account_number(), euros, "1")
    assert theirs.status_code == nobodys.status_code == 404
    assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
    assert quote(client, alice, mine, new_account_number(), "1").json["code"] == "unknown_payee"
    assert quote(client, alice, mine, mine, "1").json["code"] == "same_account"
    assert list(quote(client, alice, mine, dollars, "1").json["errors"]) == ["to"]


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "1e3", None, True, {"$gt": ""}, "10000000000000.01"])
def test_what_is_no_amount_of_the_source_is_not_quoted(
    client: FlaskClient, admin: Login, alice: Login, euros: str, amount: Any
) -> None:
    set_rate(client, admin)
    answer = quote(client, alice, account_of(client, alice), euros, amount)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["amount"])


@pytest.mark.security("S43")
@pytest.mark.parametrize("field", ["rate", "spread", "to_amount", "fee", "expires_at", "customer_id"])
def test_nobody_names_their_own_rate(client: FlaskClient, admin: Login, alice: Login, euros: str, field: str) -> None:
    set_rate(client, admin)
    answer = quote(client, alice, account_of(client, alice), euros, "1", **{field: "9"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
