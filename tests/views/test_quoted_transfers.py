"""Transfers into another currency over HTTP: at the quoted amounts, once, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.accounts import AccountStatus, Limits
from app.domain.actor import Role
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.clock import MovableClock
from tests.factories.fx import a_rate
from tests.factories.ledger import an_account, deposit, reversal, status_change
from tests.factories.people import Person, code_of, new_person
from tests.factories.users import new_staff
from tests.parallel import at_once


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Archer", balance=20_000)


@pytest.fixture
def euros(store: Store) -> str:
    """The number of Bob's account in euros; one dollar gives 0.792 of them."""
    a_rate(store)
    return an_account(store, currency="EUR", holders=("bob",), holder_names=("Bob Brown",))


def quote(person: Person, target: str, amount: Any) -> str:
    answer = person.post("/transfers/quote", {"from": person.number, "to": target, "amount": amount})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def balance_of(store: Store, number: str) -> int:
    return store.accounts.get_customer_account(number).balance


def test_a_quoted_transfer_moves_both_currencies_over_the_banks_positions(
    client: FlaskClient, store: Store, alice: Person, euros: str
) -> None:
    answer = alice.send(euros, "100.00", quote=quote(alice, euros, "100.00"))
    assert answer.status_code == 201
    assert (answer.json["amount"], answer.json["currency"], answer.json["balance_after"]) == ("100.00", "USD", "100.00")
    assert answer.json["counterparty"]["name"] == "B*** B***"
    assert balance_of(store, euros) == 7_920
    banker = new_staff(client, store, "banker", Role.BANKER)
    whole = client.get(f"/banker/transactions/{answer.json['transaction_id']}", headers=banker.headers).json
    assert whole["type"] == "transfer"
    assert [(leg["account"], leg["direction"], leg["amount"], leg["currency"]) for leg in whole["legs"]] == [
        (alice.number, "debit", "100.00", "USD"),
        ("fx-USD", "credit", "100.00", "USD"),
        ("fx-EUR", "debit", "79.20", "EUR"),
        (euros, "credit", "79.20", "EUR"),
    ]
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_both_sides_and_the_bank_see_the_rate_and_what_the_other_side_moved(
    client: FlaskClient, store: Store, alice: Person
) -> None:
    a_rate(store)
    bob = new_person(client, store, "bob", "Bob Brown")
    euros = an_account(store, currency="EUR", holders=(bob.id,))
    given = quote(alice, euros, "100.00")
    sent = alice.send(euros, "100.00", quote=given, key="k", reference="R-1").json
    arrived = {"rate": "0.792", "amount": "79.20", "currency": "EUR", "quote": given}
    left = {"rate": "0.792", "amount": "100.00", "currency": "USD", "quote": given}
    assert (sent["exchange"], sent["reference"]) == (arrived, "R-1")
    assert alice.send(euros, "100.00", quote=given, key="k", reference="R-1").json == sent
    assert alice.get("/transactions?type=transfer").json["items"] == [sent]
    assert alice.get(f"/transactions/{sent['id']}").json["exchange"] == arrived
    (line,) = bob.get("/transactions").json["items"]
    assert (line["exchange"], line["reference"]) == (left, "R-1")
    banker = new_staff(client, store, "banker", Role.BANKER)
    whole = client.get(f"/banker/transactions/{sent['transaction_id']}", headers=banker.headers).json
    assert whole["exchange"] == arrived
    seen = client.get("/banker/transactions?type=transfer", headers=banker.headers).json["items"]
    assert {each["currency"]: each["exchange"] for each in seen} == {"USD": arrived, "EUR": left}


def test_without_a_quote_another_currency_is_refused(store: Store, alice: Person, euros: str) -> None:
    refused = alice.send(euros, "100.00")
    assert code_of(refused) == (422, "currency_mismatch")
    assert refused.json["detail"] == (
        "The other account has another currency: ask for a quote at /transfers/quote, and name it here as `quote`."
    )
    assert (alice.balance(), balance_of(store, euros)) == ("200.00", 0)


def test_at_the_counter_there_are_no_quotes_and_the_refusal_says_so(
    client: FlaskClient, store: Store, alice: Person, euros: str
) -> None:
    banker = new_staff(client, store, "banker", Role.BANKER)
    body = {"from": alice.number, "to": euros, "amount": "1.00"}
    refused = client.post("/banker/transfers", json=body, headers=banker.headers)
    assert code_of(refused) == (422, "currency_mismatch")
    assert refused.json["detail"] == "A transfer at the counter is between accounts of one currency."


