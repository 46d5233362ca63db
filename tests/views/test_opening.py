"""Opening accounts: by customers whom the bank knows, and by bankers, with cash on them from the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.controllers import opening
from app.domain.accounts import is_account_number, new_account_number
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.answered import answered
from tests.factories.accounts import Bank, numbers_of, open_own
from tests.factories.customers import decide, new_person
from tests.factories.users import new_customer
from tests.parallel import at_once


@pytest.fixture
def bank(client: FlaskClient, store: Store) -> Bank:
    found = Bank.staffed(client, store)
    found.offer(minimum_balance="10.00", limits={"withdrawal": "50.00"})
    return found


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_a_known_customer_opens_a_further_account_on_the_products_terms(
    client: FlaskClient, store: Store, bank: Bank
) -> None:
    alice, _ = bank.verified()
    opened = open_own(client, alice, nickname="Holidays")
    assert opened.status_code == 201
    account = opened.json
    assert (account["product"], account["type"], account["nickname"]) == ("SAVER", "savings", "Holidays")
    assert (account["minimum_balance"], account["limits"]["withdrawal"]) == ("10.00", "50.00")
    assert (account["overdraft_limit"], account["primary"], account["balance"]) == ("0.00", False, "0.00")
    assert account["number"] in numbers_of(client, alice)
    recorded = store.database["transactions"].find_one({"account_id": account["number"]})
    assert (recorded["type"], recorded["postings"]) == ("account_opening", [])


def test_whom_the_bank_does_not_know_opens_nothing(client: FlaskClient, bank: Bank) -> None:
    alice = new_customer(client)
    refused = open_own(client, alice)
    assert (refused.status_code, refused.json["code"]) == (409, "kyc_required")
    bob, customer_id = bank.verified("bob")
    decide(client, bank.banker, customer_id, "kyc/reject")
    assert open_own(client, bob).json["code"] == "kyc_required"


def test_only_what_is_offered_to_customers_is_opened_by_them(client: FlaskClient, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    bank.offer("DESK", self_service=False)
    bank.offer("GONE")
    client.post("/admin/products/GONE/withdraw", headers=bank.admin.headers)
    for product in ("DESK", "GONE", "NONE"):
        refused = open_own(client, alice, product=product)
        assert (refused.status_code, refused.json["code"]) == (409, "product_not_available")
    assert bank.open_for(customer_id, product="DESK").status_code == 201
    for product in ("GONE", "NONE"):
        assert bank.open_for(customer_id, product=product).json["code"] == "product_not_available"


def test_a_suspended_customer_gets_no_further_account(client: FlaskClient, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    decide(client, bank.banker, customer_id, "suspend")
    for refused in (open_own(client, alice), bank.open_for(customer_id)):
        assert (refused.status_code, refused.json["code"]) == (409, "customer_not_active")
    decide(client, bank.banker, customer_id, "reactivate")
    assert open_own(client, alice).status_code == 201


def test_an_opening_deposit_is_a_posting_like_any_other(client: FlaskClient, store: Store, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    opened = bank.open_for(customer_id, opening_deposit="250.5")
    assert (opened.status_code, opened.json["balance"], opened.json["available"]) == (201, "250.50", "240.50")
    (line,) = client.get(f"/transactions?account={opened.json['number']}", headers=alice.headers).json["items"]
    assert (line["type"], line["amount"], line["seq"]) == ("account_opening", "250.50", 1)
    whole = client.get(f"/banker/transactions/{line['transaction_id']}", headers=bank.banker.headers).json
    assert [leg["account"] for leg in whole["legs"]] == [opened.json["number"], "cash-USD"]
    assert is_sound(store)


def test_a_new_account_below_its_minimum_balance_is_sound_until_and_after_it_closes(
    client: FlaskClient, store: Store, bank: Bank
) -> None:
    alice, customer_id = bank.verified()
    first = numbers_of(client, alice)[0]
    number = bank.open_for(customer_id, opening_deposit="9.99").json["number"]
    refused = client.post("/withdraw", json={"amount": "0.01", "account": number}, headers=alice.headers)
    assert refused.json["code"] == "insufficient_funds"
    assert is_sound(store)
    client.post("/deposit", json={"amount": "20", "account": number}, headers=alice.headers)
    taken = client.post("/withdraw", json={"amount": "19.99", "account": number}, headers=alice.headers)
    assert (taken.status_code, is_sound(store)) == (201, True)
    assert bank.act(number, "close", transfer_to=first).status_code == 200
    assert is_sound(store)


def test_much_cash_on_a_new_account_needs_a_second_person(client: FlaskClient, store: Store, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    asked = bank.open_for(customer_id, opening_deposit="10000.00", key="big", nickname="Lottery")
    assert (asked.status_code, asked.json["operation"], asked.json["status"]) == (202, "account_opening", "pending")
    number = asked.json["payload"]["account"]
    assert number not in numbers_of(client, alice)
    again = bank.open_for(customer_id, opening_deposit="10000.00", key="big", nickname="Lottery")
    assert (again.status_code, again.json["id"]) == (202, asked.json["id"])
    path = f"/banker/approvals/{asked.json['id']}/approve"
    assert client.post(path, json={}, headers=bank.banker.headers).status_code == 403
    approved = client.post(path, json={}, headers=bank.admin.headers)
    assert (approved.status_code, approved.json["status"]) == (200, "executed")
    account = client.get(f"/accounts/{number}", headers=alice.headers).json
    assert (account["balance"], account["nickname"], account["minimum_balance"]) == ("10000.00", "Lottery", "10.00")
    assert is_sound(store)


def test_an_approval_opens_nothing_for_whom_it_may_not_any_more(client: FlaskClient, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    asked = bank.open_for(customer_id, opening_deposit="10000.00").json
    decide(client, bank.banker, customer_id, "suspend")
    ended = client.post(f"/banker/approvals/{asked['id']}/approve", json={}, headers=bank.admin.headers).json
    assert (ended["status"], ended["failure"]) == ("failed", "customer_not_active")
    assert len(numbers_of(client, alice)) == 1


def test_the_same_key_opens_one_account(client: FlaskClient, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    first, second = (open_own(client, alice, key="one") for _ in range(2))
    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    other = open_own(client, alice, key="one", nickname="x")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")
    first, second = (bank.open_for(customer_id, key="two", opening_deposit=5) for _ in range(2))
    assert (first.json["number"], second.json["balance"]) == (second.json["number"], "5.00")
    assert bank.open_for(customer_id, key="two", opening_deposit=6).json["code"] == "idempotency_mismatch"
    assert len(numbers_of(client, alice)) == 3


def test_a_repeated_request_is_answered_though_it_would_be_refused_by_now(client: FlaskClient, bank: Bank) -> None:
    alice, customer_id = bank.verified()
    own, at_desk = open_own(client, alice, key="own"), bank.open_for(customer_id, key="desk")
    client.post("/admin/products/SAVER/withdraw", headers=bank.admin.headers)
    decide(client, bank.banker, customer_id, "kyc/reject")
    decide(client, bank.banker, customer_id, "suspend")
    for answer, again in ((own, open_own(client, alice, key="own")), (at_desk, bank.open_for(customer_id, key="desk"))):
        assert (again.status_code, again.json["number"]) == (201, answer.json["number"])
        assert again.headers["Idempotent-Replayed"] == "true"
    assert open_own(client, alice, key="own", nickname="x").json["code"] == "idempotency_mismatch"
    assert open_own(client, alice, key="new").json["code"] == "product_not_available"


def test_many_with_one_key_open_one_account(client: FlaskClient, store: Store, bank: Bank) -> None:
    alice, _ = bank.verified()
    app = client.application
    answers = at_once(20, lambda _: open_own(app.test_client(), alice, key="one"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["number"] for answer in answers}) == 1
    assert len(numbers_of(client, alice)) == 2


def test_nobody_gets_more_accounts_than_one_may_have_however_many_ask_at_once(
    app_with: Callable[..., Flask], client: FlaskClient, bank: Bank
) -> None:
    alice, _ = bank.verified()
    apps = [app_with(accounts_per_customer_max=4) for _ in range(2)]

    def ask(number: int) -> Any:
        return answered(lambda: open_own(apps[number % 2].test_client(), alice, key=f"k{number}"))

    answers = at_once(12, ask)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (3, 9)
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"too_many_accounts"}
    assert len(numbers_of(client, alice)) == 4


def test_closed_accounts_make_room_up_to_a_bound(
    app_with: Callable[..., Flask], client: FlaskClient, bank: Bank
) -> None:
    alice, _ = bank.verified()
    small = app_with(accounts_per_customer_max=2).test_client()
    for number in range(19):
        opened = open_own(small, alice)
        assert opened.status_code == 201, number
        assert small.post(f"/accounts/{opened.json['number']}/close", headers=alice.headers).status_code == 200
    assert open_own(small, alice).json["code"] == "too_many_accounts"


def test_a_number_from_another_bank_is_kept(client: FlaskClient, bank: Bank) -> None:
    _, customer_id = bank.verified()
    number = new_account_number()
    opened = bank.open_for(customer_id, number=number)
    assert (opened.status_code, opened.json["number"]) == (201, number)
    taken = bank.open_for(customer_id, number=number)
    assert (taken.status_code, taken.json["code"]) == (409, "account_number_taken")


def test_of_many_who_ask_for_one_number_one_gets_it(client: FlaskClient, store: Store, bank: Bank) -> None:
    customers = [bank.verified(f"user{number}")[1] for number in range(6)]
    number, app = new_account_number(), client.application
    asking = [Bank(app.test_client(), bank.banker, bank.admin) for _ in customers]
    answers = at_once(6, lambda which: asking[which].open_for(customers[which], number=number, opening_deposit=7))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (1, 5)
    assert store.accounts.get_customer_account(number).balance == 700
    assert is_sound(store)


@pytest.mark.parametrize("number", ["123456789012", "4330033732", "cash-USD", 482915306750, {"$gt": ""}, ""])
def test_what_is_no_number_of_this_bank_is_refused(client: FlaskClient, bank: Bank, number: object) -> None:
    _, customer_id = bank.verified()
    refused = bank.open_for(customer_id, number=number)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["number"])


def test_a_random_number_that_is_taken_is_replaced(
    client: FlaskClient, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _ = bank.verified()
    taken, free = numbers_of(client, alice)[0], new_account_number()
    made = iter([taken, taken, taken, free, free])
    monkeypatch.setattr(opening, "new_account_number", lambda _: next(made))
    opened = open_own(client, alice)
    assert (opened.status_code, opened.json["number"]) == (201, free)


def test_a_person_without_a_login_gets_a_primary_account(client: FlaskClient, store: Store, bank: Bank) -> None:
    carol = new_person(client, bank.banker)
    first, second = (bank.open_for(carol["id"]).json for _ in range(2))
    assert (first["primary"], second["primary"], first["holder_names"]) == (True, False, ["Carol Carter"])
    assert is_account_number(first["number"])


def test_first_accounts_opened_at_once_leave_one_primary_account(client: FlaskClient, store: Store, bank: Bank) -> None:
    carol = new_person(client, bank.banker)
    asking = [Bank(client.application.test_client(), bank.banker, bank.admin) for _ in range(8)]
    assert {answer.status_code for answer in at_once(8, lambda which: asking[which].open_for(carol["id"]))} == {201}
    assert store.database["accounts"].count_documents({"holders": carol["id"]}) == 8
    assert store.database["accounts"].count_documents({"primary_for": carol["id"]}) == 1


def test_a_joint_account_is_opened_for_several(client: FlaskClient, bank: Bank) -> None:
    (alice, first), (bob, second) = bank.verified("alice"), bank.verified("bob")
    opened = bank.open_for(None, customers=[first, second])  # type: ignore[arg-type]
    assert [holder["id"] for holder in opened.json["holders"]] == [first, second]
    for who in (alice, bob):
        assert opened.json["number"] in numbers_of(client, who)


def test_an_account_belongs_to_the_branch_that_is_named(client: FlaskClient, bank: Bank) -> None:
    _, customer_id = bank.verified()
    branch = {"code": "HARBOUR", "name": "Harbour", "address": {"line1": "1", "city": "S", "country": "US"}}
    client.post("/admin/branches", json=branch, headers=bank.admin.headers)
    assert bank.open_for(customer_id, branch="HARBOUR").json["branch"] == "HARBOUR"
    assert bank.open_for(customer_id).json["branch"] is None
    for query, count in (("branch=HARBOUR", 1), ("product=SAVER", 2), ("branch=HARBOUR&product=X", 0), ("branch=X", 0)):
        page = client.get(f"/banker/accounts?{query}", headers=bank.banker.headers).json
        assert len(page["items"]) == count
    unknown = bank.open_for(customer_id, branch="NOWHERE")
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["branch"])
    client.post("/admin/branches/HARBOUR/close", headers=bank.admin.headers)
    assert bank.open_for(customer_id, branch="HARBOUR").json["code"] == "state_conflict"


@pytest.mark.parametrize(
    ("facts", "status", "at_fault"),
    [
        ({"customer": None}, 422, "customers"), ({"customers": ["x"]}, 422, "customers"),
        ({"customer": None, "customers": []}, 422, "customers"), ({"customer": {"$gt": ""}}, 422, "customer"),
        ({"customer": None, "customers": ["a", "a"]}, 422, "customers"),
        ({"opening_deposit": 0}, 422, "opening_deposit"),
        ({"customer": None, "customers": [str(n) for n in range(11)]}, 422, "customers"),
        ({"opening_deposit": "0.001"}, 422, "opening_deposit"), ({"opening_deposit": "-5"}, 422, "opening_deposit"),
        ({"balance": "5"}, 422, "balance"), ({"overdraft_limit": "5"}, 422, "overdraft_limit"),
        ({"minimum_balance": "0"}, 422, "minimum_balance"), ({"customer": "nobody"}, 404, None),
        ({"nickname": "x" * 61}, 422, "nickname"), ({"product": ["SAVER"]}, 422, "product"),
        ({"opening_deposit": "9999999999999999"}, 422, "opening_deposit"),
    ],
)  # fmt: skip
def test_what_makes_no_account_is_refused(
    client: FlaskClient, store: Store, bank: Bank, facts: dict[str, Any], status: int, at_fault: str | None
) -> None:
    _, customer_id = bank.verified()
    body = {"customer": customer_id, "product": "SAVER", **facts}
    sent = {name: value for name, value in body.items() if value is not None}
    refused = client.post("/banker/accounts", json=sent, headers=bank.banker.headers)
    assert refused.status_code == status
    assert [name.split(".")[0] for name in refused.json.get("errors", {})] == ([at_fault] if at_fault else [])
    assert store.database["accounts"].count_documents({"product": "SAVER"}) == 0


def test_customers_open_for_nobody_else_and_with_no_number_or_cash(client: FlaskClient, bank: Bank) -> None:
    alice, _ = bank.verified()
    for body in ({"customer": "x"}, {"number": new_account_number()}, {"opening_deposit": 5}, {"branch": "X"}):
        refused = open_own(client, alice, **body)
        assert (refused.status_code, list(refused.json["errors"])) == (422, list(body))
