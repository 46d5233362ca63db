"""What leaves a record in the audit trail, and who may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.audit_seals import seal_audit
from app.models.audit_verification import AuditVerification
from app.models.ledger_reader import LedgerReader
from app.models.store import Store
from tests.factories.authenticators import new_enrolled_customer
from tests.factories.clock import MovableClock
from tests.factories.customers import new_person
from tests.factories.users import PASSWORD, Login, log_in, logged_in, new_customer, new_staff, register
from tests.parallel import at_once

WRONG = "not the password at all"


@pytest.fixture
def admin(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "adam", Role.ADMIN)


def trail(store: Store, action: str = "", **facts: Any) -> list[dict[str, Any]]:
    """Every record of this action, oldest first."""
    query = {**({"action": action} if action else {}), **facts}
    return list(store.database["audit"].find(query).sort("_id", 1))


def results(records: Iterable[dict[str, Any]]) -> list[str]:
    return [each["result"] for each in records]


# ---- authentication --------------------------------------------------------------------------------------------------


@pytest.mark.security("S70")
def test_a_login_and_a_logout_leave_a_record_each(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    client.post("/auth/logout", headers=alice.headers | {"X-Request-ID": "the-logout"})
    (login,), (logout,) = trail(store, "auth.login"), trail(store, "auth.logout")
    assert (login["result"], login["role"], login["address"]) == ("ok", "customer", "127.0.0.1")
    assert (logout["user_id"], logout["request_id"]) == (login["user_id"], "the-logout")


def test_failures_are_told_of_a_known_and_an_unknown_name_alike_and_without_what_was_typed(
    client: FlaskClient, store: Store
) -> None:
    register(client, "alice")
    for name in ("alice", "nobody", "hunter2isMyPassword"):
        log_in(client, name, WRONG)
    failures = trail(store, "auth.login", result="invalid_credentials")
    known, *unknown = [each["subject"] for each in failures]
    assert known.startswith("user:")
    assert unknown == ["user:unknown"] * 2
    assert "hunter2" not in str(failures)
    assert WRONG not in str(failures)
    assert {each["user_id"] for each in failures} == {"anonymous"}


@pytest.mark.security("S70")
def test_a_hammered_name_leaves_a_record_for_each_password_looked_at_and_one_for_all_that_were_not(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock
) -> None:
    client = app_with(login_failures_max=5, login_lockout_minutes=15).test_client()
    register(client, "alice")
    for name in ("alice", "nobody"):
        for _ in range(25):
            log_in(client, name, WRONG)
        at_once(10, lambda _, name=name: log_in(client, name, WRONG))
    assert results(trail(store, "auth.login")) == 2 * [*["invalid_credentials"] * 5, "login_locked"]
    clock.forward(timedelta(minutes=16))
    for _ in range(10):
        log_in(client, "alice", WRONG)
    assert results(trail(store, "auth.login"))[12:] == [*["invalid_credentials"] * 5, "login_locked"]


@pytest.mark.security("S70")
def test_calls_refused_for_their_rate_leave_no_record(app_with: Callable[..., Flask], store: Store) -> None:
    client = app_with(rate_limit_login="3/minute").test_client()
    for number in range(20):
        log_in(client, f"somebody{number}", WRONG)
    assert len(trail(store, "auth.login")) == 3


@pytest.mark.security("S70")
def test_a_used_invitation_leaves_a_record(client: FlaskClient, store: Store) -> None:
    person = new_person(client, new_staff(client, store, "bella", Role.BANKER), invite=True)
    assert register(client, "carol", invitation="00000-00000-00000-00000").status_code == 409
    assert register(client, "carol", invitation=person["invitation"]).status_code == 201
    (record,) = trail(store, "auth.invitation_use")
    assert (record["subject"], record["after"]["username"]) == (f"customer:{person['id']}", "carol")
    assert store.users.get(record["user_id"]).username == "carol"


@pytest.mark.security("S70")
def test_a_raised_confirmation_limit_leaves_a_record_and_lowered_ones_fill_no_trail(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock
) -> None:
    client = app_with().test_client()
    alice, own = new_enrolled_customer(client, clock)

    def limit(amount: str, **code: str) -> int:
        return client.put("/me/confirmation-limit", json={"limit": amount, **code}, headers=alice.headers).status_code

    assert (limit("500"), limit("100"), limit("900", code=own.wrong_code())) == (200, 200, 401)
    assert trail(store, "auth.confirmation_limit_raise") == []
    assert limit("5000", code=own.code()) == 200
    (record,) = trail(store, "auth.confirmation_limit_raise")
    assert (record["before"], record["after"]) == ({"limit": "100.00"}, {"limit": "5000.00"})


@pytest.mark.security("S70")
def test_the_use_of_a_spent_refresh_token_leaves_one_record(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock
) -> None:
    client = app_with().test_client()
    alice = new_customer(client)
    client.post("/auth/refresh", json={"refresh_token": alice.refresh_token})
    clock.forward(timedelta(minutes=1))
    for _ in range(5):
        client.post("/auth/refresh", json={"refresh_token": alice.refresh_token})
    (record,) = trail(store, "auth.refresh_reuse")
    assert record["subject"].startswith("session:")


@pytest.mark.security("S70")
def test_a_changed_password_and_a_session_ended_elsewhere_leave_a_record_each(
    client: FlaskClient, store: Store
) -> None:
    alice, elsewhere = new_customer(client), logged_in(client)
    (other,) = (
        each for each in client.get("/auth/sessions", headers=alice.headers).json["items"] if not each["current"]
    )
    assert client.delete(f"/auth/sessions/{other['id']}", headers=alice.headers).status_code == 204
    assert client.get("/auth/me", headers=elsewhere.headers).status_code == 401
    change = {"current_password": WRONG, "new_password": "amber lighthouse 93 pebbles"}
    client.post("/auth/password", json=change, headers=alice.headers)
    client.post("/auth/password", json={**change, "current_password": PASSWORD}, headers=alice.headers)
    assert results(trail(store, "auth.session_end")) == ["ok"]
    assert results(trail(store, "auth.password_change")) == ["invalid_credentials", "ok"]
    assert "lighthouse" not in str(trail(store))


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.security("S70")
def test_a_role_that_is_kept_out_is_told_of(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    assert client.get("/banker/accounts", headers=alice.headers).status_code == 403
    (record,) = trail(store, "access.refused")
    assert (record["role"], record["subject"], record["result"]) == (
        "customer", "request:GET /banker/accounts", "forbidden",
    )  # fmt: skip


@pytest.mark.security("S70")
def test_a_program_that_is_refused_in_a_loop_fills_no_trail(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    for _ in range(50):
        assert client.get("/banker/accounts", headers=alice.headers).status_code == 403
    assert len(trail(store, "access.refused")) == 30


@pytest.mark.security("S70")
def test_what_staff_tried_in_vain_is_told_with_the_reason(client: FlaskClient, store: Store) -> None:
    number = account_of(client, new_customer(client))
    banker = new_staff(client, store, "bella", Role.BANKER)
    for path, body in ((f"/banker/accounts/{number}/withdraw", {"amount": 5}), ("/banker/accounts/1/deposit", {})):
        client.post(path, json=body, headers=banker.headers)
    refused = trail(store, "staff.refused")
    assert [(each["result"], each["subject"]) for each in refused] == [
        ("insufficient_funds", f"request:POST /banker/accounts/{number}/withdraw"),
        ("validation_failed", "request:POST /banker/accounts/1/deposit"),
    ]


def test_neither_a_customers_own_money_nor_their_refusals_are_in_the_trail(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client)
    client.post("/deposit", json={"amount": 5}, headers=alice.headers)
    client.post("/withdraw", json={"amount": 50}, headers=alice.headers)
    assert {each["stream"] for each in trail(store)} == {"auth"}


# ---- money by staff --------------------------------------------------------------------------------------------------


@pytest.mark.security("S70")
def test_cash_at_the_counter_leaves_exactly_one_record_however_often_it_is_sent(
    client: FlaskClient, store: Store
) -> None:
    number = account_of(client, new_customer(client))
    banker = new_staff(client, store, "bella", Role.BANKER)
    headers = banker.headers | {"Idempotency-Key": "k1"}
    at_once(20, lambda _: client.post(f"/banker/accounts/{number}/deposit", json={"amount": 20}, headers=headers))
    (record,) = trail(store, "money.counter_deposit")
    assert (record["subject"], record["role"]) == (f"account:{number}", "banker")
    assert (record["after"]["amount"], record["after"]["currency"]) == ("20.00", "USD")
    assert store.database["transactions"].find_one({"_id": record["after"]["transaction_id"]})


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_the_trail_is_read_by_pages_that_join_without_gap_or_repeat(
    client: FlaskClient, store: Store, admin: Login
) -> None:
    for _ in range(4):
        logged_in(client, "adam")
    adam = trail(store, "auth.login")[-1]["user_id"]
    for query in ("", "action=auth.login&stream=auth&", f"result=ok&actor={adam}&"):
        seen: list[str] = []
        cursor = ""
        while True:
            page = client.get(f"/admin/audit?{query}limit=2{cursor}", headers=admin.headers).json
            seen += [each["id"] for each in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) >= 3


def test_filters_find_what_they_name_and_nothing_else(client: FlaskClient, store: Store, admin: Login) -> None:
    log_in(client, "adam", WRONG)
    (failed,) = trail(store, result="invalid_credentials")
    for query in (
        "result=invalid_credentials",
        f"subject={failed['subject']}&action=auth.login&result=invalid_credentials",
    ):
        page = client.get(f"/admin/audit?{query}", headers=admin.headers).json
        assert [each["id"] for each in page["items"]] == [failed["_id"]]
    for query in ("from=2100-01-01", "to=2020-01-01", "stream=money", "actor=nobody", "subject=user:none"):
        assert client.get(f"/admin/audit?{query}", headers=admin.headers).json["items"] == []
    assert len(client.get("/admin/audit?from=2020-01-01&to=2100-01-01", headers=admin.headers).json["items"]) >= 2


@pytest.mark.security("S10")
@pytest.mark.parametrize(
    "query",
    ["actor[$ne]=1", "stream=other", "cursor=zz", "limit=101", "from=2100-01-01&to=2020-01-01", "q=1", "action="],
)
def test_a_question_that_makes_no_sense_is_refused(client: FlaskClient, admin: Login, query: str) -> None:
    assert client.get(f"/admin/audit?{query}", headers=admin.headers).status_code == 422


def test_bankers_do_not_read_the_trail(client: FlaskClient, store: Store) -> None:
    banker = new_staff(client, store, "bella", Role.BANKER)
    assert client.get("/admin/audit", headers=banker.headers).status_code == 403


def test_the_trail_of_a_days_work_is_sealed_and_sound(client: FlaskClient, store: Store, admin: Login) -> None:
    number = account_of(client, new_customer(client))
    banker = new_staff(client, store, "bella", Role.BANKER)
    client.post(f"/banker/accounts/{number}/deposit", json={"amount": 20}, headers=banker.headers)
    client.get("/admin/audit", headers=banker.headers)
    seal_audit(store)
    report = AuditVerification(store.audit_seals, LedgerReader(store.client, store.database)).run()
    assert (report.finding, report.unsealed) == (None, 0)
    assert report.records == len(trail(store)) >= 5


def account_of(client: FlaskClient, login: Login) -> str:
    number: str = client.get("/accounts", headers=login.headers).json["items"][0]["number"]
    return number
