"""What becomes of accounts: frozen in two ways, dormant and awake again, closed for good."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.accounts import AccountStatus
from app.models.ledger_reader import LedgerReader
from app.models.posting import Request
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.accounts import Bank, numbers_of, open_own
from tests.factories.customers import decide
from tests.factories.ledger import deposit, hold, withdrawal
from tests.factories.users import Login, new_customer
from tests.parallel import at_once

REASON = "As the court orders."


@pytest.fixture
def bank(client: FlaskClient, store: Store) -> Bank:
    found = Bank.staffed(client, store)
    found.offer()
    return found


@pytest.fixture
def alice(client: FlaskClient, bank: Bank) -> Login:
    """A customer whom the bank knows, with 100.00 on her first account."""
    login, _ = bank.verified()
    client.post("/deposit", json={"amount": 100}, headers=login.headers)
    return login


@pytest.fixture
def number(client: FlaskClient, alice: Login) -> str:
    return numbers_of(client, alice)[0]


def moves(client: FlaskClient, who: Login, number: str) -> tuple[Any, Any]:
    """Try to pay in and to pay out; return the code of each refusal, or None."""
    body = {"amount": "1.00", "account": number}
    return tuple(
        client.post(path, json=body, headers=who.headers).json.get("code") for path in ("/deposit", "/withdraw")
    )


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_what_each_status_lets_through(client: FlaskClient, bank: Bank, alice: Login, number: str) -> None:
    for action, body, status, refusals in (
        ("freeze", {"kind": "debits"}, "frozen_debits", (None, "account_frozen")),
        ("freeze", {"kind": "all"}, "frozen", ("account_frozen", "account_frozen")),
        ("unfreeze", {}, "active", (None, None)),
        ("mark-dormant", {}, "dormant", (None, "account_dormant")),
        ("freeze", {"kind": "all"}, "frozen", ("account_frozen", "account_frozen")),
        ("freeze", {"kind": "debits"}, "frozen_debits", (None, "account_frozen")),
        ("unfreeze", {}, "active", (None, None)),
        ("mark-dormant", {}, "dormant", (None, "account_dormant")),
        ("reactivate", {}, "active", (None, None)),
    ):
        answer = bank.act(number, action, reason=REASON, **body)
        assert (answer.status_code, answer.json["status"]) == (200, status)
        assert client.get(f"/accounts/{number}", headers=alice.headers).json["status"] == status
        assert moves(client, alice, number) == refusals


def test_staff_see_why_an_account_has_its_status_and_customers_do_not(
    client: FlaskClient, store: Store, bank: Bank, alice: Login, number: str
) -> None:
    def decision() -> Any:
        return client.get(f"/banker/accounts/{number}", headers=bank.banker.headers).json["status_decision"]

    banker = client.get("/auth/me", headers=bank.banker.headers).json["id"]
    assert decision() is None
    frozen = bank.act(number, "freeze", kind="all", reason=REASON).json["status_decision"]
    assert (frozen["reason"], frozen["by"], frozen["at"][:2]) == (REASON, banker, "20")
    assert decision() == frozen
    bank.act(number, "freeze", kind="all", reason="Once more.")  # refused: it is frozen like that already
    assert decision() == frozen
    bank.act(number, "unfreeze", reason="It was settled.")
    client.post("/deposit", json={"amount": 1}, headers=alice.headers)
    assert decision()["reason"] == "It was settled."
    assert "status_decision" not in client.get(f"/accounts/{number}", headers=alice.headers).json
    client.post("/withdraw", json={"amount": 101}, headers=alice.headers)
    assert bank.act(number, "close").json["status_decision"]["reason"] is None
    listed = client.get("/banker/accounts", headers=bank.banker.headers).json["items"]
    assert [each["status_decision"] for each in listed if each["number"] == number] == [decision()]
    assert is_sound(store)


def test_who_closes_their_own_account_is_named(client: FlaskClient, bank: Bank, alice: Login) -> None:
    number = open_own(client, alice).json["number"]
    assert client.post(f"/accounts/{number}/close", headers=alice.headers).status_code == 200
    shown = client.get(f"/banker/accounts/{number}", headers=bank.banker.headers).json["status_decision"]
    assert (shown["reason"], shown["by"]) == (None, client.get("/auth/me", headers=alice.headers).json["id"])


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (AccountStatus.ACTIVE, {"unfreeze", "reactivate"}),
        (AccountStatus.FROZEN, {"freeze all", "mark-dormant", "reactivate"}),
        (AccountStatus.FROZEN_DEBITS, {"freeze debits", "mark-dormant", "reactivate"}),
        (AccountStatus.DORMANT, {"unfreeze", "mark-dormant"}),
        (AccountStatus.CLOSED, {"freeze all", "freeze debits", "unfreeze", "mark-dormant", "reactivate"}),
    ],
)
def test_steps_that_make_no_sense_are_refused(
    store: Store, bank: Bank, number: str, status: AccountStatus, refused: set[str]
) -> None:
    code = "account_closed" if status is AccountStatus.CLOSED else "state_conflict"
    for action in ("freeze all", "freeze debits", "unfreeze", "mark-dormant", "reactivate"):
        store.database["accounts"].update_one({"_id": number}, {"$set": {"status": str(status)}})
        verb, _, kind = action.partition(" ")
        answer = bank.act(number, verb, reason=REASON, **({"kind": kind} if kind else {}))
        expected = (409, code) if action in refused else (200, None)
        assert (answer.status_code, answer.json.get("code")) == expected, action


def test_the_reason_is_kept_with_who_did_it(store: Store, bank: Bank, number: str) -> None:
    bank.act(number, "freeze", kind="all", reason=REASON)
    kept = store.database["transactions"].find_one({"type": "status_change", "account_id": number})
    bella = store.users.find_by_name("bella")
    assert bella is not None
    assert (kept["metadata"], kept["initiated_by"], kept["channel"]) == ({"reason": REASON}, bella.id, "counter")
    record = store.database["audit"].find_one({"action": "staff.account_status", "subject": f"account:{number}"})
    assert (record["user_id"], record["before"]["status"], record["after"]["status"]) == (bella.id, "active", "frozen")
    assert record["after"]["reason"] == REASON


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "all"}, {"kind": "some", "reason": "x"}, {"kind": "all", "reason": ""},
        {"kind": "all", "reason": "x", "status": "closed"}, {"kind": {"$ne": 1}, "reason": "x"},
        {"kind": "all", "reason": "x" * 501},
    ],
)  # fmt: skip
def test_a_freeze_says_which_and_why(bank: Bank, number: str, body: dict[str, Any]) -> None:
    assert bank.act(number, "freeze", **body).status_code == 422


def test_only_customers_accounts_are_there_to_be_changed(bank: Bank) -> None:
    for name in ("482915306750", "cash-USD", "cash-USD%2300", "%24ne"):
        for action in ("unfreeze", "mark-dormant", "reactivate"):
            assert bank.act(name, action, reason=REASON).status_code == 404
        assert bank.act(name, "close").status_code == 404
        assert bank.act(name, "freeze", reason=REASON, kind="all").status_code == 404


def test_an_empty_account_is_closed_by_its_holder(client: FlaskClient, bank: Bank, alice: Login) -> None:
    number = open_own(client, alice).json["number"]
    closed = client.post(f"/accounts/{number}/close", headers=alice.headers)
    assert (closed.status_code, closed.json["status"]) == (200, "closed")
    again = client.post(f"/accounts/{number}/close", headers=alice.headers)
    assert (again.status_code, again.json["code"]) == (409, "account_closed")
    assert moves(client, alice, number) == ("account_closed", "account_closed")
    assert number in numbers_of(client, alice)


def test_what_is_left_goes_to_another_account_of_the_holder(
    client: FlaskClient, store: Store, bank: Bank, alice: Login, number: str
) -> None:
    other = open_own(client, alice).json["number"]
    path = f"/accounts/{number}/close"
    refused = client.post(path, headers=alice.headers)
    assert (refused.status_code, refused.json["code"]) == (409, "account_not_empty")
    headers = alice.headers | {"Idempotency-Key": "close"}
    closed, again = (client.post(path, json={"transfer_to": other}, headers=headers) for _ in range(2))
    assert (closed.status_code, closed.json["status"], closed.json["balance"]) == (200, "closed", "0.00")
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (200, closed.json, "true")
    assert client.get(f"/accounts/{other}", headers=alice.headers).json["balance"] == "100.00"
    assert client.post(path, json={}, headers=headers).json["code"] == "idempotency_mismatch"
    assert is_sound(store)


def test_the_rest_never_goes_to_somebody_else(
    client: FlaskClient, store: Store, bank: Bank, alice: Login, number: str
) -> None:
    bob = new_customer(client, "bob")
    strange = numbers_of(client, bob)[0]
    for target in (strange, "482915306750"):
        for refused in (
            client.post(f"/accounts/{number}/close", json={"transfer_to": target}, headers=alice.headers),
            bank.act(number, "close", transfer_to=target),
        ):
            assert (refused.status_code, refused.json["code"]) == (404, "not_found")
    assert client.get(f"/accounts/{number}", headers=alice.headers).json["balance"] == "100.00"
    assert bank.act(number, "close", transfer_to=number).json["code"] == "same_account"


def test_nobody_comes_into_money_by_the_closing_of_an_account_that_was_not_theirs(
    client: FlaskClient, bank: Bank
) -> None:
    (anna, first), (_, puppet) = bank.verified("anna"), bank.verified("bob")
    own = numbers_of(client, anna)[0]
    assert client.post("/deposit", json={"amount": 9}, headers=anna.headers).status_code == 201
    body = {"customers": [first, puppet], "product": "SAVER"}
    joint = client.post("/banker/accounts", json=body, headers=bank.banker.headers).json["number"]
    for refused in (
        bank.act(own, "close", transfer_to=joint),
        client.post(f"/accounts/{own}/close", json={"transfer_to": joint}, headers=anna.headers),
    ):
        assert (refused.status_code, refused.json["code"]) == (404, "not_found")
    assert client.get(f"/accounts/{own}", headers=anna.headers).json["balance"] == "9.00"


def test_staff_close_to_an_account_of_any_holder(client: FlaskClient, store: Store, bank: Bank) -> None:
    (_, first), (bob, second) = bank.verified("anna"), bank.verified("bob")
    headers = bank.banker.headers
    body = {"customers": [first, second], "product": "SAVER", "opening_deposit": 70}
    joint = client.post("/banker/accounts", json=body, headers=headers).json["number"]
    own = numbers_of(client, bob)
    target = next(number for number in own if number != joint)
    closed = bank.act(joint, "close", transfer_to=target, reason="By letter.")
    assert (closed.status_code, closed.json["status"]) == (200, "closed")
    assert client.get(f"/accounts/{target}", headers=bob.headers).json["balance"] == "70.00"
    kept = store.database["transactions"].find_one({"type": "account_closing"})
    assert kept["metadata"] == {"reason": "By letter."}


def test_an_account_with_holds_or_frozen_or_blocked_does_not_close(
    client: FlaskClient, store: Store, bank: Bank, alice: Login, number: str
) -> None:
    other = open_own(client, alice).json["number"]
    store.journal.post(hold(number, 100))
    assert bank.act(number, "close", transfer_to=other).json["code"] == "account_has_holds"
    bank.act(other, "freeze", kind="debits", reason=REASON)
    assert client.post(f"/accounts/{other}/close", headers=alice.headers).json["code"] == "account_frozen"
    bank.act(other, "unfreeze", reason=REASON)
    customer_id = client.get(f"/banker/accounts/{other}", headers=bank.banker.headers).json["holders"][0]["id"]
    decide(client, bank.banker, customer_id, "suspend")
    for refused in (client.post(f"/accounts/{other}/close", headers=alice.headers), bank.act(other, "close")):
        assert (refused.status_code, refused.json["code"]) == (409, "account_blocked")


def test_somebody_elses_account_is_not_there_to_be_closed(client: FlaskClient, alice: Login, number: str) -> None:
    bob = new_customer(client, "bob")
    refused = client.post(f"/accounts/{number}/close", headers=bob.headers)
    unknown = client.post("/accounts/482915306750/close", headers=bob.headers)
    assert refused.status_code == 404
    assert refused.json | {"request_id": ""} == unknown.json | {"request_id": ""}


def test_no_withdrawal_comes_after_the_freeze_was_answered(
    client: FlaskClient, store: Store, bank: Bank, number: str
) -> None:
    app = client.application
    asking = Bank(app.test_client(), bank.banker, bank.admin)

    def work(turn: int) -> int:
        if turn == 7:
            assert asking.act(number, "freeze", kind="debits", reason=REASON).status_code == 200
            return store.accounts.get_customer_account(number).seq
        for _ in range(10):
            store.journal.post_many([Request(withdrawal(number, 1)), Request(deposit(number, 1))])
        return 0

    seq = max(at_once(8, work))
    after = store.database["entries"].find({"account_id": number, "seq": {"$gt": seq}})
    assert [entry for entry in after if entry["amount"] < 0] == []
    assert is_sound(store)
