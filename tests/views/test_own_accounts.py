"""What a holder does with their accounts: naming one, choosing the primary one, and what they are shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.accounts import AccountStatus, Limits
from app.domain.actor import Role
from app.models.store import Store
from tests.answered import answered
from tests.factories.ledger import OPENED_AT, an_account, closing, withdrawal
from tests.factories.users import Login, logged_in, new_customer, new_staff, register
from tests.parallel import at_once


def first_of(client: FlaskClient, login: Login) -> Any:
    return client.get("/accounts", headers=login.headers).json["items"][0]


def customer_of(store: Store, username: str) -> str:
    user = store.users.find_by_name(username)
    assert user is not None
    return str(user.customer_id)


def primaries(client: FlaskClient, login: Login) -> list[str]:
    return [each["number"] for each in client.get("/accounts", headers=login.headers).json["items"] if each["primary"]]


def test_a_new_customer_is_shown_their_whole_first_account(client: FlaskClient) -> None:
    register(client, "alice", full_name="Alice Archer")
    account = first_of(client, logged_in(client))
    assert (account["product"], account["nickname"], account["iban"]) == ("CHECKING-USD", None, None)
    assert (account["minimum_balance"], account["holder_names"], account["blocked"]) == (
        "0.00",
        ["Alice Archer"],
        False,
    )
    assert set(account["limits"].values()) == {None}
    assert "branch" not in account


def test_limits_and_minimum_balance_are_shown_as_money(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    holders = (customer_of(store, "alice"),)
    number = an_account(
        store, holders=holders, minimum_balance=1_000, limits=Limits(withdrawal=50_000), balance=2_500, branch="HARBOUR"
    )
    shown = client.get(f"/accounts/{number}", headers=alice.headers).json
    assert (shown["minimum_balance"], shown["available"]) == ("10.00", "15.00")
    assert shown["limits"] == {
        "withdrawal": "500.00",
        "withdrawal_daily": None,
        "transfer": None,
        "transfer_daily": None,
    }
    banker = new_staff(client, store, "bella", Role.BANKER)
    assert client.get(f"/banker/accounts/{number}", headers=banker.headers).json["branch"] == "HARBOUR"


def test_a_holder_names_their_account_and_takes_the_name_away(client: FlaskClient) -> None:
    alice = new_customer(client)
    path = f"/accounts/{first_of(client, alice)['number']}"
    for body, name in (({"nickname": "Haus & Hof"}, "Haus & Hof"), ({}, "Haus & Hof"), ({"nickname": None}, None)):
        changed = client.patch(path, json=body, headers=alice.headers)
        assert (changed.status_code, changed.json["nickname"]) == (200, name)
        assert first_of(client, alice) == changed.json


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({"nickname": ""}, "nickname"), ({"nickname": "x" * 61}, "nickname"), ({"nickname": "a\nb"}, "nickname"),
        ({"nickname": {"$set": 1}}, "nickname"), ({"nickname": 5}, "nickname"), ({"balance": "1000.00"}, "balance"),
        ({"holders": []}, "holders"), ({"primary": True}, "primary"), ({"overdraft_limit": "5"}, "overdraft_limit"),
        ({"$set": {"balance": 1}}, "$set"),
    ],
)  # fmt: skip
def test_nothing_but_a_name_is_changed(client: FlaskClient, store: Store, body: dict[str, Any], at_fault: str) -> None:
    alice = new_customer(client)
    before = store.database["accounts"].find_one({"kind": "customer"})
    refused = client.patch(f"/accounts/{first_of(client, alice)['number']}", json=body, headers=alice.headers)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [at_fault])
    assert store.database["accounts"].find_one({"kind": "customer"}) == before


def test_somebody_elses_account_is_not_there_to_be_named_or_chosen(client: FlaskClient) -> None:
    alice, bob = new_customer(client), new_customer(client, "bob")
    number = first_of(client, alice)["number"]
    before = first_of(client, alice)
    for call in (
        lambda of: client.patch(f"/accounts/{of}", json={"nickname": "mine"}, headers=bob.headers),
        lambda of: client.post(f"/accounts/{of}/primary", headers=bob.headers),
    ):
        refused, unknown = call(number), call("482915306750")
        assert refused.status_code == 404
        assert refused.json | {"request_id": ""} == unknown.json | {"request_id": ""}
    assert first_of(client, alice) == before


def test_the_primary_account_is_chosen(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    first = first_of(client, alice)["number"]
    second = an_account(store, holders=(customer_of(store, "alice"),))
    chosen = client.post(f"/accounts/{second}/primary", headers=alice.headers)
    assert (chosen.status_code, chosen.json["primary"]) == (200, True)
    assert primaries(client, alice) == [second]
    assert client.get("/balance", headers=alice.headers).json["account"] == second
    assert client.post(f"/accounts/{second}/primary", headers=alice.headers).status_code == 200
    assert client.post(f"/accounts/{first}/primary", headers=alice.headers).status_code == 200
    assert primaries(client, alice) == [first]


def test_a_joint_account_may_be_the_primary_one_of_each_holder(client: FlaskClient, store: Store) -> None:
    alice, bob = new_customer(client), new_customer(client, "bob")
    joint = an_account(store, holders=(customer_of(store, "alice"), customer_of(store, "bob")))
    for who in (alice, bob):
        assert client.post(f"/accounts/{joint}/primary", headers=who.headers).status_code == 200
    own = next(
        each["number"] for each in client.get("/accounts", headers=bob.headers).json["items"] if not each["primary"]
    )
    assert client.post(f"/accounts/{own}/primary", headers=bob.headers).status_code == 200
    assert (primaries(client, alice), primaries(client, bob)) == ([joint], [own])


def test_a_closed_account_can_not_be_chosen(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    closed = an_account(store, holders=(customer_of(store, "alice"),), status=AccountStatus.CLOSED)
    refused = client.post(f"/accounts/{closed}/primary", headers=alice.headers)
    assert (refused.status_code, refused.json["code"]) == (409, "account_closed")
    assert closed not in primaries(client, alice)


def test_with_the_primary_account_closed_the_oldest_open_one_takes_its_place(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    first = first_of(client, alice)["number"]
    holders = (customer_of(store, "alice"),)
    younger = an_account(store, holders=holders, opened_at=OPENED_AT + timedelta(days=2))
    older = an_account(store, holders=holders, opened_at=OPENED_AT)
    an_account(store, holders=holders, opened_at=OPENED_AT - timedelta(days=1), status=AccountStatus.CLOSED)
    headers = alice.headers | {"Idempotency-Key": "close"}
    for _ in range(2):
        closed = client.post(f"/accounts/{first}/close", headers=headers)
        assert (closed.status_code, closed.json["primary"]) == (200, False)
        assert primaries(client, alice) == [older]
    assert client.get("/balance", headers=alice.headers).json["account"] == older
    assert client.post("/deposit", json={"amount": "5"}, headers=alice.headers).json["account"] == older
    assert client.post(f"/accounts/{younger}/primary", headers=alice.headers).status_code == 200
    assert client.post(f"/accounts/{first}/close", headers=headers).status_code == 200
    assert primaries(client, alice) == [younger]


def test_after_a_crash_in_the_middle_of_closing_the_next_request_finds_a_primary_account(
    client: FlaskClient, store: Store
) -> None:
    alice = new_customer(client)
    first = first_of(client, alice)["number"]
    other = an_account(store, holders=(customer_of(store, "alice"),))
    store.journal.post(closing(first))
    assert primaries(client, alice) == []
    answers = at_once(8, lambda _: client.application.test_client().get("/balance", headers=alice.headers))
    assert {answer.json["account"] for answer in answers} == {other}
    assert primaries(client, alice) == [other]


def test_each_holder_of_a_closed_joint_account_has_another_primary_one(client: FlaskClient, store: Store) -> None:
    alice, bob = new_customer(client), new_customer(client, "bob")
    own = {who: first_of(client, who)["number"] for who in (alice, bob)}
    joint = an_account(store, holders=(customer_of(store, "alice"), customer_of(store, "bob")))
    for who in (alice, bob):
        assert client.post(f"/accounts/{joint}/primary", headers=who.headers).status_code == 200
    banker = new_staff(client, store, "banker", Role.BANKER)
    closed = client.post(f"/banker/accounts/{joint}/close", json={}, headers=banker.headers)
    assert (closed.status_code, closed.json["primary"]) == (200, False)
    assert (primaries(client, alice), primaries(client, bob)) == ([own[alice]], [own[bob]])


def test_whatever_is_closed_and_chosen_at_once_one_open_account_is_primary(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    numbers = [first_of(client, alice)["number"]]
    numbers += [an_account(store, holders=(customer_of(store, "alice"),)) for _ in range(3)]

    def work(number: int) -> int:
        own = client.application.test_client()
        verb = "close" if number < 3 else "primary"
        own.get("/balance", headers=alice.headers)
        return answered(lambda: own.post(f"/accounts/{numbers[number % 4]}/{verb}", headers=alice.headers)).status_code

    assert set(at_once(12, work)) <= {200, 409}
    assert client.get("/balance", headers=alice.headers).json["account"] == numbers[3]
    assert primaries(client, alice) == [numbers[3]]


def test_who_has_no_open_account_left_is_told_what_to_do(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    assert client.post(f"/accounts/{first_of(client, alice)['number']}/close", headers=alice.headers).status_code == 200
    for answer in (
        client.get("/balance", headers=alice.headers),
        client.post("/deposit", json={"amount": "5"}, headers=alice.headers),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert answer.json["detail"] == "You have no open account: open one with POST /accounts, or ask the bank."


@pytest.mark.parametrize("had_one", [True, False])
def test_whoever_chooses_many_at_once_has_one_in_the_end(client: FlaskClient, store: Store, had_one: bool) -> None:
    alice = new_customer(client)
    if not had_one:
        store.database["accounts"].update_many({}, {"$unset": {"primary_for": ""}})
    numbers = [an_account(store, holders=(customer_of(store, "alice"),)) for _ in range(8)]
    app = client.application

    def choose(number: int) -> int:
        return app.test_client().post(f"/accounts/{numbers[number]}/primary", headers=alice.headers).status_code

    assert set(at_once(8, choose)) <= {200, 503}
    assert len(primaries(client, alice)) == 1


def test_choosing_loses_no_posting(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    numbers = [an_account(store, holders=(customer_of(store, "alice"),), balance=100) for _ in range(2)]
    app = client.application

    def work(number: int) -> None:
        for step in range(20):
            if number % 2:
                app.test_client().post(f"/accounts/{numbers[step % 2]}/primary", headers=alice.headers)
            else:
                store.journal.post(withdrawal(numbers[step % 2], 1))

    at_once(4, work)
    assert [store.accounts.get_customer_account(number).balance for number in numbers] == [80, 80]
    assert len(primaries(client, alice)) == 1


@pytest.mark.parametrize(
    ("country", "code", "digits"), [("DE", "37040044", 10), ("GB", "NWBK601613", 8), ("NL", "ABNA", 10)]
)
def test_an_iban_stands_beside_the_number(
    app_with: Callable[..., Flask], store: Store, country: str, code: str, digits: int
) -> None:
    client = app_with(bank_country=country, bank_code=code, account_number_length=digits).test_client()
    account = first_of(client, new_customer(client))
    iban = account["iban"]
    assert iban[:2] + iban[4:] == f"{country}{code}{account['number']}"
    as_number = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    assert int(as_number) % 97 == 1  # ISO 7064, as ISO 13616 asks for
    banker = new_staff(client, store, "bella", Role.BANKER)
    (shown,) = client.get("/banker/accounts", headers=banker.headers).json["items"]
    assert shown["iban"] == iban
