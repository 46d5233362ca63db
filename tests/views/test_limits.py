"""Limits over HTTP: of one transaction and of the bank's calendar day, for withdrawals and transfers apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import Limits
from app.domain.actor import Role
from app.models.store import Store
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account, new_terms
from tests.factories.people import Person, code_of, new_person
from tests.factories.users import logged_in, new_staff

pytestmark = pytest.mark.usefixtures("one_day")
KINDS = ["withdrawal", "transfer"]


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Archer", balance=100_000)


@pytest.fixture
def other(store: Store) -> str:
    return an_account(store)


def take(person: Person, kind: str, amount: str, to: str) -> TestResponse:
    return person.send(to, amount) if kind == "transfer" else person.post("/withdraw", {"amount": amount})


def limit(store: Store, person: Person, **limits: int) -> None:
    store.journal.post(new_terms(person.number, limits=Limits(**limits)))


def until_a_new_day(now: datetime, zone: ZoneInfo) -> timedelta:
    """Return how long it is until the day after tomorrow begins in a time zone.

    Tomorrow would not do west of UTC: these accounts are opened by a bank that keeps UTC's day, which may be
    tomorrow's there already, and no account goes back to a day before its last.
    """
    here = now.astimezone(zone)
    midnight = (here + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC) - now


@pytest.mark.security("S61")
@pytest.mark.parametrize("kind", KINDS)
def test_one_transaction_takes_up_to_its_limit(alice: Person, other: str, store: Store, kind: str) -> None:
    limit(store, alice, **{kind: 5_000})
    assert code_of(take(alice, kind, "50.01", other)) == (409, "transaction_limit_exceeded")
    assert alice.balance() == "1000.00"
    assert [take(alice, kind, "50.00", other).status_code for _ in range(2)] == [201, 201]


@pytest.mark.security("S44")
@pytest.mark.parametrize("kind", KINDS)
def test_a_day_takes_up_to_its_limit(alice: Person, other: str, store: Store, kind: str) -> None:
    limit(store, alice, **{f"{kind}_daily": 5_000})
    assert take(alice, kind, "30", other).status_code == 201
    assert code_of(take(alice, kind, "20.01", other)) == (409, "daily_limit_exceeded")
    assert take(alice, kind, "20.00", other).status_code == 201
    assert code_of(take(alice, kind, "0.01", other)) == (409, "daily_limit_exceeded")
    assert alice.balance() == "950.00"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused_counts_for_nothing_and_what_is_paid_in_gives_nothing_back(
    alice: Person, other: str, store: Store, kind: str
) -> None:
    limit(store, alice, **{f"{kind}_daily": 5_000})
    assert code_of(take(alice, kind, "50.01", other)) == (409, "daily_limit_exceeded")
    assert take(alice, kind, "50", other).status_code == 201
    assert alice.post("/deposit", {"amount": "100"}).status_code == 201
    assert code_of(take(alice, kind, "0.01", other)) == (409, "daily_limit_exceeded")


def test_withdrawals_and_transfers_are_counted_apart(alice: Person, other: str, store: Store) -> None:
    limit(store, alice, withdrawal_daily=5_000, transfer_daily=7_000)
    assert take(alice, "withdrawal", "50", other).status_code == 201
    assert take(alice, "transfer", "70", other).status_code == 201
    assert code_of(take(alice, "withdrawal", "1", other)) == (409, "daily_limit_exceeded")
    assert code_of(take(alice, "transfer", "1", other)) == (409, "daily_limit_exceeded")


def test_a_transfer_between_own_accounts_counts_like_any(alice: Person, store: Store) -> None:
    limit(store, alice, transfer_daily=5_000)
    savings = an_account(store, holders=(alice.id,))
    assert alice.send(savings, "50").status_code == 201
    assert code_of(alice.send(savings, "1")) == (409, "daily_limit_exceeded")
    assert alice.send(alice.number, "50", **{"from": savings}).status_code == 201


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_binds_at_the_counter_too(
    client: FlaskClient, alice: Person, other: str, store: Store, kind: str
) -> None:
    limit(store, alice, **{f"{kind}_daily": 5_000})
    assert take(alice, kind, "50", other).status_code == 201
    banker = new_staff(client, store, "banker", Role.BANKER)
    path, body = {
        "withdrawal": (f"/banker/accounts/{alice.number}/withdraw", {"amount": "1"}),
        "transfer": ("/banker/transfers", {"from": alice.number, "to": other, "amount": "1"}),
    }[kind]
    assert code_of(client.post(path, json=body, headers=banker.headers)) == (409, "daily_limit_exceeded")


@pytest.mark.parametrize("kind", KINDS)
def test_a_repeated_request_is_answered_as_the_first_time_and_counts_once(
    alice: Person, other: str, store: Store, kind: str
) -> None:
    limit(store, alice, **{f"{kind}_daily": 5_000})
    path = "/transfers" if kind == "transfer" else "/withdraw"
    body = {"amount": "50", "to": other} if kind == "transfer" else {"amount": "50"}
    first, again = (alice.post(path, body, key="k") for _ in range(2))
    assert (again.status_code, again.json) == (201, first.json)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_day_begins_anew_at_midnight_of_the_banks_time_zone(
    app_with: Callable[..., Flask], alice: Person, other: str, store: Store, clock: MovableClock, kind: str, zone: str
) -> None:
    limit(store, alice, **{f"{kind}_daily": 5_000})
    alice = alice.on(app_with(bank_timezone=zone).test_client())
    clock.forward(until_a_new_day(clock.now(), ZoneInfo(zone)) - timedelta(minutes=1))
    alice.login = logged_in(alice.client)
    assert take(alice, kind, "50", other).status_code == 201
    clock.forward(timedelta(seconds=50))
    assert code_of(take(alice, kind, "0.01", other)) == (409, "daily_limit_exceeded")
    clock.forward(timedelta(seconds=10))
    assert take(alice, kind, "50", other).status_code == 201
    assert code_of(take(alice, kind, "0.01", other)) == (409, "daily_limit_exceeded")
