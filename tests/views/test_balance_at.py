"""Balances of the past: right at every instant, at the end of every business day, and never another again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.domain.actor import Role
from app.domain.clock import end_of_business_day
from app.domain.errors import AccountBusy, DatabaseUnavailable, OutcomeUnknown, ServerBusy
from app.domain.money import Money
from app.models.connection import connect
from app.models.entries import Entries
from app.models.store import Store
from config import Config
from tests.answered import answered
from tests.contracts.test_indexes import Questions, explainable
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account, deposit, post_all, withdrawal
from tests.factories.users import Login, logged_in, new_customer, new_staff
from tests.parallel import at_once

LONG = timedelta(hours=1)
SETTLED_S = 6
"""What a posting may take at most, and its commit; all clocks here are one."""


def number_of(client: FlaskClient, login: Login) -> str:
    return str(client.get("/accounts", headers=login.headers).json["items"][0]["number"])


def written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def past_of(number: str, at: str) -> str:
    return f"/accounts/{number}/balance?at={at}"


def store_of(app: Flask) -> Store:
    return app.extensions["store"]


def test_the_balance_at_every_instant_is_the_sum_of_what_came_before(
    app_with: Callable[..., Flask], clock: MovableClock
) -> None:
    app = app_with()
    client, store = app.test_client(), store_of(app)
    alice = new_customer(client)
    number = number_of(client, alice)
    chance = random.Random(7)
    opened = clock.now()
    for _ in range(40):
        clock.forward(timedelta(milliseconds=chance.choice([0, 1, 2, 60_000, 86_400_000])))
        store.journal.post(deposit(number, chance.randint(100, 900)))
        store.journal.post(withdrawal(number, chance.randint(1, 99)))
    clock.forward(LONG)
    alice = logged_in(client)
    history = [
        (entry["created_at"], entry["amount"]) for entry in store.database["entries"].find({"account_id": number})
    ]
    moments = {at + timedelta(milliseconds=step) for at, _ in history for step in (-1, 0, 1)} | {opened}
    for moment in sorted(moments):
        answer = client.get(f"/accounts/{number}/balance?at={written(moment)}", headers=alice.headers).json
        naive = Money(sum(amount for at, amount in history if at <= moment), "USD")
        assert (answer["balance"], answer["as_of"]) == (str(naive), written(moment))
        assert (answer["available"], answer["held"]) == (None, None)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"])
def test_a_date_means_the_end_of_that_day_in_the_banks_time_zone(
    app_with: Callable[..., Flask], clock: MovableClock, zone: str
) -> None:
    app = app_with(bank_timezone=zone)
    client, store = app.test_client(), store_of(app)
    alice = new_customer(client)
    number = number_of(client, alice)
    for hours in range(0, 72, 5):
        store.journal.post(deposit(number, 10 + hours))
        clock.forward(timedelta(hours=5))
    clock.forward(timedelta(days=1))
    alice = logged_in(client)
    history = list(store.database["entries"].find({"account_id": number}))
    for day in sorted({entry["business_date"] for entry in history}):
        naive = Money(sum(entry["amount"] for entry in history if entry["business_date"] <= day), "USD")
        answer = client.get(f"/accounts/{number}/balance?at={day}", headers=alice.headers)
        assert (answer.status_code, answer.json["balance"]) == (200, str(naive))


@given(
    day=st.dates(date(1975, 1, 1), date(2035, 12, 31)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Asia/Beirut"]),
)
def test_a_business_day_ends_where_the_next_begins(day: date, zone: str) -> None:
    end = end_of_business_day(day, ZoneInfo(zone))
    assert end.astimezone(ZoneInfo(zone)).date() == day
    assert (end + timedelta(milliseconds=1)).astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)


def test_before_the_first_entry_there_was_nothing(client: FlaskClient) -> None:
    alice = new_customer(client)
    number = number_of(client, alice)
    for at in ("2000-01-01", "2000-01-01T00:00:00Z", "1066-10-14", "0001-01-01", "1969-12-31T23:59:59.999Z"):
        answer = client.get(f"/accounts/{number}/balance?at={at}", headers=alice.headers)
        assert (answer.status_code, answer.json["balance"]) == (200, "0.00")


def test_without_a_time_it_is_the_balance_of_now(client: FlaskClient) -> None:
    alice = new_customer(client)
    client.post("/deposit", json={"amount": 5}, headers=alice.headers)
    answer = client.get(f"/accounts/{number_of(client, alice)}/balance", headers=alice.headers).json
    assert (answer["balance"], answer["available"], answer["held"]) == ("5.00", "5.00", "0.00")


def test_a_time_that_postings_may_still_reach_is_refused_with_the_latest_that_is_not(
    app_with: Callable[..., Flask], clock: MovableClock
) -> None:
    client = app_with(settling_seconds=15).test_client()
    alice = new_customer(client)
    path = f"/accounts/{number_of(client, alice)}/balance"
    for at in (written(clock.now()), written(clock.now() + LONG), "9999-12-31", "9999-12-31T23:59:59Z"):
        refused = client.get(f"{path}?at={at}", headers=alice.headers)
        assert (refused.status_code, refused.json["code"]) == (422, "time_not_settled")
        latest = refused.json["errors"]["at"][0].removeprefix("The latest that can be asked for is ").rstrip(".")
        assert client.get(f"{path}?at={latest}", headers=alice.headers).status_code == 200


@pytest.mark.parametrize(
    "at",
    ["", "yesterday", "2026-02-30", "2026-01-31T25:00:00Z", "2026-01-31T12:00:00", "0", "null", "1738324800",
     "2026-01-31 12:00:00Z", "٢٠٢٦-٠١-٣١", "0001-01-01T00:00:00%2B14:00"],
)  # fmt: skip
def test_what_is_no_time_is_refused(client: FlaskClient, at: str) -> None:
    alice = new_customer(client)
    refused = client.get(f"/accounts/{number_of(client, alice)}/balance?at={at}", headers=alice.headers)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["at"])


def test_the_past_of_an_account_is_its_holders_and_the_staffs(client: FlaskClient, store: Store) -> None:
    alice, bob = new_customer(client), new_customer(client, "bob")
    banker = new_staff(client, store, "banker", Role.BANKER)
    number = number_of(client, alice)
    for query in ("", "?at=2026-01-01"):
        assert client.get(f"/banker/accounts/{number}/balance{query}", headers=banker.headers).status_code == 200
        refused = client.get(f"/accounts/{number}/balance{query}", headers=bob.headers)
        unknown = client.get(f"/accounts/482915306750/balance{query}", headers=bob.headers)
        assert refused.status_code == unknown.status_code == 404
        assert refused.json | {"request_id": ""} == unknown.json | {"request_id": ""}


def test_what_was_answered_for_an_instant_never_changes_while_money_moves(app_with: Callable[..., Flask]) -> None:
    apps = [app_with(settling_seconds=SETTLED_S) for _ in range(2)]
    client = apps[0].test_client()
    alice = new_customer(client)
    number = number_of(client, alice)
    told: dict[str, str] = {}
    enough = threading.Event()

    def post(which: int) -> None:
        while not enough.is_set():
            with suppress(AccountBusy, ServerBusy, DatabaseUnavailable, OutcomeUnknown):  # two processes on one account
                store_of(apps[which % 2]).journal.post(deposit(number, 1 + which))

    def ask() -> None:
        reader = apps[1].test_client()
        end_s = time.monotonic() + SETTLED_S + 4
        try:
            while time.monotonic() < end_s:
                at = written(store_of(apps[1]).clock.now() - timedelta(seconds=SETTLED_S, milliseconds=1))
                told[at] = answered(partial(reader.get, past_of(number, at), headers=alice.headers)).json["balance"]
                enough.wait(0.01)
        finally:
            enough.set()

    at_once(5, lambda which: ask() if which == 4 else post(which))
    entries = store_of(apps[0]).database["entries"].find({"account_id": number})
    history = [(each["created_at"], each["amount"]) for each in entries]
    assert len(set(told.values())) > 10
    for at, balance in told.items():
        instant = datetime.fromisoformat(at)
        naive = Money(sum(amount for created_at, amount in history if created_at <= instant), "USD")
        assert client.get(past_of(number, at), headers=alice.headers).json["balance"] == balance
        assert balance == str(naive)


def test_however_long_the_history_one_entry_is_looked_at(config: Config, store: Store) -> None:
    questions = Questions()
    client = connect(config.mongo_uri, timeout_ms=config.mongo_timeout_ms, listeners=[questions])
    quiet, busy = an_account(store), an_account(store)
    post_all(store, [deposit(quiet, 7), *(deposit(busy, 1) for _ in range(300))])
    found = Entries(client[config.mongo_database]).find_last(quiet, datetime(2100, 1, 1, tzinfo=UTC))
    assert found is not None
    assert found.amount == 7
    (question,) = [inner for command in questions.commands for inner in explainable(command)]
    question |= {"hint": questions.commands[0]["hint"]}
    stats = store.database.command("explain", question, verbosity="executionStats")["executionStats"]
    assert (stats["totalKeysExamined"], stats["totalDocsExamined"]) == (1, 1)
    client.close()
