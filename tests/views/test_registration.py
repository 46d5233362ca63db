"""Registering over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.controllers import registration
from app.models import access, passwords
from app.models.store import Store
from tests.answered import answered
from tests.factories.users import PASSWORD, log_in, new_customer, register
from tests.parallel import at_once


def counts(store: Store) -> dict[str, int]:
    customer_accounts = store.database["accounts"].count_documents({"kind": "customer"})
    others = {name: store.database[name].count_documents({}) for name in ("users", "customers")}
    return {**others, "accounts": customer_accounts}


def test_registering_makes_a_login_a_customer_and_a_first_account(client: FlaskClient, store: Store) -> None:
    answer = register(client, "Alice", full_name="Alice Example", email="alice@example.com")

    assert answer.status_code == 201
    user, account = answer.json["user"], answer.json["account"]
    assert user.keys() == {"id", "username", "full_name", "email", "role", "created_at"}
    assert (user["username"], user["full_name"], user["email"]) == ("Alice", "Alice Example", "alice@example.com")
    assert user["role"] == "customer"
    assert (account["type"], account["currency"]) == ("checking", store.config.bank_currency)
    assert (account["balance"], account["primary"], account["status"]) == ("0.00", True, "active")
    assert len(account["number"]) == 12
    assert log_in(client, "alice").status_code == 200
    assert counts(store) == {"users": 1, "customers": 1, "accounts": 1}


def test_a_name_and_a_password_are_enough(client: FlaskClient) -> None:
    user = register(client).json["user"]
    assert (user["full_name"], user["email"]) == (None, None)


def test_the_new_customer_sees_themselves_and_their_account(client: FlaskClient) -> None:
    login = new_customer(client)
    me = client.get("/auth/me", headers=login.headers)
    assert me.status_code == 200
    assert (me.json["username"], me.json["role"]) == ("alice", "customer")
    (account,) = client.get("/accounts", headers=login.headers).json["items"]
    assert account["primary"] is True


@pytest.mark.security("S04")
@pytest.mark.parametrize(
    "extra", ["role", "balance", "is_admin", "_id", "id", "customer_id", "holders", "status", "credit_limit", "epoch"]
)
def test_nobody_can_give_themselves_anything_by_naming_it(client: FlaskClient, store: Store, extra: str) -> None:
    answer = register(client, "mallory", **{extra: "admin"})
    assert answer.status_code == 422
    assert answer.json["errors"].keys() == {extra}
    assert counts(store) == {"users": 0, "customers": 0, "accounts": 0}


@pytest.mark.parametrize("again", ["alice", "ALICE", "Alice", "ＡＬＩＣＥ"])
def test_a_name_that_reads_the_same_is_taken(client: FlaskClient, store: Store, again: str) -> None:
    register(client, "Alice")
    answer = register(client, again)
    assert (answer.status_code, answer.json["code"]) == (409, "username_taken")
    assert counts(store) == {"users": 1, "customers": 1, "accounts": 1}


@pytest.mark.parametrize(
    "name", ["ab", "x" * 33, "ad\u200bmin", "\u0430dmin", "a b", "bob\n", "", "x" * 65, {"$gt": ""}, 5, None, ["bob"]]
)
def test_a_name_that_can_not_be_one_is_refused_with_a_reason(client: FlaskClient, name: Any) -> None:
    answer = client.post("/auth/register", json={"username": name, "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"].keys() == {"username"}


@pytest.mark.security("S25", "S29")
@pytest.mark.parametrize(
    "weak",
    [
        "7 chars",
        "password",
        "password123",
        "iloveyou1",
        "bank2026",
        "Bank-2026!",
        "alicealice",
        "alice-bank-2026",
        "Alice.Example1",
        "qwertyuiop",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "12345678901234",
        "p@ssw0rdp@ssw0rd",
        "\U0001f600" * 64,
        "bankalice",
    ],
)
def test_a_weak_password_is_refused_and_helped_with(client: FlaskClient, store: Store, weak: str) -> None:
    answer = register(client, "alice", weak, full_name="Alice Example")
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"]["password"]
    assert counts(store)["users"] == 0


@pytest.mark.security("S26", "S27")
@pytest.mark.parametrize(
    "strong",
    [
        "xK9#mQ2$vL5n",
        "correct horse battery staple",
        "\u00e4hnlich-\u00fcbel-\u00f6de",
        "tabs\t and\nline breaks are fine",
        "Xk7#pQ2z",
        "\U0001f98a\U0001f332\U0001f30a\U0001f3bb\U0001f9ed\U0001f56f\U0001f9ca\U0001f5dd",
        "".join(chr(0x4E00 + 37 * n) for n in range(128)),
        "73 bytes of plain text, of which bcrypt itself would look at no more than 72",
    ],
)
def test_any_characters_make_a_password_and_every_one_counts(client: FlaskClient, strong: str) -> None:
    assert register(client, "alice", strong).status_code == 201
    assert log_in(client, "alice", strong).status_code == 200
    assert log_in(client, "alice", strong[:-1] + "?").status_code == 401
    assert log_in(client, "alice", strong[:-1]).status_code == 401


def test_a_password_of_129_characters_is_refused_before_anything_is_hashed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords.bcrypt, "hashpw", None)
    answer = register(client, "alice", "x" * 129)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["password"])


def test_the_shortest_password_is_a_setting(app_with: Callable[..., Flask]) -> None:
    client = app_with(password_length_min=15).test_client()
    assert "15" in register(client, "alice", "xK9#mQ2$vL5n").json["errors"]["password"][0]
    assert register(client, "alice", PASSWORD).status_code == 201


@pytest.mark.parametrize(
    "email",
    ["x", "a@b@c", "alice@", "alice@example.com\nBcc: x@example.com", "a" * 300, 5, '"\x1b[2J"@example.com',
     '"\x01"@example.com', "\u202ealice@example.com", '"\x7f"@example.com', None],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(client: FlaskClient, email: Any) -> None:
    assert list(register(client, "alice", email=email).json["errors"]) == ["email"]


def test_two_hundred_who_want_one_name_at_once_make_one_user_and_few_hashes(
    app_with: Callable[..., Flask], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_with(hashing_queue_max=500, threads=1_000)
    hashes: list[str] = []
    real = passwords.Hasher.hash
    monkeypatch.setattr(passwords.Hasher, "hash", lambda *args: hashes.append("") or real(*args))
    answers = at_once(200, lambda _: answered(lambda: register(app.test_client())))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (1, 199)
    assert counts(store) == {"users": 1, "customers": 1, "accounts": 1}
    assert len(hashes) <= 20  # some are let in before the first is on the disk


def test_in_several_processes_the_index_decides_and_the_losers_leave_nothing_behind(
    app_with: Callable[..., Flask], store: Store
) -> None:
    apps = [app_with(hashing_threads=8) for _ in range(2)]
    answers = at_once(16, lambda number: register(apps[number % 2].test_client()))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (1, 15)
    assert counts(store) == {"users": 1, "customers": 1, "accounts": 1}


def test_an_account_number_that_is_in_use_is_replaced_by_another(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = register(client, "alice").json["account"]["number"]
    monkeypatch.setattr(registration, "new_account_number", lambda *_: taken)
    account = register(client, "bob").json["account"]
    assert account["number"] != taken
    assert counts(store) == {"users": 2, "customers": 2, "accounts": 2}


def test_a_registration_that_fails_half_way_leaves_nothing_behind(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = register(client, "alice").json["account"]["number"]
    monkeypatch.setattr(registration, "new_account_number", lambda *_: taken)
    monkeypatch.setattr(access, "new_account_number", lambda *_: taken)
    assert register(client, "bob").status_code == 503
    assert counts(store) == {"users": 1, "customers": 1, "accounts": 1}
