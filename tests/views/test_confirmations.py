"""A transfer that is large or to somebody new is made once, exactly as its customer has confirmed it by a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models.store import Store
from config import Config
from tests.factories.authenticators import OwnAuthenticator, enrolled, log_in_with, logged_in_with, ticket_of
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account
from tests.factories.people import Person, code_of, new_person
from tests.parallel import at_once

STEP_UP = (403, "step_up_required")


@dataclass
class Confirming:
    """A customer with an authenticator."""

    person: Person
    own: OwnAuthenticator

    def ask(self, to: Any, amount: Any, **body: Any) -> TestResponse:
        return self.person.post("/confirmations", {"operation": "transfer", "to": to, "amount": amount, **body})

    def confirm(self, confirmation: str, code: Any = None) -> TestResponse:
        return self.person.post(f"/confirmations/{confirmation}/confirm", {"code": code or self.own.code()})

    def confirmed(self, to: str, amount: str, **body: Any) -> str:
        """Return the id of a confirmation of this transfer."""
        asked = self.ask(to, amount, **body)
        assert asked.status_code == 201, asked.text
        answer = self.confirm(asked.json["id"])
        assert answer.status_code == 200, answer.text
        return str(answer.json["id"])

    def limit(self, limit: Any, **body: Any) -> TestResponse:
        body = {"limit": limit, **body}
        return self.person.client.put("/me/confirmation-limit", json=body, headers=self.person.login.headers)


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application under the clock that the test moves."""
    return app_with()


def confirming(client: FlaskClient, store: Store, clock: MovableClock, username: str, full_name: str) -> Confirming:
    person = new_person(client, store, username, full_name, balance=1_000_000)
    own = enrolled(client, person.login, clock)
    person.login = logged_in_with(client, own, username)
    return Confirming(person, own)


@pytest.fixture
def alice(client: FlaskClient, store: Store, clock: MovableClock) -> Confirming:
    return confirming(client, store, clock, "alice", "Alice Ann Archer")


@pytest.fixture
def bob(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "bob", "Bob Brown", balance=1_000_000)


@pytest.fixture
def carol(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "carol", "Carol Carter")


# ---- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.security("S42")
def test_what_is_shown_is_what_is_confirmed_and_what_is_paid(alice: Confirming, bob: Person) -> None:
    asked = alice.ask(bob.number, "2500.00")
    shown = asked.json
    assert shown == {
        "id": shown["id"],
        "operation": "transfer",
        "from": alice.person.number,
        "to": bob.number,
        "payee_name": "B*** B***",
        "amount": "2500.00",
        "currency": "USD",
        "status": "pending",
        "tries_left": 5,
        "expires_at": shown["expires_at"],
    }
    confirmed = alice.confirm(shown["id"]).json
    assert confirmed == {**shown, "status": "confirmed", "tries_left": 4}
    line = alice.person.send(bob.number, "2500.00", confirmation=shown["id"]).json
    assert (line["amount"], line["counterparty"]["name"]) == ("2500.00", "B*** B***")
    assert bob.balance() == "12500.00"


@pytest.mark.security("S39")
def test_a_first_payment_needs_a_confirmation_and_makes_its_payee_trusted(alice: Confirming, bob: Person) -> None:
    assert code_of(alice.person.send(bob.number, "10.00")) == STEP_UP
    paid = alice.person.send(bob.number, "10.00", confirmation=alice.confirmed(bob.number, "10.00"))
    assert paid.status_code == 201
    assert alice.person.send(bob.number, "999.99").status_code == 201
    assert alice.person.send(bob.number, "1000.00").status_code == 201
    assert code_of(alice.person.send(bob.number, "1000.01")) == STEP_UP
    assert bob.balance() == "12009.99"


def test_trust_is_one_customers_and_ends_with_the_saved_payee(
    client: FlaskClient, store: Store, clock: MovableClock, alice: Confirming, bob: Person
) -> None:
    dora = confirming(client, store, clock, "dora", "Dora Dean")
    alice.person.post("/payees", {"account": bob.number, "label": "Bob"})
    alice.person.send(bob.number, "10.00", confirmation=alice.confirmed(bob.number, "10.00"))
    assert code_of(dora.person.send(bob.number, "10.00")) == STEP_UP
    assert alice.person.send(bob.number, "10.00").status_code == 201
    client.delete(f"/payees/{bob.number}", headers=alice.person.login.headers)
    assert code_of(alice.person.send(bob.number, "10.00")) == STEP_UP


