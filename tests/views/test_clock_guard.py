"""A server whose machine has the wrong time moves no money, says so, and goes on reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models import member_clocks
from app.models.store import Store
from tests.factories.clock import MachineClock, MovableClock
from tests.factories.users import new_customer, new_staff

HOUR_S = 3_600.0
WHILE_TOKENS_LIVE_S = 600.0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> MachineClock:
    """This machine's clock, which the test sets."""
    clock = MachineClock()
    monkeypatch.setattr(member_clocks, "time", clock)
    return clock


@pytest.mark.parametrize("off_s", [WHILE_TOKENS_LIVE_S, -WHILE_TOKENS_LIVE_S])
def test_a_server_with_the_wrong_time_moves_no_money_and_heals(
    app_with: Callable[..., Flask], machine: MachineClock, clock: MovableClock, off_s: float
) -> None:
    client = app_with().test_client()

    def set_by(by_s: float) -> None:
        machine.set_by(by_s)
        clock.forward(timedelta(seconds=by_s))

    login = new_customer(client)
    client.post("/deposit", json={"amount": 10}, headers=login.headers)
    set_by(off_s)
    for path in ("/deposit", "/withdraw"):
        refused = client.post(path, json={"amount": 5}, headers=login.headers)
        assert (refused.status_code, refused.json["code"]) == (503, "clock_wrong")
        assert refused.headers["Retry-After"]
    set_by(-off_s)
    client.post("/deposit", json={"amount": 5}, headers=login.headers)
    assert client.get("/balance", headers=login.headers).json["balance"] == "15.00"


@pytest.mark.security("S18")
def test_a_token_counts_by_the_time_of_the_members_as_it_is_the_moment_the_clock_is_set(
    client: FlaskClient, machine: MachineClock
) -> None:
    """Behind, it would take a token again that is over; and who is logged in stays so when it is set right."""
    login = new_customer(client)

    def is_in() -> bool:
        return client.get("/auth/me", headers=login.headers).status_code == 200

    assert is_in()
    machine.set_by(-HOUR_S)
    assert not is_in()  # the members' time, as this machine works it out, is that after the token's end
    machine.set_by(HOUR_S)
    assert is_in()


def test_reading_goes_on_save_what_hangs_on_the_time(client: FlaskClient, machine: MachineClock) -> None:
    login = new_customer(client)
    number = client.get("/balance", headers=login.headers).json["account"]
    machine.set_by(HOUR_S)
    assert client.get("/balance", headers=login.headers).status_code == 200
    assert client.get("/transactions", headers=login.headers).status_code == 200
    past = client.get(f"/accounts/{number}/balance?at=2026-01-31", headers=login.headers)
    assert (past.status_code, past.json["code"]) == (503, "clock_wrong")


def test_it_says_so_wherever_somebody_looks(client: FlaskClient, store: Store, machine: MachineClock) -> None:
    admin = new_staff(client, store, "adam", Role.ADMIN)
    machine.set_by(HOUR_S)
    not_ready = client.get("/health/ready")
    assert (not_ready.status_code, not_ready.json["code"]) == (503, "clock_wrong")
    assert client.get("/health/live").status_code == 200
    health = client.get("/health").json
    assert (health["status"], health["clock"], health["database"]) == ("degraded", "wrong", "up")
    state = client.get("/admin/health", headers=admin.headers).json
    assert (state["status"], state["clock"]["right"]) == ("degraded", False)
    assert state["clock"]["skew_s"] == pytest.approx(HOUR_S, abs=2)
    machine.set_by(-HOUR_S)
    assert client.get("/health/ready").status_code == 200
    assert client.get("/health").json["clock"] == "right"