def test_a_quote_serves_once_and_a_retry_of_its_transfer_gets_the_first_answer(
    store: Store, alice: Person, euros: str
) -> None:
    given = quote(alice, euros, "50")
    first = alice.send(euros, "50.00", quote=given, key="k")
    again = alice.send(euros, "50", quote=given, key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert code_of(alice.send(euros, "50", quote=given, key="other")) == (409, "quote_used")
    assert code_of(alice.send(euros, "50", quote=given)) == (409, "quote_used")
    assert (alice.balance(), balance_of(store, euros)) == ("150.00", 3_960)


def test_fifty_parallel_transfers_with_one_quote_are_one(app: Flask, store: Store, alice: Person, euros: str) -> None:
    given = quote(alice, euros, "1.00")
    answers = at_once(50, lambda number: alice.on(app.test_client()).send(euros, "1.00", quote=given, key=f"k{number}"))
    assert [answer.status_code for answer in answers].count(201) == 1
    assert {code_of(answer) for answer in answers if answer.status_code != 201} == {(409, "quote_used")}
    assert (alice.balance(), balance_of(store, euros)) == ("199.00", 79)


@pytest.mark.parametrize("change", ["amount", "to", "from", "customer", "quote"])
def test_a_quote_is_for_its_customer_its_accounts_and_its_amount(
    client: FlaskClient, store: Store, alice: Person, euros: str, change: str
) -> None:
    mine = an_account(store, balance=20_000, holders=(alice.id,))
    other = an_account(store, currency="EUR", holders=("bob",))
    sender, body = alice, {"to": euros, "amount": "1.00", "quote": quote(alice, euros, "1.00")}
    if change == "customer":
        sender = new_person(client, store, "eve", "Eve Evans", balance=20_000)
    else:
        body |= {"amount": {"amount": "1.01"}, "to": {"to": other}, "from": {"from": mine}, "quote": {"quote": "x"}}[
            change
        ]
    refused = sender.post("/transfers", body)
    assert code_of(refused) == (422, "quote_not_valid")
    assert (alice.balance(), balance_of(store, euros), balance_of(store, other)) == ("200.00", 0, 0)


def test_one_holder_of_an_account_can_not_use_the_quote_of_the_other(
    client: FlaskClient, store: Store, alice: Person, euros: str
) -> None:
    eve = new_person(client, store, "eve", "Eve Evans")
    shared = {"from": an_account(store, balance=20_000, holders=(alice.id, eve.id)), "to": euros, "amount": "1.00"}
    promised = {**shared, "quote": alice.post("/transfers/quote", shared).json["id"]}
    assert code_of(eve.post("/transfers", promised)) == (422, "quote_not_valid")
    assert alice.post("/transfers", promised).status_code == 201


@pytest.mark.parametrize("value", [{"$gt": ""}, ["x"], 1, "", None, "x" * 65])
def test_what_is_no_quote_is_refused(alice: Person, euros: str, value: Any) -> None:
    answer = alice.send(euros, "1.00", quote=value)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["quote"])


@pytest.mark.security("S43")
@pytest.mark.parametrize("field", ["rate", "spread", "to_amount", "fee"])
def test_nobody_sends_a_rate_of_their_own(store: Store, alice: Person, euros: str, field: str) -> None:
    answer = alice.send(euros, "1.00", quote=quote(alice, euros, "1.00"), **{field: "9"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert balance_of(store, euros) == 0


def test_a_quote_keeps_its_promise_when_the_rate_changes_and_ends_after_a_minute(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock, euros: str
) -> None:
    alice = new_person(app_with().test_client(), store, "alice", "Alice Archer", balance=20_000)
    kept, late = quote(alice, euros, "100"), quote(alice, euros, "100")
    a_rate(store, rate="5")
    clock.forward(timedelta(seconds=50))
    assert alice.send(euros, "100", quote=kept).status_code == 201
    clock.forward(timedelta(seconds=15))
    assert code_of(alice.send(euros, "100", quote=late)) == (409, "quote_expired")
    assert code_of(alice.send(euros, "100", quote=kept)) == (409, "quote_used")
    assert balance_of(store, euros) == 7_920


def test_a_retry_after_the_quotes_time_still_gets_the_first_answer(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock, euros: str
) -> None:
    alice = new_person(app_with().test_client(), store, "alice", "Alice Archer", balance=20_000)
    given = quote(alice, euros, "100")
    first = alice.send(euros, "100", quote=given, key="k")
    clock.forward(timedelta(minutes=10))
    assert alice.send(euros, "100", quote=given, key="k").json == first.json
    assert balance_of(store, euros) == 7_920


def test_a_refused_transfer_leaves_its_quote_unused(store: Store, alice: Person, euros: str) -> None:
    given = quote(alice, euros, "200.01")
    assert code_of(alice.send(euros, "200.01", quote=given)) == (409, "insufficient_funds")
    store.journal.post(deposit(alice.number, 1))
    assert alice.send(euros, "200.01", quote=given).status_code == 201
    assert alice.balance() == "0.00"


def test_a_frozen_payee_gets_nothing_and_the_quote_stays(store: Store, alice: Person, euros: str) -> None:
    given = quote(alice, euros, "1")
    store.journal.post(status_change(euros, AccountStatus.FROZEN))
    assert alice.send(euros, "1", quote=given).status_code == 409
    assert alice.balance() == "200.00"


@pytest.mark.usefixtures("one_day")
def test_the_source_amount_counts_towards_its_limits(store: Store, alice: Person, euros: str) -> None:
    mine = an_account(store, balance=20_000, holders=(alice.id,), limits=Limits(transfer_daily=10_000))
    for amount, expected in (("60.00", 201), ("40.01", 409), ("40.00", 201)):
        body = {"from": mine, "to": euros, "amount": amount}
        given = alice.post("/transfers/quote", body).json["id"]
        answer = alice.post("/transfers", {**body, "quote": given})
        assert answer.status_code == expected, answer.text
    assert balance_of(store, euros) == 7_920


def test_a_quote_between_accounts_of_one_currency_can_not_be_had(store: Store, alice: Person, euros: str) -> None:
    dollars = an_account(store, holders=("bob",))
    answer = alice.post("/transfers/quote", {"to": dollars, "amount": "1"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["to"])


def test_a_quoted_transfer_is_reversed_at_the_amounts_that_it_had(store: Store, alice: Person, euros: str) -> None:
    done = alice.send(euros, "100", quote=quote(alice, euros, "100")).json
    a_rate(store, rate="5")
    store.journal.post(reversal(done["transaction_id"]))
    assert (alice.balance(), balance_of(store, euros)) == ("200.00", 0)
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None