def test_a_payment_that_failed_makes_nobody_trusted(alice: Confirming, bob: Person) -> None:
    confirmation = alice.confirmed(bob.number, "99999.00")
    assert code_of(alice.person.send(bob.number, "99999.00", confirmation=confirmation)) == (409, "insufficient_funds")
    assert code_of(alice.person.send(bob.number, "1.00")) == STEP_UP


def test_between_own_accounts_nothing_is_asked_for(alice: Confirming, store: Store) -> None:
    savings = an_account(store, holders=(alice.person.id,))
    assert alice.person.send(savings, "5000.00").status_code == 201


@pytest.mark.security("S39")
def test_without_an_authenticator_only_large_payments_are_refused(
    app_with: Callable[..., Flask], bob: Person, carol: Person
) -> None:
    assert bob.send(carol.number, "1000.00").status_code == 201
    answer = bob.send(carol.number, "1000.01")
    assert code_of(answer) == STEP_UP
    assert "/auth/mfa/enrol" in answer.json["detail"]
    strict = bob.on(app_with(require_customer_mfa=True).test_client())
    assert code_of(strict.send(carol.number, "1.00")) == STEP_UP
    asked = bob.post("/confirmations", {"operation": "transfer", "to": carol.number, "amount": "1.00"})
    assert code_of(asked) == (409, "mfa_not_enrolled")


# ---- what it is bound to ---------------------------------------------------------------------------------------------


@pytest.mark.security("S40", "S41")
def test_another_amount_payee_or_account_is_not_what_was_confirmed(
    alice: Confirming, bob: Person, carol: Person, store: Store
) -> None:
    savings = an_account(store, holders=(alice.person.id,), balance=1_000_000)
    confirmation = alice.confirmed(bob.number, "2500.00")
    for to, amount, source in (
        (bob.number, "2500.01", alice.person.number),
        (bob.number, "2499.99", alice.person.number),
        (carol.number, "2500.00", alice.person.number),
        (bob.number, "2500.00", savings),
        (savings, "2500.00", alice.person.number),
    ):
        answer = alice.person.send(to, amount, confirmation=confirmation, **{"from": source})
        assert code_of(answer) == STEP_UP, (to, amount, source)
    assert (bob.balance(), alice.person.balance()) == ("10000.00", "10000.00")
    assert alice.person.send(bob.number, "2500.00", confirmation=confirmation).status_code == 201


@pytest.mark.security("S40", "S41")
def test_a_confirmation_is_good_for_one_transfer(alice: Confirming, bob: Person) -> None:
    confirmation = alice.confirmed(bob.number, "2500.00")
    assert alice.person.send(bob.number, "2500.00", key="one", confirmation=confirmation).status_code == 201
    assert code_of(alice.person.send(bob.number, "2500.00", key="two", confirmation=confirmation)) == STEP_UP
    again = alice.person.send(bob.number, "2500.00", key="one", confirmation=confirmation)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert bob.balance() == "12500.00"


@pytest.mark.security("S40", "S41")
def test_a_replay_is_answered_as_it_was_whatever_is_asked_for_today(alice: Confirming, bob: Person) -> None:
    alice.person.send(bob.number, "10.00", confirmation=alice.confirmed(bob.number, "10.00"))
    first = alice.person.send(bob.number, "900.00", key="one")
    assert alice.limit("100.00").status_code == 200
    assert code_of(alice.person.send(bob.number, "900.00", key="two")) == STEP_UP
    again = alice.person.send(bob.number, "900.00", key="one")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")


def test_of_fifty_parallel_transfers_with_one_confirmation_in_two_processes_one_is_made(
    app_with: Callable[..., Flask], alice: Confirming, bob: Person
) -> None:
    clients = [app_with(), app_with()]
    confirmation = alice.confirmed(bob.number, "1500.00")

    def send(number: int) -> TestResponse:
        person = alice.person.on(clients[number % 2].test_client())
        return person.send(bob.number, "1500.00", key=f"key-{number}", confirmation=confirmation)

    answers = at_once(50, send)
    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 49
    assert (bob.balance(), alice.person.balance()) == ("11500.00", "8500.00")


