"""Whatever staff do leaves exactly one record in the audit trail. A route that nobody has tried here fails the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.domain.ids import random_id
from app.domain.operations.base import OperationName
from app.models.audit_seals import seal_audit
from app.models.audit_verification import AuditVerification
from app.models.ledger_reader import LedgerReader
from app.models.store import Store
from tests.factories.approvals import LARGE, without_second_person
from tests.factories.authenticators import enrolled
from tests.factories.clock import MovableClock
from tests.factories.customers import ADDRESS, customer_of
from tests.factories.users import PASSWORD, Login, logged_in, new_customer, new_staff

READING = frozenset({"GET", "HEAD", "OPTIONS"})
WHY = {"reason": "As agreed."}
BRANCH = {"code": "HARBOUR", "name": "Harbour Street", "address": ADDRESS}
PRODUCT = {"code": "SAVER", "name": "Saver", "type": "savings", "currency": "USD", "overdraft_max": "500"}
OTHER_PRODUCT = {**PRODUCT, "code": "GIRO", "type": "checking"}


@dataclass
class Desk:
    """Staff at work, and what each route that they used left in the audit trail."""

    app: Flask
    client: FlaskClient
    store: Store
    banker: Login
    second_banker: Login
    admin: Login
    second_admin: Login
    records: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def do(self, method: str, path: str, body: Any = None, *, by: Login | None = None, **headers: str) -> TestResponse:
        """Act, successfully, and count the records that name the request."""
        request_id = random_id()
        who = by or (self.admin if path.startswith("/admin") else self.banker)
        sent = who.headers | {"X-Request-ID": request_id} | {n.replace("_", "-"): v for n, v in headers.items()}
        answer = self.client.open(path, method=method, json=body, headers=sent)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        rule, _ = self.app.url_map.bind("localhost").match(path, method, return_rule=True)
        found = list(self.store.database["audit"].find({"request_id": request_id}))
        self.records.setdefault((method, rule.rule), []).append(len(found))
        assert all(each["result"] == "ok" and each["user_id"] != "system" for each in found), found
        return answer

    def post(self, path: str, body: Any = None, *, by: Login | None = None) -> Any:
        return self.do("POST", path, body, by=by).json

    def change(self, path: str, body: Any) -> None:
        """Read something and change it as it was read."""
        who = self.admin if path.startswith("/admin") else self.banker
        tag = self.client.get(path, headers=who.headers).headers["ETag"]
        self.do("PATCH", path, body, If_Match=tag)

    def account(self, login: Login) -> str:
        accounts = self.client.get("/accounts", headers=login.headers).json["items"]
        return str(next(each["number"] for each in accounts if each["primary"]))


@pytest.fixture
def desk(app: Flask, client: FlaskClient, store: Store) -> Desk:
    staff = [new_staff(client, store, name, Role.BANKER) for name in ("bella", "bruno")]
    admins = [new_staff(client, store, name, Role.ADMIN) for name in ("adam", "anna")]
    return Desk(app, client, store, *staff, *admins)


def branches_and_products(desk: Desk) -> None:
    desk.post("/admin/branches", BRANCH)
    desk.change("/admin/branches/HARBOUR", {"name": "Harbour Road"})
    for product in (PRODUCT, OTHER_PRODUCT):
        desk.post("/admin/products", product)
    desk.change("/admin/products/SAVER", {"name": "Saver Plus"})
    desk.post("/admin/products/SAVER/withdraw")


def customers(desk: Desk) -> None:
    made = desk.post("/banker/customers", {"full_name": "Carol Carter", "email": "carol@example.com"})["id"]
    path = f"/banker/customers/{made}"
    desk.change(path, {"full_name": "Carol Cooper", "date_of_birth": "1990-05-17"})
    desk.post(f"{path}/invitation")
    for action in ("kyc/verify", "kyc/reject", "suspend", "reactivate", "close"):
        desk.post(f"{path}/{action}", WHY)
    with_accounts = customer_of(desk.client, desk.banker, "alice")
    for action in ("suspend", "reactivate"):
        desk.post(f"/banker/customers/{with_accounts}/{action}", WHY)
    desk.do("POST", f"/banker/customers/{with_accounts}/reset-password")


def accounts(desk: Desk) -> None:
    alice, bob = (customer_of(desk.client, desk.banker, name) for name in ("alice", "bob"))
    for operation in (OperationName.OVERDRAFT_CHANGE, OperationName.LIMITS_CHANGE, OperationName.HOLDERS_CHANGE):
        without_second_person(desk.store, operation)
    opened = desk.post("/banker/accounts", {"customer": alice, "product": "GIRO", "opening_deposit": "10"})["number"]
    path = f"/banker/accounts/{opened}"
    desk.post(f"{path}/overdraft", {"limit": "100"})
    desk.post(f"{path}/limits", {"withdrawal": "500"})
    desk.post(f"{path}/holders", {"customer": bob})
    desk.do("DELETE", f"{path}/holders/{bob}")
    desk.post(f"{path}/freeze", {"kind": "all", **WHY})
    for action in ("unfreeze", "mark-dormant", "reactivate"):
        desk.post(f"{path}/{action}", WHY)
    desk.post(f"{path}/withdraw", {"amount": "10"})
    desk.post(f"{path}/close", WHY)


def money(desk: Desk) -> None:
    one, other = (desk.account(logged_in(desk.client, name)) for name in ("alice", "bob"))
    _, paid = (desk.post(f"/banker/accounts/{one}/deposit", {"amount": "50"})["transaction_id"] for _ in range(2))
    desk.post("/banker/transfers", {"from": one, "to": other, "amount": "5"})
    desk.post("/banker/bulk", {"from": one, "lines": [{"to": other, "amount": "1"}]})
    for _ in range(2):
        held = desk.post(f"/banker/accounts/{one}/holds", {"amount": "2", "type": "card", "reason": "x"})["id"]
    desk.post(f"/banker/holds/{held}/capture", {"amount": "1"})
    desk.post(f"/banker/holds/{held}/release", {})
    for operation in (OperationName.REVERSAL, OperationName.ADJUSTMENT):
        without_second_person(desk.store, operation)
    desk.post(f"/banker/transactions/{paid}/reversal", WHY)
    desk.post("/banker/adjustments", {"account": one, "amount": "1", "direction": "credit", **WHY})


def four_eyes(desk: Desk) -> None:
    one = desk.account(logged_in(desk.client, "alice"))
    for verdict in ("approve", "reject"):
        asked = desk.post(f"/banker/accounts/{one}/deposit", {"amount": LARGE})["id"]
        desk.post(f"/banker/approvals/{asked}/{verdict}", {"comment": "seen"}, by=desk.second_banker)
    asked = desk.do("PUT", "/admin/policies/counter_deposit", {"rule": "always"}).json["id"]
    desk.post(f"/banker/approvals/{asked}/approve", {"comment": "seen"}, by=desk.second_admin)
    asked = desk.post("/admin/fx-rates", {"base": "EUR", "quote": "USD", "rate": "1.25", "spread": "0.01"})["id"]
    desk.post(f"/banker/approvals/{asked}/approve", {"comment": "seen"}, by=desk.second_admin)


def users(desk: Desk) -> None:
    made = desk.post("/admin/users", {"username": "bertha", "role": "banker", "password": PASSWORD})
    path = f"/admin/users/{made.get('user', made)['id']}"
    desk.post(f"{path}/branch", {"branch": "HARBOUR"})
    for action in ("disable", "enable", "reset-lockout", "reset-password"):
        desk.do("POST", f"{path}/{action}")
    enrolled(desk.client, logged_in(desk.client, "bertha"), MovableClock())
    desk.do("POST", f"{path}/reset-mfa")
    bertha = logged_in(desk.client, "bertha")
    session = desk.client.get("/auth/sessions", headers=bertha.headers).json["items"][0]["id"]
    desk.do("DELETE", f"{path}/sessions/{session}")
    desk.do("DELETE", f"{path}/sessions")
    desk.post(f"{path}/role", {"role": "admin"})


def system(desk: Desk) -> None:
    desk.post("/admin/jobs/seal-audit/run")
    desk.post("/admin/branches/HARBOUR/close")


DAY: tuple[Callable[[Desk], None], ...] = (branches_and_products, customers, accounts, money, four_eyes, users, system)


@pytest.mark.security("S70")
def test_whatever_staff_do_leaves_exactly_one_record(desk: Desk) -> None:
    for username in ("alice", "bob"):
        new_customer(desk.client, username)
    for part in DAY:
        part(desk)
    assert {route: counts for route, counts in desk.records.items() if set(counts) != {1}} == {}
    assert staff_actions(desk.app) == set(desk.records)
    seal_audit(desk.store)
    report = AuditVerification(desk.store.audit_seals, LedgerReader(desk.store.client, desk.store.database)).run()
    assert (report.finding, report.unsealed) == (None, 0)
    kept = str(list(desk.store.database["audit"].find()))
    assert PASSWORD not in kept
    assert "carol@example.com" not in kept


def staff_actions(app: Flask) -> set[tuple[str, str]]:
    """Every route that changes something and is for staff alone."""
    audiences = {name: getattr(blueprint, "audience", None) for name, blueprint in app.blueprints.items()}
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - READING
        if (audience := audiences.get(rule.endpoint.rpartition(".")[0])) is not None
        if audience.roles and Role.CUSTOMER not in audience.roles
    }
