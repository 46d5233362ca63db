"""Large transfers at the counter: a second person approves them, and exactly what they saw is moved."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus
from app.domain.actor import Role
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.approvals import account_of, approval_of, decide, outcome
from tests.factories.ledger import deposit, status_change
from tests.factories.users import Login, logged_in, new_staff, register


@pytest.fixture
def numbers(client: FlaskClient, store: Store) -> list[str]:
    """Alice's account, with 50,000.00 on it, and Bob's."""
    found = []
    for name, full_name in (("alice", "Alice Archer"), ("bob", "Bob Brown")):
        assert register(client, name, full_name=full_name).status_code == 201
        found.append(account_of(client, logged_in(client, name)))
    store.journal.post(deposit(found[0], 5_000_000))
    return found


@pytest.fixture
def maker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "boris", Role.BANKER)


def move(
    client: FlaskClient, login: Login, numbers: list[str], amount: str = "20000", *, key: str = "k", **body: str
) -> TestResponse:
    whole = {"from": numbers[0], "to": numbers[1], "amount": amount, **body}
    return client.post("/banker/transfers", json=whole, headers=login.headers | {"Idempotency-Key": key})


def balances(store: Store, numbers: list[str]) -> list[int]:
    return [store.accounts.get_customer_account(number).balance for number in numbers]


def test_what_was_approved_is_moved_and_both_sides_see_it(
    client: FlaskClient, store: Store, numbers: list[str], maker: Login, checker: Login
) -> None:
    asked = move(client, maker, numbers, description="A boat", reference="BOAT-1")
    assert asked.status_code == 202
    assert asked.json["payload"] == {
        "from": numbers[0],
        "from_holders": ["Alice Archer"],
        "to": numbers[1],
        "to_holders": ["Bob Brown"],
        "amount": "20000.00",
        "currency": "USD",
        "description": "A boat",
        "reference": "BOAT-1",
    }
    assert balances(store, numbers) == [5_000_000, 0]
    done = decide(client, checker, asked.json["id"]).json
    assert balances(store, numbers) == [3_000_000, 2_000_000]
    page = client.get(f"/banker/accounts/{numbers[1]}/transactions", headers=maker.headers).json["items"]
    assert (page[0]["transaction_id"], page[0]["reference"]) == (done["transaction_id"], "BOAT-1")
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_a_key_is_bound_to_the_whole_transfer(client: FlaskClient, numbers: list[str], maker: Login) -> None:
    asked = move(client, maker, numbers)
    assert move(client, maker, numbers).json == asked.json
    assert outcome(move(client, maker, numbers[::-1])) == (422, "idempotency_mismatch")
    assert outcome(move(client, maker, numbers, "1")) == (422, "idempotency_mismatch")
    assert outcome(move(client, maker, numbers, reference="x")) == (422, "idempotency_mismatch")
    assert approval_of(client, maker, asked.json["id"])["status"] == "pending"


def test_a_target_closed_meanwhile_fails_the_approval_and_nothing_moves(
    client: FlaskClient, store: Store, numbers: list[str], maker: Login, checker: Login
) -> None:
    asked = move(client, maker, numbers)
    store.journal.post(status_change(numbers[1], AccountStatus.FROZEN))
    done = decide(client, checker, asked.json["id"]).json
    assert (done["status"], done["failure"]) == ("failed", "account_frozen")
    assert balances(store, numbers) == [5_000_000, 0]