@pytest.mark.security("S40", "S41")
def test_a_confirmation_is_its_customers_alone(
    client: FlaskClient, store: Store, clock: MovableClock, alice: Confirming, bob: Person
) -> None:
    dora = confirming(client, store, clock, "dora", "Dora Dean")
    asked = alice.ask(bob.number, "2500.00").json["id"]
    theirs, nobodys = dora.confirm(asked), dora.confirm("0" * 32)
    assert code_of(theirs) == code_of(nobodys) == (404, "not_found")
    assert theirs.json["detail"] == nobodys.json["detail"]
    alice.confirm(asked)
    assert code_of(dora.person.send(bob.number, "2500.00", confirmation=asked)) == STEP_UP
    source = {"from": alice.person.number}
    assert code_of(dora.person.send(bob.number, "2500.00", confirmation=asked, **source)) == (404, "not_found")
    assert code_of(dora.ask(bob.number, "1.00", **source)) == (404, "not_found")


def test_one_holder_of_an_account_can_not_use_what_the_other_has_confirmed(
    client: FlaskClient, store: Store, clock: MovableClock, alice: Confirming, bob: Person
) -> None:
    dora = confirming(client, store, clock, "dora", "Dora Dean")
    shared = {"from": an_account(store, holders=(alice.person.id, dora.person.id), balance=1_000_000)}
    confirmation = alice.confirmed(bob.number, "2500.00", **shared)
    assert code_of(dora.person.send(bob.number, "2500.00", confirmation=confirmation, **shared)) == STEP_UP
    assert alice.person.send(bob.number, "2500.00", confirmation=confirmation, **shared).status_code == 201


def test_one_that_was_not_confirmed_counts_for_nothing(alice: Confirming, bob: Person) -> None:
    asked = alice.ask(bob.number, "2500.00").json["id"]
    assert code_of(alice.person.send(bob.number, "2500.00", confirmation=asked)) == STEP_UP
    assert code_of(alice.person.send(bob.number, "2500.00", confirmation="made up")) == STEP_UP


@pytest.mark.security("S40", "S41")
def test_a_confirmation_ends_after_five_minutes(alice: Confirming, bob: Person, clock: MovableClock) -> None:
    pending = alice.ask(bob.number, "2500.00").json["id"]
    confirmed = alice.confirmed(bob.number, "2500.00")
    clock.forward(timedelta(minutes=5))
    assert code_of(alice.confirm(pending)) == (404, "not_found")
    assert code_of(alice.person.send(bob.number, "2500.00", confirmation=confirmed)) == STEP_UP


# ---- the code --------------------------------------------------------------------------------------------------------


def test_a_code_confirms_one_thing_and_logs_nobody_in(
    client: FlaskClient, clock: MovableClock, alice: Confirming, bob: Person
) -> None:
    first, second = (alice.ask(bob.number, "2500.00").json["id"] for _ in range(2))
    ticket = ticket_of(client, "alice")
    code = alice.own.code()
    assert alice.confirm(first, code).status_code == 200
    assert code_of(alice.confirm(second, code)) == (401, "invalid_code")
    assert code_of(log_in_with(client, ticket, code)) == (401, "invalid_code")
    assert code_of(alice.confirm(first)) == (409, "confirmation_ended")


def test_a_recovery_code_confirms_once(alice: Confirming, bob: Person) -> None:
    first, second = (alice.ask(bob.number, "2500.00").json["id"] for _ in range(2))
    assert alice.confirm(first, alice.own.recovery_codes[0]).status_code == 200
    assert code_of(alice.confirm(second, alice.own.recovery_codes[0])) == (401, "invalid_code")


@pytest.mark.security("S40", "S41")
def test_a_confirmation_is_tried_five_times_at_most(
    app_with: Callable[..., Flask], alice: Confirming, bob: Person
) -> None:
    patient = Confirming(alice.person.on(app_with(login_failures_max=100).test_client()), alice.own)
    asked = patient.ask(bob.number, "2500.00").json["id"]
    assert [code_of(patient.confirm(asked, alice.own.wrong_code())) for _ in range(5)] == [(401, "invalid_code")] * 5
    assert code_of(patient.confirm(asked)) == (409, "confirmation_ended")


