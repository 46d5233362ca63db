"""Transfers over HTTP: both sides at once or nothing, and neither side learns more of the other than it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.accounts import AccountStatus, new_account_number
from app.domain.actor import Role
from app.models.store import Store
from tests.factories.ledger import an_account, block, deposit, reversal, status_change
from tests.factories.people import Person, code_of, new_person
from tests.factories.users import Login, new_staff
from tests.parallel import at_once


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Ann Archer", balance=10_000)


@pytest.fixture
def bob(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "bob", "Bob Brown")


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "banker", Role.BANKER)


def masked(number: str) -> str:
    return "*" * (len(number) - 4) + number[-4:]


def test_a_transfer_answers_with_the_senders_line(alice: Person, bob: Person) -> None:
    answer = alice.send(bob.number, "25.00", description="Rent for May", reference="RENT-2026-05")
    assert answer.status_code == 201
    line = answer.json
    assert line == {
        "id": line["id"],
        "transaction_id": line["transaction_id"],
        "account": alice.number,
        "seq": 2,
        "type": "transfer",
        "direction": "debit",
        "amount": "25.00",
        "currency": "USD",
        "balance_after": "75.00",
        "description": "Rent for May",
        "reference": "RENT-2026-05",
        "counterparty": {"name": "B*** B***", "account": masked(bob.number)},
        "exchange": None,
        "created_at": line["created_at"],
    }
    assert (alice.balance(), bob.balance()) == ("75.00", "25.00")


def test_both_sides_see_each_other_masked_in_list_and_line(alice: Person, bob: Person) -> None:
    sent = alice.send(bob.number, "25.00", description="Rent", reference="R1").json
    assert alice.get("/transactions").json["items"][0] == sent
    assert alice.get(f"/transactions/{sent['id']}").json == {**sent, "reverses": None, "reversed_by": None}
    (received,) = bob.get("/transactions").json["items"]
    assert received["transaction_id"] == sent["transaction_id"]
    assert received["counterparty"] == {"name": "A*** A***", "account": masked(alice.number)}
    assert (received["direction"], received["description"], received["reference"]) == ("credit", "Rent", "R1")
    assert alice.number not in bob.get(f"/transactions/{received['id']}").text
    assert "Archer" not in bob.get("/transactions").text


def test_each_side_finds_its_own_line_by_the_transactions_id(store: Store, alice: Person, bob: Person) -> None:
    sent = alice.send(bob.number, "1").json
    savings = an_account(store, holders=(alice.id,))
    moved = alice.send(savings, "2").json
    for who, transaction, account in (
        (alice, sent["transaction_id"], alice.number),
        (bob, sent["transaction_id"], bob.number),
        (alice, moved["transaction_id"], alice.number),
    ):
        assert who.get(f"/transactions/{transaction}").json["account"] == account
    assert bob.get(f"/transactions/{moved['transaction_id']}").status_code == 404


def test_between_own_accounts_the_number_is_shown_in_full(alice: Person, store: Store) -> None:
    savings = an_account(store, holders=(alice.id,), holder_names=("Alice Ann Archer",))
    line = alice.send(savings, "40").json
    assert line["counterparty"] == {"name": "A*** A***", "account": savings}
    assert (alice.balance(), alice.balance(savings)) == ("60.00", "40.00")
    back = alice.send(alice.number, "10", **{"from": savings})
    assert back.json["account"] == savings
    assert alice.get(f"/transactions?account={savings}").json["items"][0] == back.json
    assert alice.balance() == "70.00"


def test_a_line_with_cash_has_no_counterparty(alice: Person) -> None:
    assert alice.get("/transactions").json["items"][0]["counterparty"] is None


def test_a_transaction_that_was_reversed_says_so_on_the_line(alice: Person, bob: Person, store: Store) -> None:
    sent = alice.send(bob.number, "25.00").json
    undone = store.journal.post(reversal(sent["transaction_id"])).transaction.id
    assert alice.get(f"/transactions/{sent['id']}").json["reversed_by"] == undone
    theirs = bob.get("/transactions").json["items"]
    assert bob.get(f"/transactions/{theirs[0]['id']}").json["reverses"] == sent["transaction_id"]
    assert bob.get(f"/transactions/{theirs[1]['id']}").json["reversed_by"] == undone


def test_a_repeated_transfer_is_answered_as_the_first_time(alice: Person, bob: Person) -> None:
    first, again = (alice.send(bob.number, amount, key="k", reference="R1") for amount in ("10", 10.00))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (alice.balance(), bob.balance()) == ("90.00", "10.00")


@pytest.mark.parametrize(
    "change", [{"amount": "10.01"}, {"to": "other"}, {"description": "x"}, {"reference": "x"}, {"from": "named"}]
)
def test_a_key_used_for_another_transfer_is_refused(
    alice: Person, bob: Person, store: Store, change: dict[str, str]
) -> None:
    assert alice.send(bob.number, "10", key="k").status_code == 201
    given = {"other": an_account(store), "named": alice.number}
    body = {"to": bob.number, "amount": "10", **{name: given.get(value, value) for name, value in change.items()}}
    assert code_of(alice.send(**body, key="k")) == (422, "idempotency_mismatch")
    assert bob.balance() == "10.00"


def test_a_key_of_a_deposit_is_no_key_of_a_transfer(alice: Person, bob: Person) -> None:
    assert alice.post("/deposit", {"amount": "10"}, key="k").status_code == 201
    assert code_of(alice.send(bob.number, "10", key="k")) == (422, "idempotency_mismatch")


@pytest.mark.security("S61")
def test_the_two_accounts_must_differ(alice: Person) -> None:
    assert code_of(alice.send(alice.number, "1")) == (422, "same_account")
    assert code_of(alice.send(alice.number, "1", **{"from": alice.number})) == (422, "same_account")


def test_a_target_that_nobody_has_is_an_unknown_payee(alice: Person) -> None:
    assert code_of(alice.send(new_account_number(), "1")) == (404, "unknown_payee")
    assert alice.balance() == "100.00"


def test_a_source_that_is_somebody_elses_is_not_found_like_one_that_nobody_has(alice: Person, bob: Person) -> None:
    theirs = bob.send(bob.number, "1", **{"from": alice.number})
    nobodys = bob.send(alice.number, "1", **{"from": new_account_number()})
    assert code_of(theirs) == (404, "not_found")
    assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
    assert alice.balance() == "100.00"


@pytest.mark.security("S45", "S46")
@pytest.mark.parametrize("field", ["to", "from"])
@pytest.mark.parametrize("value", ["cash-USD", "cash-USD#00", "123", {"$gt": ""}, ["x"], None, 5, "' OR 1=1"])
def test_what_is_no_account_number_is_refused(alice: Person, bob: Person, field: str, value: Any) -> None:
    answer = alice.send(**{"to": bob.number, "amount": "1", field: value})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


@pytest.mark.parametrize("reference", ["", "x" * 36, "a\nb", 7, {"$gt": ""}, "\u202eabc"])
def test_a_reference_is_a_short_printable_line(alice: Person, bob: Person, reference: Any) -> None:
    answer = alice.send(bob.number, "1", reference=reference)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["reference"])


@pytest.mark.parametrize("amount", [0, -1, "1e2", "1.001", True, None, "NaN", 10**14])
def test_what_is_no_amount_is_refused(alice: Person, bob: Person, amount: Any) -> None:
    answer = alice.send(bob.number, amount)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["amount"])
    assert bob.balance() == "0.00"


@pytest.mark.security("S04")
@pytest.mark.parametrize("field", ["currency", "source", "holder", "type", "forced_by", "fee", "value_date"])
def test_a_field_that_is_not_asked_for_is_refused(alice: Person, bob: Person, field: str) -> None:
    answer = alice.send(bob.number, "1", **{field: "1"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_more_than_is_available_is_refused_and_moves_nothing(alice: Person, bob: Person) -> None:
    assert code_of(alice.send(bob.number, "100.01")) == (409, "insufficient_funds")
    assert (alice.balance(), bob.balance()) == ("100.00", "0.00")


@pytest.mark.security("S61")
def test_accounts_of_two_currencies_need_a_quote(alice: Person, store: Store) -> None:
    assert code_of(alice.send(an_account(store, currency="EUR"), "1")) == (422, "currency_mismatch")
    assert alice.balance() == "100.00"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (AccountStatus.FROZEN_DEBITS, "account_frozen"),
        (AccountStatus.FROZEN, "account_frozen"),
        (AccountStatus.DORMANT, "account_dormant"),
    ],
)
def test_an_account_that_may_not_give_is_refused_by_name(
    alice: Person, bob: Person, store: Store, status: AccountStatus, code: str
) -> None:
    store.journal.post(status_change(alice.number, status))
    assert code_of(alice.send(bob.number, "1")) == (409, code)
    assert (alice.balance(), bob.balance()) == ("100.00", "0.00")


@pytest.mark.parametrize("status", [AccountStatus.FROZEN_DEBITS, AccountStatus.DORMANT])
def test_an_account_that_may_only_receive_does_so_and_nothing_tells(
    alice: Person, bob: Person, store: Store, status: AccountStatus
) -> None:
    store.journal.post(status_change(bob.number, status))
    assert alice.send(bob.number, "1").status_code == 201
    assert bob.balance() == "1.00"


def test_that_a_payees_account_is_frozen_is_not_told(alice: Person, bob: Person, store: Store) -> None:
    store.journal.post(status_change(bob.number, AccountStatus.FROZEN))
    answer = alice.send(bob.number, "1")
    assert code_of(answer) == (409, "payee_unavailable")
    assert "frozen" not in answer.text
    assert alice.balance() == "100.00"


def test_that_an_own_account_is_frozen_is_told(alice: Person, store: Store) -> None:
    savings = an_account(store, holders=(alice.id,))
    store.journal.post(status_change(savings, AccountStatus.FROZEN))
    assert code_of(alice.send(savings, "1")) == (409, "account_frozen")


def test_a_closed_account_takes_nothing(alice: Person, bob: Person, store: Store) -> None:
    closed = an_account(store, status=AccountStatus.CLOSED)
    assert code_of(alice.send(closed, "1")) == (409, "account_closed")
    assert alice.balance() == "100.00"


def test_who_can_not_pay_learns_nothing_of_the_payees_account(bob: Person, store: Store) -> None:
    for status in (AccountStatus.FROZEN, AccountStatus.CLOSED, AccountStatus.ACTIVE):
        assert code_of(bob.send(an_account(store, status=status), "1")) == (409, "insufficient_funds")


def test_a_customer_who_tries_out_numbers_is_stopped_from_whatever_address(
    app_with: Callable[..., Flask], alice: Person, bob: Person, store: Store
) -> None:
    alice = alice.on(app_with(rate_limit_payees="3/hour").test_client())
    savings = an_account(store, holders=(alice.id,))
    for _ in range(3):
        assert code_of(alice.send(new_account_number(), "1")) == (404, "unknown_payee")
    refused = [alice.send(number, "1") for number in (new_account_number(), bob.number)]
    assert [code_of(answer) for answer in refused] == [(429, "rate_limited")] * 2
    assert int(refused[0].headers["Retry-After"]) > 3_000
    assert alice.send(savings, "1").status_code == 201
    assert bob.send(alice.number, "1").json["code"] == "insufficient_funds"


def test_who_has_looked_for_too_many_still_gets_the_first_answer_and_learns_nothing_by_its_key(
    app_with: Callable[..., Flask], alice: Person, bob: Person
) -> None:
    alice = alice.on(app_with(rate_limit_payees="3/hour").test_client())
    first = alice.send(bob.number, "1", key="k")
    for _ in range(3):
        alice.send(new_account_number(), "1")
    again = alice.send(bob.number, "1", key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert code_of(alice.send(bob.number, "2", key="k")) == (422, "idempotency_mismatch")
    assert code_of(alice.send(bob.number, "1", key="l")) == (429, "rate_limited")
    assert code_of(alice.send(new_account_number(), "1", key="k")) == (429, "rate_limited")


@pytest.mark.parametrize("path", ["/transfers", "/withdraw", "/deposit"])
@pytest.mark.parametrize("other", ["JPY", "USD", "target"])
def test_a_repeated_request_without_an_account_means_the_one_that_was_primary_then(
    alice: Person, store: Store, path: str, other: str
) -> None:
    own = [an_account(store, holders=(alice.id,), currency=currency) for currency in ("USD", "JPY")]
    body = {"amount": "10.50"} | ({"to": own[0]} if path == "/transfers" else {})
    first = alice.post(path, body, key="k")
    assert first.status_code == 201
    third = an_account(store, holders=(alice.id,))
    choose(alice, {"JPY": own[1], "USD": third, "target": own[0]}[other])
    again = alice.post(path, body, key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert code_of(alice.post(path, {**body, "amount": "11"}, key="k")) == (422, "idempotency_mismatch")


def choose(person: Person, number: str) -> None:
    answer = person.client.post(f"/accounts/{number}/primary", headers=person.login.headers)
    assert answer.status_code == 200, answer.text


def test_fifty_transfers_at_once_take_what_is_there_and_no_more(app: Flask, alice: Person, bob: Person) -> None:
    def send(number: int) -> int:
        return alice.on(app.test_client()).send(bob.number, "10", key=f"k{number}").status_code

    codes = at_once(50, send)
    assert (codes.count(201), codes.count(409)) == (10, 40)
    assert (alice.balance(), bob.balance()) == ("0.00", "100.00")


def test_a_banker_moves_money_on_a_customers_behalf_and_sees_it_all(
    client: FlaskClient, alice: Person, bob: Person, banker: Login
) -> None:
    body = {"from": alice.number, "to": bob.number, "amount": "30", "description": "as asked"}
    answer = client.post("/banker/transfers", json=body, headers=banker.headers)
    assert answer.status_code == 201
    assert answer.json["counterparty"] == {"name": "B*** B***", "account": bob.number}
    assert (alice.balance(), bob.balance()) == ("70.00", "30.00")
    whole = client.get(f"/banker/transactions/{answer.json['transaction_id']}", headers=banker.headers).json
    assert (whole["channel"], [leg["account"] for leg in whole["legs"]]) == ("counter", [alice.number, bob.number])
    line = client.get(f"/banker/accounts/{alice.number}/transactions", headers=banker.headers).json["items"][0]
    assert line["counterparty"] == answer.json["counterparty"]
    assert alice.get("/transactions").json["items"][0]["counterparty"]["account"] == masked(bob.number)


def test_a_bankers_transfer_names_both_accounts(client: FlaskClient, alice: Person, banker: Login) -> None:
    unknown = new_account_number()
    expected = [
        ({"to": alice.number, "amount": "1"}, 422, "validation_failed"),
        ({"from": alice.number, "to": unknown, "amount": "1"}, 404, "unknown_payee"),
        ({"from": unknown, "to": alice.number, "amount": "1"}, 404, "not_found"),
        ({"from": alice.number, "to": alice.number, "amount": "1"}, 422, "same_account"),
    ]
    for body, status, code in expected:
        assert code_of(client.post("/banker/transfers", json=body, headers=banker.headers)) == (status, code)


def test_a_bankers_key_is_bound_to_both_accounts(
    client: FlaskClient, alice: Person, bob: Person, banker: Login, store: Store
) -> None:
    headers = banker.headers | {"Idempotency-Key": "k"}
    targets = (bob.number, bob.number, an_account(store))
    bodies = [{"from": alice.number, "to": target, "amount": "1"} for target in targets]
    answers = [client.post("/banker/transfers", json=body, headers=headers) for body in bodies]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json == answers[1].json
    assert bob.balance() == "1.00"


def test_a_suspended_customer_sends_nothing_and_is_sent_to_as_before(alice: Person, bob: Person, store: Store) -> None:
    store.journal.post(block(alice.number, holder=alice.id))
    assert code_of(alice.send(bob.number, "1")) == (409, "account_blocked")
    savings = an_account(store, holders=(alice.id,))
    assert code_of(alice.send(savings, "1")) == (409, "account_blocked")
    store.journal.post(deposit(bob.number, 100))
    assert bob.send(alice.number, "1").status_code == 201
    assert alice.balance() == "101.00"


def test_any_holder_sends_from_a_joint_account_and_is_recorded(
    client: FlaskClient, alice: Person, bob: Person, banker: Login, store: Store
) -> None:
    joint = an_account(store, balance=5_000, holders=(alice.id, bob.id), holder_names=("Alice Ann Archer", "Bob Brown"))
    target = an_account(store)
    sent = [person.send(target, "10", **{"from": joint}).json for person in (alice, bob)]
    wholes = [
        client.get(f"/banker/transactions/{each['transaction_id']}", headers=banker.headers).json for each in sent
    ]
    users = [person.get("/auth/me").json["id"] for person in (alice, bob)]
    assert [whole["initiated_by"] for whole in wholes] == users
    carol = new_person(client, store, "carol", "Carol Carter")
    assert code_of(carol.send(target, "10", **{"from": joint})) == (404, "not_found")
    assert alice.send(joint, "1").json["counterparty"] == {"name": "A*** A*** & B*** B***", "account": joint}
