"""S39 to S44: what a payment needs beside a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.accounts import Limits
from app.models.store import Store
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account
from tests.factories.people import Person, code_of, new_person
from tests.parallel import at_once
from tests.views.test_confirmations import STEP_UP, Confirming, confirming


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application under the clock that the test moves."""
    return app_with()


@pytest.fixture
def alice(client: FlaskClient, store: Store, clock: MovableClock) -> Confirming:
    return confirming(client, store, clock, "alice", "Alice Ann Archer")


@pytest.fixture
def bob(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "bob", "Bob Brown")


@pytest.fixture
def carol(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "carol", "Carol Carter")


def test_s39_a_large_payment_one_to_somebody_new_and_a_higher_limit_take_a_second_step(
    alice: Confirming, bob: Person
) -> None:
    assert code_of(alice.person.send(bob.number, "1000.01")) == STEP_UP  # above the limit
    assert code_of(alice.person.send(bob.number, "0.01")) == STEP_UP  # the first to Bob
    assert alice.limit("1000.01").status_code in (401, 403, 422)
    assert alice.person.get("/me/confirmation-limit").json["limit"] == "1000.00"
    assert alice.limit("1000.01", code=alice.own.code()).status_code == 200
    assert alice.person.send(bob.number, "1.00", confirmation=alice.confirmed(bob.number, "1.00")).status_code == 201
    assert alice.person.send(bob.number, "1000.01").status_code == 201
    assert bob.balance() == "1001.01"


def test_s40_a_confirmation_counts_for_the_payment_that_was_confirmed_and_no_other(
    alice: Confirming, bob: Person, carol: Person, store: Store
) -> None:
    other = an_account(store, balance=500_000, holders=(alice.person.id,))
    confirmed = alice.confirmed(bob.number, "2500.00")
    changes: list[tuple[str, str, dict[str, Any]]] = [
        (bob.number, "2500.01", {}),
        (bob.number, "2499.99", {}),
        (bob.number, "2501", {}),
        (carol.number, "2500.00", {}),
        (bob.number, "2500.00", {"from": other}),
    ]
    for to, amount, body in changes:
        assert code_of(alice.person.send(to, amount, confirmation=confirmed, **body)) == STEP_UP, (to, amount)
    assert (bob.balance(), carol.balance()) == ("0.00", "0.00")


def test_s41_a_confirmation_is_used_once_soon_by_its_customer_and_guessed_at_five_times(
    alice: Confirming, bob: Person, carol: Person, clock: MovableClock
) -> None:
    confirmed = alice.confirmed(bob.number, "1500.00")
    assert code_of(carol.send(bob.number, "1500.00", confirmation=confirmed))[0] in (403, 409)
    assert alice.person.send(bob.number, "1500.00", confirmation=confirmed).status_code == 201
    assert code_of(alice.person.send(bob.number, "1500.00", confirmation=confirmed)) == STEP_UP

    late = alice.confirmed(bob.number, "1500.00")
    clock.forward(timedelta(minutes=5, seconds=1))
    assert code_of(alice.person.send(bob.number, "1500.00", confirmation=late)) == STEP_UP

    asked = alice.ask(bob.number, "1500.00").json["id"]
    wrong = [alice.confirm(asked, alice.own.wrong_code()).status_code for _ in range(5)]
    assert set(wrong) <= {400, 401, 403, 422}
    assert alice.confirm(asked).status_code >= 400
    assert code_of(alice.person.send(bob.number, "1500.00", confirmation=asked)) == STEP_UP
    assert bob.balance() == "1500.00"


def test_s42_what_is_confirmed_is_shown_before_and_after(alice: Confirming, bob: Person) -> None:
    wanted = {"from": alice.person.number, "to": bob.number, "amount": "2500.00", "currency": "USD"}
    asked = alice.ask(bob.number, "2500")
    confirmed = alice.confirm(asked.json["id"])
    for shown in (asked, confirmed):
        assert {name: shown.json[name] for name in wanted} == wanted
    paid = alice.person.send(bob.number, "2500.00", confirmation=asked.json["id"])
    assert (paid.status_code, paid.json["amount"]) == (201, "2500.00")


@pytest.mark.parametrize(
    "name", ["fee", "rate", "fx_rate", "exchange", "amount_to", "balance_after", "currency", "business_date", "type"]
)
def test_s43_what_the_bank_works_out_is_taken_from_nobody(
    client: FlaskClient, store: Store, bob: Person, carol: Person, name: str
) -> None:
    bob.post("/deposit", {"amount": "5"})
    for path, body in (("/deposit", {}), ("/withdraw", {}), ("/transfers", {"to": carol.number})):
        answer = bob.post(path, {"amount": "1", **body, name: 0})
        assert (answer.status_code, list(answer.json["errors"])) == (422, [name])
    assert (bob.balance(), carol.balance()) == ("5.00", "0.00")


@pytest.mark.usefixtures("one_day")
def test_s44_of_fifty_at_once_no_more_pass_than_the_day_allows(app: Flask, client: FlaskClient, store: Store) -> None:
    dora = new_person(client, store, "dora", "Dora Dale")
    limited = an_account(store, balance=100_000, holders=(dora.id,), limits=Limits(withdrawal_daily=3_000))
    body = {"account": limited, "amount": "10.00"}
    answers = at_once(50, lambda _: dora.on(app.test_client()).post("/withdraw", body))
    assert [answer.status_code for answer in answers].count(201) == 3
    assert {code_of(each) for each in answers if each.status_code != 201} == {(409, "daily_limit_exceeded")}
    assert dora.balance(limited) == "970.00"