@pytest.mark.security("S41")
def test_wrong_codes_count_together_wherever_they_are_sent(
    client: FlaskClient, alice: Confirming, bob: Person, clock: MovableClock, config: Config
) -> None:
    wrong = alice.own.wrong_code()
    for _ in range(3):
        log_in_with(client, ticket_of(client, "alice"), wrong)
    for _ in range(2):
        alice.confirm(alice.ask(bob.number, "2500.00").json["id"], wrong)
    asked = alice.ask(bob.number, "2500.00").json["id"]
    assert code_of(alice.confirm(asked)) == (429, "code_locked")
    clock.forward(config.login_lockout)
    alice.person.login = logged_in_with(client, alice.own)
    assert alice.confirmed(bob.number, "2500.00")


def test_many_codes_sent_at_once_confirm_once(alice: Confirming, bob: Person, app: Flask) -> None:
    asked = alice.ask(bob.number, "2500.00").json["id"]
    code = alice.own.code()

    def confirm(_: int) -> int:
        return Confirming(alice.person.on(app.test_client()), alice.own).confirm(asked, code).status_code

    assert at_once(20, confirm).count(200) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "contact_change"},
        {"operation": {"$ne": ""}},
        {"amount": {"$gt": ""}},
        {"amount": "0"},
        {"amount": "0.001"},
        {"amount": "1e9"},
        {"amount": None},
        {"to": {"$gt": ""}},
        {"to": "1"},
        {"user_id": "x"},
        {"status": "confirmed"},
    ],
)
def test_what_makes_no_sense_is_refused(alice: Confirming, bob: Person, change: dict[str, Any]) -> None:
    body = {"operation": "transfer", "to": bob.number, "amount": "1.00"} | change
    assert alice.person.post("/confirmations", body).status_code == 422


@pytest.mark.parametrize("confirmation", [None, 1, {"$ne": ""}, ["x"], "", "x" * 65])
def test_a_confirmation_of_the_wrong_shape_is_refused(alice: Confirming, bob: Person, confirmation: Any) -> None:
    assert alice.person.send(bob.number, "1.00", confirmation=confirmation).status_code == 422


def test_only_what_there_is_can_be_confirmed(alice: Confirming) -> None:
    assert code_of(alice.ask(alice.person.number, "1.00")) == (422, "same_account")
    assert code_of(alice.ask("482915306750", "1.00"))[1] == "unknown_payee"


# ---- the limit -------------------------------------------------------------------------------------------------------


@pytest.mark.security("S39")
def test_the_limit_is_lowered_freely_and_raised_with_a_code(alice: Confirming, bob: Person) -> None:
    assert alice.person.get("/me/confirmation-limit").json == {"limit": "1000.00", "currency": "USD"}
    assert alice.limit("100.00").json == {"limit": "100.00", "currency": "USD"}
    alice.person.send(bob.number, "1.00", confirmation=alice.confirmed(bob.number, "1.00"))
    assert code_of(alice.person.send(bob.number, "100.01")) == STEP_UP
    assert code_of(alice.limit("100.01")) == STEP_UP
    assert code_of(alice.limit("100.01", code=alice.own.wrong_code())) == (401, "invalid_code")
    assert alice.limit("5000.00", code=alice.own.code()).status_code == 200
    assert alice.person.send(bob.number, "5000.00").status_code == 201


@pytest.mark.security("S39")
def test_without_an_authenticator_the_limit_only_falls(bob: Person, carol: Person, clock: MovableClock) -> None:
    without = Confirming(bob, OwnAuthenticator("", clock))
    assert code_of(without.limit("2000.00", code="123456")) == (409, "mfa_not_enrolled")
    assert without.limit("5.00").status_code == 200
    assert code_of(bob.send(carol.number, "5.01")) == STEP_UP
    assert bob.send(carol.number, "5.00").status_code == 201


@pytest.mark.parametrize("limit", [0, "0.00", -1, "0.001", "1e3", None, True, {"$gt": 0}, "9" * 17])
def test_a_limit_is_an_amount(alice: Confirming, limit: Any) -> None:
    assert alice.limit(limit).status_code == 422
