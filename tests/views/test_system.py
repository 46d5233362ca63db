"""What administrators see of the running system: jobs, settings, health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.controllers.settings import SHOWN
from app.domain.actor import Role
from app.domain.audit import SYSTEM, Subject
from app.models import job_registry
from app.models.job_registry import JOBS, Job, run_due, run_now
from app.models.jobs import LEASE
from app.models.store import Store
from config import Config
from tests.factories.approvals import account_of, asked_for
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account, hold
from tests.factories.users import Login, new_customer, new_staff
from tests.parallel import at_once

HIDDEN = {"secret_key", "secret_key_fallbacks", "password_peppers", "mongo_uri"}


@pytest.fixture
def admin(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "adam", Role.ADMIN)


@pytest.fixture
def timed(app_with: Callable[..., Flask]) -> Store:
    """A store whose clock the test moves."""
    found: Store = app_with().extensions["store"]
    return found


def job(name: str, work: Callable[[Store], str], *, every: timedelta = timedelta(minutes=5)) -> Job:
    return Job(name, every, "A job of a test.", work)


def statuses(client: FlaskClient, admin: Login) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in client.get("/admin/jobs", headers=admin.headers).json["items"]}


# ---- jobs ------------------------------------------------------------------------------------------------------------


def test_each_job_runs_when_it_is_due_and_then_waits_for_its_next_time(timed: Store, clock: MovableClock) -> None:
    clock.stop()
    assert {ended.job.name for ended in run_due(timed)} == {each.name for each in JOBS}
    assert list(run_due(timed)) == []
    clock.forward(timedelta(seconds=3))
    assert [ended.job.name for ended in run_due(timed)] == ["seal-audit"]


def test_a_job_that_fails_is_kept_and_told_and_does_not_stop_the_others(
    client: FlaskClient, store: Store, admin: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    broken = job("broken", lambda _: str(1 // 0))
    monkeypatch.setattr(job_registry, "JOBS", (broken, job("sound", lambda _: done.append("ran") or "done")))
    assert [ended.succeeded for ended in run_due(store)] == [False, True]
    found = statuses(client, admin)
    assert (found["broken"]["result"], found["broken"]["message"]) == ("failed", "ZeroDivisionError")
    assert (found["sound"]["result"], found["sound"]["message"]) == ("ok", "done")
    assert client.get("/admin/health", headers=admin.headers).json["jobs_failed"] == ["broken"]


def test_of_many_processes_one_runs_a_job(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(job_registry, "JOBS", (job("slow", lambda _: done.append(1) or "done"),))
    store.jobs.ensure("slow", due_at=store.clock.now())
    at_once(20, lambda _: list(run_due(store)))
    assert done == [1]


def test_a_killed_processs_job_is_taken_over_when_its_lease_is_over(
    timed: Store, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_registry, "JOBS", (job("killed", lambda _: "done"),))
    timed.jobs.ensure("killed", due_at=clock.now())
    lost = timed.jobs.take("killed", now=clock.now())
    assert lost is not None
    assert (list(run_due(timed)), run_now(timed, "killed")) == ([], None)
    clock.forward(LEASE)
    assert [ended.message for ended in run_due(timed)] == ["done"]
    timed.jobs.finish(lost, now=clock.now(), due_at=clock.now(), succeeded=False, message="too late")
    assert timed.jobs.find_all()["killed"].message == "done"


def test_a_job_that_an_administrator_asks_for_is_due_at_once_and_leaves_a_record(
    client: FlaskClient, store: Store, admin: Login
) -> None:
    list(run_due(store))
    answer = client.post("/admin/jobs/expire-holds/run", headers=admin.headers)
    assert (answer.status_code, answer.json["name"]) == (202, "expire-holds")
    assert "expire-holds" in [ended.job.name for ended in run_due(store)]
    (record,) = store.database["audit"].find({"action": "staff.job_request"})
    assert (record["subject"], record["role"]) == ("job:expire-holds", "admin")


def test_a_job_asked_for_while_it_runs_runs_again(
    client: FlaskClient, store: Store, admin: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def work(_: Store) -> str:
        asked.append(client.post("/admin/jobs/busy/run", headers=admin.headers).status_code)
        return "done"

    monkeypatch.setattr(job_registry, "JOBS", (job("busy", work),))
    assert len(list(run_due(store))) == 1
    assert len(list(run_due(store))) == 1
    assert asked == [202, 202]


@pytest.mark.parametrize("name", ["no-such-job", "%24ne", "x" * 300])
def test_a_job_that_does_not_exist_is_not_found(client: FlaskClient, admin: Login, name: str) -> None:
    assert client.post(f"/admin/jobs/{name}/run", headers=admin.headers).status_code == 404


# ---- holds that expire -----------------------------------------------------------------------------------------------


def test_holds_end_when_their_time_has_passed_and_not_before(timed: Store, clock: MovableClock) -> None:
    number = an_account(timed, balance=10_000)
    soon = clock.now() + timedelta(hours=1)
    for _ in range(3):
        timed.journal.post(hold(number, 1_000, expires_at=soon))
    timed.journal.post(hold(number, 500, expires_at=clock.now() + timedelta(days=2)))
    timed.journal.post(hold(number, 500))
    run_now(timed, "expire-holds")
    assert timed.database["accounts"].find_one({"_id": number})["held"] == 4_000  # type: ignore[index]
    clock.forward(timedelta(hours=2))
    ended = run_now(timed, "expire-holds")
    assert ended is not None
    assert ended.message == "3 expired"
    assert timed.database["accounts"].find_one({"_id": number})["held"] == 1_000  # type: ignore[index]
    assert timed.database["transactions"].count_documents({"type": "hold_expiry", "initiated_by": "system"}) == 3


def test_holds_expired_by_many_at_once_end_once(timed: Store, clock: MovableClock) -> None:
    number = an_account(timed, balance=10_000)
    for _ in range(10):
        timed.journal.post(hold(number, 100, expires_at=clock.now() + timedelta(hours=1)))
    clock.forward(timedelta(hours=2))
    at_once(8, lambda _: job_registry.expire_holds(timed))
    assert timed.database["accounts"].find_one({"_id": number})["held"] == 0  # type: ignore[index]
    assert timed.database["transactions"].count_documents({"type": "hold_expiry"}) == 10


def test_approvals_that_nobody_decided_in_time_end(app_with: Callable[..., Flask], clock: MovableClock) -> None:
    app = app_with(approval_hours=24)
    client, timed = app.test_client(), app.extensions["store"]
    banker = new_staff(client, timed, "bella", Role.BANKER)
    approval = asked_for(client, banker, account_of(client, new_customer(client)))
    for hours, message, status in (
        (23, "0 expired", "pending"),
        (2, "1 expired", "expired"),
        (1, "0 expired", "expired"),
    ):
        clock.forward(timedelta(hours=hours))
        ended = run_now(timed, "expire-approvals")
        assert ended is not None
        assert ended.message == message
        assert timed.approvals.get(approval).status == status


# ---- settings --------------------------------------------------------------------------------------------------------


def test_every_setting_is_either_shown_or_a_secret() -> None:
    assert set(SHOWN) | HIDDEN == {field.name for field in fields(Config)}
    assert not HIDDEN & set(SHOWN)
    assert {field.name for field in fields(Config) if not field.repr} == HIDDEN


def test_no_secret_is_among_the_settings(config: Config, store: Store) -> None:
    canaries = {
        "secret_key": "canary-signing-key-0123456789-0123456789",
        "secret_key_fallbacks": ("canary-fallback-key-0123456789-0123456789",),
        "password_peppers": {1: "canary-pepper-0123456789-0123456789-012345"},
    }
    client = create_app(replace(config, **canaries), store).test_client()
    own = replace(config, **canaries, mongo_uri=config.mongo_uri + "&appname=canary")
    store.config = own
    admin = new_staff(client, store, "adam", Role.ADMIN)
    answer = client.get("/admin/settings", headers=admin.headers)
    assert answer.status_code == 200
    assert "canary" not in answer.text
    assert {"name": "BANK_CURRENCY", "value": "USD"} in answer.json["items"]


# ---- health ----------------------------------------------------------------------------------------------------------


def test_each_part_tells_of_its_state(client: FlaskClient, store: Store, admin: Login) -> None:
    list(run_due(store))
    store.audit.write("staff.x", SYSTEM, Subject("thing", "1"))
    found = client.get("/admin/health", headers=admin.headers).json
    assert (found["status"], found["database"]["primary"], found["audit_unsealed"]) == ("ok", True, 1)
    assert found["database"]["replica_set"]
    assert found["database"]["round_trip_ms"] >= 0
    assert (found["jobs_overdue"], found["jobs_failed"]) == ([], [])


def test_a_job_that_nobody_runs_is_told_of(app_with: Callable[..., Flask], clock: MovableClock, store: Store) -> None:
    app = app_with()
    list(run_due(app.extensions["store"]))
    clock.forward(timedelta(minutes=10))
    client = app.test_client()
    admin = new_staff(client, app.extensions["store"], "adam", Role.ADMIN)
    found = client.get("/admin/health", headers=admin.headers).json
    assert found["status"] == "degraded"
    assert "seal-audit" in found["jobs_overdue"]
    assert statuses(client, admin)["seal-audit"]["overdue"] is True
