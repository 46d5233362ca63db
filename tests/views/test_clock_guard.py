"""A server whose machine has the wrong time moves no money, says so, and goes on reading."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models import member_clocks
from app.models.store import Store
from tests.factories.clock import MachineClock
from tests.factories.users import new_customer, new_staff
from tests.processes import wait_until

HOUR_S = 3_600.0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> MachineClock:
    """This machine's clock, which the test sets."""
    clock = MachineClock()
    monkeypatch.setattr(member_clocks, "time", clock)
    return clock


@pytest.mark.parametrize("off_s", [HOUR_S, -HOUR_S])
def test_a_server_with_the_wrong_time_moves_no_money_and_heals(
    client: FlaskClient, machine: MachineClock, off_s: float
) -> None:
    login = new_customer(client)
    client.post("/deposit", json={"amount": 10}, headers=login.headers)
    machine.set_by(off_s)
    for path in ("/deposit", "/withdraw"):
        refused = client.post(path, json={"amount": 5}, headers=login.headers)
        assert (refused.status_code, refused.json["code"]) == (503, "clock_wrong")
        assert refused.headers["Retry-After"]
    machine.set_by(-off_s)
    client.post("/deposit", json={"amount": 5}, headers=login.headers)
    assert client.get("/balance", headers=login.headers).json["balance"] == "15.00"


def test_who_is_logged_in_stays_so_when_a_clock_that_was_behind_is_set_right(
    client: FlaskClient, machine: MachineClock
) -> None:
    login = new_customer(client)

    def is_in() -> bool:
        return client.get("/auth/me", headers=login.headers).status_code == 200

    assert is_in()
    machine.set_by(-HOUR_S)
    wait_until(lambda: not is_in())  # by the time of the members, as this machine works it out, the token is over
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
