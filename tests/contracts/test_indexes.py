"""Every query that a request makes is served by an index: what the database is asked is listened to, then explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app import create_app
from app.domain.accounts import new_account_number
from app.domain.actor import Role
from app.domain.customers import CustomerStatus, Decision
from app.domain.operations.base import OperationName
from app.models.audit_verification import AuditVerification
from app.models.bulk_posting import take_up_left_behind
from app.models.job_registry import run_due
from app.models.ledger_reader import LedgerReader
from app.models.posting import Poster, Request
from app.models.reconcile import Reconciliation
from app.models.store import Store
from config import Config
from tests.contracts.query_sites import sites_reached, unreached
from tests.factories import approvals, people
from tests.factories.accounts import Bank, open_own
from tests.factories.authenticators import enrolled, log_in_with, ticket_of
from tests.factories.clock import MovableClock
from tests.factories.customers import ADDRESS, customer_record, decide, identify, new_person, with_version
from tests.factories.ledger import an_account, capture, deposit, hold, release, reversal
from tests.factories.users import PASSWORD, Login, log_in, login_of, new_customer, new_staff, register
from tests.listening import listened

EXPLAINABLE = ("find", "aggregate", "update", "delete", "findAndModify")
WITHOUT_INDEX = {"COLLSCAN"}
APART = {"upgrade", "_complete_customer", "_ensure_membership", "is_empty", "begin"}
"""Asked once at a start, of what an earlier version left, of the server itself, or whether there is anything at all."""
TOTALS = [{"$group": {"_id": "$currency", "total": {"$sum": {"$toDecimal": "$balance"}}}}]
"""What a proof adds up, and the form of all documents, are the whole collection by their nature."""
SMALL = {"bank", "revocations"}  # one document, and what the last minutes revoked: each process reads it whole once


class Questions(CommandListener):
    """Every command that reads or looks for documents, as it was sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in EXPLAINABLE:
            self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def questions() -> Questions:
    return Questions()


@pytest.fixture
def heard(config: Config, store: Store, questions: Questions) -> Iterator[Store]:
    """A store on the emptied database whose commands are listened to."""
    with listened(config, questions) as heard:
        yield heard


def journey(client: FlaskClient, store: Store) -> None:
    """Go everywhere once, with every filter."""
    alice = new_customer(client)
    banker = new_staff(client, store, "banker", Role.BANKER)
    number = client.get("/accounts", headers=alice.headers).json["items"][0]["number"]
    for verb in ("deposit", "withdraw"):
        client.post(f"/{verb}", json={"amount": 10}, headers=alice.headers | {"Idempotency-Key": verb})
        client.post(f"/banker/accounts/{number}/{verb}", json={"amount": 10}, headers=banker.headers)
    line = client.get("/transactions", headers=alice.headers).json["items"][0]
    narrowed = "type=deposit&min_amount=1&max_amount=99&from=2020-01-01&to=2100-01-01&limit=1"
    customer = client.get(f"/banker/accounts/{number}", headers=banker.headers).json["holders"][0]["id"]
    for path in (
        "/balance",
        f"/balance?account={number}",
        f"/accounts/{number}",
        f"/transactions?{narrowed}&direction=credit",
        f"/transactions?account={number}&cursor={line['id']}",
        "/transactions?idempotency_key=deposit",
        f"/transactions/{line['id']}",
        "/auth/me",
        "/auth/sessions",
    ):
        assert client.get(path, headers=alice.headers).status_code == 200
    for path in (
        f"/banker/accounts?customer={customer}&status=active&type=checking&currency=USD&cursor=1",
        "/banker/accounts",
        f"/banker/accounts/{number}/transactions?{narrowed}",
        f"/banker/transactions?{narrowed}&cursor={line['id']}",
        f"/banker/transactions?customer={customer}&{narrowed}",
        f"/banker/transactions/{line['transaction_id']}",
    ):
        assert client.get(path, headers=banker.headers).status_code == 200
    _system(client, store)
    _second_factor(client, store)
    _users(client, store)
    _payments(client, store, alice, number)
    _holds(client, store, alice, banker, number)
    _customers(client, banker, alice, customer)
    _four_eyes(client, store, banker, number)
    _accounts(client, store)
    _exchange(client, store)
    _bulk(client, store)
    client.post("/auth/refresh", json={"refresh_token": alice.refresh_token})
    client.post("/auth/logout", headers=alice.headers)
    _every_intent(store, number)
    _seldom(store, number, customer)
    _proofs(store)


def _system(client: FlaskClient, store: Store) -> None:
    admin = new_staff(client, store, "admin", Role.ADMIN)
    log_in(client, "admin", "not the password")
    client.get("/balance", headers=admin.headers)
    (seen,) = client.get("/admin/audit?limit=1&from=2020-01-01&to=2100-01-01", headers=admin.headers).json["items"]
    for field in ("actor", "action", "subject", "stream", "result"):
        path = f"/admin/audit?{field}={seen[field]}"
        assert client.get(f"{path}&cursor={seen['id']}", headers=admin.headers).status_code == 200
        narrowed = "result=ok" if field == "stream" else "stream=auth"
        assert client.get(f"{path}&{narrowed}&from=2020-01-01", headers=admin.headers).status_code == 200
    assert client.post("/admin/jobs/expire-holds/run", headers=admin.headers).status_code == 202
    assert all(ended.succeeded for _ in range(2) for ended in run_due(store))
    for path in ("/admin/jobs", "/admin/health", "/admin/settings"):
        assert client.get(path, headers=admin.headers).status_code == 200


def _second_factor(client: FlaskClient, store: Store) -> None:
    own = enrolled(client, new_customer(client, "dora"), MovableClock())
    dora = store.users.find_by_name("dora")
    assert dora is not None
    known = store.authenticators.get_confirmed(dora.id)
    assert store.authenticators.use_step(known, known.last_step + 1, None)
    ticket = ticket_of(client, "dora")
    assert log_in_with(client, ticket, own.present_code()).status_code == 401
    login = login_of(log_in_with(client, ticket, own.recovery_codes.pop()))
    payee = an_account(store)
    number = client.get("/accounts", headers=login.headers).json["items"][0]["number"]
    store.journal.post(deposit(number, 100))
    asked = {"operation": "transfer", "to": payee, "amount": 1}
    confirmation = client.post("/confirmations", json=asked, headers=login.headers).json["id"]
    transfer = {"to": payee, "amount": 1, "confirmation": confirmation}
    assert client.post("/transfers", json={"to": payee, "amount": 1}, headers=login.headers).status_code == 403
    code = {"code": own.recovery_codes.pop()}
    assert client.post(f"/confirmations/{confirmation}/confirm", json=code, headers=login.headers).status_code == 200
    assert client.post("/transfers", json=transfer, headers=login.headers).status_code == 201
    for limit in ("5.00", "4.00"):
        body = {"limit": limit}
        assert client.put("/me/confirmation-limit", json=body, headers=login.headers).status_code == 200
    code = {"code": own.recovery_codes.pop()}
    renewed = client.post("/auth/mfa/recovery-codes", json=code, headers=login.headers).json["recovery_codes"]
    body = {"password": PASSWORD, "code": renewed[0]}
    assert client.post("/auth/mfa/disable", json=body, headers=login.headers).status_code == 204


def _users(client: FlaskClient, store: Store) -> None:
    admin = new_staff(client, store, "anna", Role.ADMIN)
    made = client.post("/admin/users", json={"username": "bella", "role": "banker"}, headers=admin.headers).json["user"]
    for query in ("", "name=a", "role=banker", "disabled=true", "role=admin&disabled=false&name=a&cursor=YQ==",
                  "branch=HARBOUR", "branch=HARBOUR&role=banker&name=b&cursor=YQ=="):  # fmt: skip
        assert client.get(f"/admin/users?{query}", headers=admin.headers).status_code == 200
    one = f"/admin/users/{made['id']}"
    for path in (one, f"{one}/sessions"):
        assert client.get(path, headers=admin.headers).status_code == 200
    for action in ("disable", "enable", "reset-lockout"):
        assert client.post(f"{one}/{action}", headers=admin.headers).status_code < 300
    code = client.post(f"{one}/reset-password", headers=admin.headers).json["code"]
    for status in (204, 400):
        body = {"username": "bella", "code": code, "new_password": "amber quarry 81 whistles"}
        assert client.post("/auth/password/reset", json=body).status_code == status
    assert client.post(f"{one}/role", json={"role": "admin"}, headers=admin.headers).status_code == 202
    assert client.delete(f"{one}/sessions", headers=admin.headers).status_code == 204


def _accounts(client: FlaskClient, store: Store) -> None:
    bank = Bank(client, new_staff(client, store, "bea", Role.BANKER), new_staff(client, store, "alf", Role.ADMIN))
    bank.offer()
    bank.offer("OTHER")
    branch = {"code": "HARBOUR", "name": "Harbour", "address": ADDRESS}
    assert client.post("/admin/branches", json=branch, headers=bank.admin.headers).status_code == 201
    for path in ("branches/HARBOUR", "products/OTHER"):
        tag = client.get(f"/admin/{path}", headers=bank.admin.headers).headers["ETag"]
        changed = client.patch(f"/admin/{path}", json={"name": "x"}, headers=bank.admin.headers | {"If-Match": tag})
        assert changed.status_code == 200
    walter, customer = bank.verified("walter")
    _, other = bank.verified("xenia")
    paths = {"/products": walter, "/banker/products": bank.banker, "/banker/branches": bank.banker,
             "/admin/products": bank.admin, "/admin/branches": bank.admin}  # fmt: skip
    for path, who in paths.items():
        for query in ("", "?limit=1", "?cursor=A"):
            assert client.get(f"{path}{query}", headers=who.headers).status_code == 200
    own, again = (open_own(client, walter, key="k").json["number"] for _ in range(2))
    assert own == again
    opened = bank.open_for(customer, branch="HARBOUR", opening_deposit=5, key="k").json["number"]
    path = f"/accounts/{opened}"
    assert client.patch(path, json={"nickname": "x"}, headers=walter.headers).status_code == 200
    for number in (opened, own):
        assert client.post(f"/accounts/{number}/primary", headers=walter.headers).status_code == 200
    for who, prefix in ((walter, ""), (bank.banker, "/banker")):
        for query in ("", "?at=2026-01-31", "?at=2026-01-31T12:00:00Z"):
            assert client.get(f"{prefix}{path}/balance{query}", headers=who.headers).status_code == 200
    for action, body in (("freeze", {"kind": "all"}), ("unfreeze", {}), ("mark-dormant", {}), ("reactivate", {})):
        assert bank.act(opened, action, reason="x", **body).status_code == 200
    approvals.without_second_person(store, OperationName.HOLDERS_CHANGE)
    assert bank.act(opened, "holders", customer=other).status_code == 201
    holders = f"/banker{path}/holders"
    assert client.get(holders, headers=bank.banker.headers).status_code == 200
    assert client.delete(f"{holders}/{other}", headers=bank.banker.headers).status_code == 200
    assert bank.act(opened, "close", transfer_to=own).status_code == 200
    assert client.post("/admin/products/OTHER/withdraw", headers=bank.admin.headers).status_code == 200
    assert client.post("/admin/branches/HARBOUR/close", headers=bank.admin.headers).status_code == 200


def _payments(client: FlaskClient, store: Store, alice: Login, number: str) -> None:
    payee = an_account(store)
    client.post("/deposit", json={"amount": 10}, headers=alice.headers)
    for to in (payee, new_account_number()):
        client.post("/transfers", json={"to": to, "amount": 1, "reference": "r"}, headers=alice.headers)
    assert client.get(f"/transactions?account={number}&type=transfer", headers=alice.headers).json["items"]
    assert client.get(f"/payees/check?account={payee}", headers=alice.headers).status_code == 200
    for _ in range(2):
        client.post("/payees", json={"account": payee, "label": "x"}, headers=alice.headers)
    assert client.patch(f"/payees/{payee}", json={"label": "y"}, headers=alice.headers).status_code == 200
    assert client.get("/payees", headers=alice.headers).json["items"]
    assert client.delete(f"/payees/{payee}", headers=alice.headers).status_code == 204


def _customers(client: FlaskClient, banker: Login, alice: Login, customer: str) -> None:
    invited = new_person(client, banker, "Carol Carter", invite=True)
    assert client.post(f"/banker/customers/{invited['id']}/invitation", headers=banker.headers).status_code == 201
    code = client.post(f"/banker/customers/{invited['id']}/invitation", headers=banker.headers).json["invitation"]
    assert register(client, "carol", invitation=code).status_code == 201
    for query in ("", "q=car", "q=carol c", "status=active", "kyc=pending", "status=active&kyc=pending",
                  f"q=car&status=active&kyc=pending&cursor={'0' * 32}", "kyc=pending&cursor=0"):  # fmt: skip
        assert client.get(f"/banker/customers?{query}", headers=banker.headers).status_code == 200
    for part in ("", "/accounts", "/transactions"):
        assert client.get(f"/banker/customers/{customer}{part}", headers=banker.headers).status_code == 200
    assert client.post(f"/banker/customers/{customer}/reset-password", headers=banker.headers).status_code == 201
    identify(client, banker, customer)
    for action in ("kyc/verify", "suspend", "reactivate"):
        assert decide(client, banker, customer, action).status_code == 200
    assert decide(client, banker, customer, "close").status_code == 409
    path = f"/banker/customers/{customer}"
    headers = with_version(banker, client.get(path, headers=banker.headers))
    assert client.patch(path, json={"full_name": "Alice Archer"}, headers=headers).status_code == 200
    me = with_version(alice, client.get("/me", headers=alice.headers))
    assert client.patch("/me", json={"phone": None, "current_password": PASSWORD}, headers=me).status_code == 200


def _holds(client: FlaskClient, store: Store, alice: Login, banker: Login, number: str) -> None:
    wanted = {"amount": 1, "type": "card", "reason": "x", "expires_at": "2100-01-01"}
    for _ in range(2):
        placed = client.post(f"/banker/accounts/{number}/holds", json=wanted, headers=banker.headers).json["id"]
    for path in (f"/banker/accounts/{number}/holds?limit=1", f"/banker/accounts/{number}/holds?limit=1&status=open"):
        cursor = client.get(path, headers=banker.headers).json["next_cursor"]
        assert client.get(f"{path}&cursor={cursor}", headers=banker.headers).json["items"]
    assert client.get(f"/accounts/{number}/holds", headers=alice.headers).json["items"]
    assert client.get(f"/banker/holds/{placed}", headers=banker.headers).status_code == 200
    assert client.post(f"/banker/holds/{placed}/capture", json={}, headers=banker.headers).status_code == 201
    store.holds.list_expired(now=store.clock.now(), limit=10)


def _four_eyes(client: FlaskClient, store: Store, banker: Login, number: str) -> None:
    admins = [new_staff(client, store, name, Role.ADMIN) for name in ("arno", "asta")]
    policy = {"rule": "at_or_above", "thresholds": [{"amount": "20000", "currency": "USD"}]}
    asked = client.put("/admin/policies/counter_deposit", json=policy, headers=admins[0].headers)
    assert approvals.decide(client, admins[1], asked.json["id"], key="d").status_code == 200
    assert client.get("/admin/policies", headers=admins[0].headers).status_code == 200
    first, second = (approvals.asked_for(client, banker, number, amount="20000") for _ in range(2))
    executed = approvals.decide(client, admins[0], first, key="d").json["transaction_id"]
    assert approvals.decide(client, admins[0], second, "reject").status_code == 200
    asked = client.post(f"/banker/transactions/{executed}/reversal", json={"reason": "x"}, headers=banker.headers)
    assert approvals.decide(client, admins[0], asked.json["id"]).json["status"] == "executed"
    for terms in ({"withdrawal": "5"}, {"withdrawal": None}):
        client.post(f"/banker/accounts/{number}/limits", json=terms, headers=banker.headers)
    narrowed = "operation=reversal&status=executed"
    for query in ("", "status=pending", "status=expired", narrowed, f"mine=true&{narrowed}"):
        page = client.get(f"/banker/approvals?limit=1&{query}", headers=banker.headers)
        assert page.status_code == 200
        path = f"/banker/approvals?{query}&cursor={page.json['next_cursor'] or 0}"
        assert client.get(path, headers=banker.headers).status_code == 200
    store.approvals.expire_due(store.clock.now())


def _exchange(client: FlaskClient, store: Store) -> None:
    """Set rates, ask for a quote and use it, with every filter."""
    admin = new_staff(client, store, "avery", Role.ADMIN)
    zoe = people.new_person(client, store, "zoe", "Zoe Zimmer", balance=1_000)
    euros = an_account(store, currency="EUR", holders=(zoe.id,))
    approvals.without_second_person(store, OperationName.FX_RATE_CHANGE)
    rate = {"base": "EUR", "quote": "USD", "rate": "1.1", "spread": "0.01"}
    for _ in range(2):
        assert client.post("/admin/fx-rates", json=rate, headers=admin.headers).status_code == 201
    for path in ("/fx-rates", "/admin/fx-rates", "/admin/fx-rates?pair=USD-EUR"):
        for query in ("limit=1", "limit=1&cursor=E"):
            joined = f"{path}{'&' if '?' in path else '?'}{query}"
            assert client.get(joined, headers=admin.headers).status_code == 200
    quote = zoe.post("/transfers/quote", {"to": euros, "amount": "1"}).json["id"]
    assert zoe.send(euros, "1", quote=quote).status_code == 201


def _bulk(client: FlaskClient, store: Store) -> None:
    """Send a file twice, one to approve, and read what became of them."""
    banker = new_staff(client, store, "bulky", Role.BANKER)
    other = new_staff(client, store, "bulkier", Role.BANKER)
    source, payee = an_account(store, balance=5_000_000), an_account(store)
    for amount, status in (("1", 201), ("1", 201), ("10000.00", 202)):
        body = {"from": source, "lines": [{"to": payee, "amount": amount}]}
        answer = client.post("/banker/bulk", json=body, headers=banker.headers)
        assert answer.status_code == status, answer.text
    assert approvals.decide(client, other, answer.json["id"]).json["status"] == "executed"
    bulk = answer.json["payload"]["bulk"]
    for path in (f"/{bulk}", f"/{bulk}/lines", f"/{bulk}/lines?status=refused", "", "?limit=1", f"?cursor={bulk}"):
        assert client.get(f"/banker/bulk{path}", headers=banker.headers).status_code == 200
    take_up_left_behind(store)


def _every_intent(store: Store, number: str) -> None:
    store.journal.post(deposit(number, 10))
    paid = store.journal.post(deposit(number, 100)).transaction.id
    held = store.journal.post(hold(number, 10)).transaction.id
    store.journal.post(capture(held, 5, final=False))
    store.journal.post(release(held))
    store.journal.post(reversal(paid))


def _seldom(store: Store, number: str, customer: str) -> None:
    """Ask what is asked in turns of events that are rare, or a matter of time."""
    request = Request(deposit(number, 10))
    poster = Poster(store.client, store.database, clock=store.clock, timezone=ZoneInfo("UTC"))
    poster.post([request], stripe=0, timeout_s=5, claims=True)
    store.bulks.refuse(store.bulks.page(limit=1, before=None)[0], now=store.clock.now())
    user = store.users.find_by_customer(customer)
    assert user is not None
    store.users.rehash(user, user.password)
    fresh = customer_record()
    store.customers.insert(fresh, session=None)
    an_account(store, holders=(fresh.id,))
    store.accounts.settle_primary(fresh.id)
    closed = fresh.with_status(CustomerStatus.CLOSED, Decision("x", user.id, store.clock.now()))
    store.transaction(lambda session: store.customers.set_status(fresh, closed, session=session))
    store.transaction(lambda session: store.admins.require_another(user.id, session=session))
    assert store.bank.find_account_number_length()


def _proofs(store: Store) -> None:
    """Prove the ledger and the audit trail."""
    reader = LedgerReader(store.client, store.database)
    assert Reconciliation(reader).run().difference is None
    heads = store.audit_seals.heads()
    assert AuditVerification(store.audit_seals, reader, heads=heads).run().finding is None


def test_no_request_makes_the_database_read_a_whole_collection(
    config: Config, heard: Store, questions: Questions
) -> None:
    with sites_reached() as reached:
        journey(create_app(replace(config, rate_limit_login="6000/minute"), heard).test_client(), heard)
    assert [str(site) for site in unreached(reached) if site.function not in APART] == []
    assert {command["find"] for command in questions.commands if "find" in command} >= {"accounts", "entries", "users"}
    unserved = [
        question
        for command in list(questions.commands)
        for question in explainable(command)
        if WITHOUT_INDEX & set(stages(heard.database.command("explain", question, verbosity="queryPlanner")))
    ]
    assert unserved == []


def explainable(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the command as `explain` takes it, without its session; a bulk of updates one by one."""
    name = next(iter(command))
    if command[name] in SMALL:
        return
    inner = {key: value for key, value in command.items() if key in _MEANING}
    if "$jsonSchema" in str(inner) or inner.get("pipeline") == TOTALS:
        return
    if name in ("update", "delete"):
        for each in command["updates" if name == "update" else "deletes"]:
            yield {name: command[name], "updates" if name == "update" else "deletes": [each]}
    elif not any("$documents" in stage for stage in command.get("pipeline", [])):
        yield inner


_MEANING = frozenset(
    {"find", "filter", "sort", "limit", "hint", "projection", "aggregate", "pipeline", "cursor"}
    | {"findAndModify", "query", "update", "upsert", "new", "remove", "fields"}
)


def stages(plan: Any) -> Iterator[str]:
    """Return the name of every stage in a plan."""
    if isinstance(plan, dict):
        if isinstance(plan.get("stage"), str):
            yield plan["stage"]
        for name, value in plan.items():
            if name != "rejectedPlans":
                yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


def test_a_query_without_an_index_is_noticed(heard: Store) -> None:
    plan = heard.database.command(
        "explain", {"find": "entries", "filter": {"description": "x"}}, verbosity="queryPlanner"
    )
    assert WITHOUT_INDEX & set(stages(plan))


def test_a_place_that_asks_and_that_the_journey_does_not_come_by_is_noticed(store: Store) -> None:
    with sites_reached() as reached:
        store.users.find_by_name("alice")
    left = {(site.module, site.function) for site in unreached(reached)}
    assert ("users", "find_by_name") not in left
    assert {("users", "find_by_customer"), ("entry_pages", "_page"), ("key_window", "_last_examined")} <= left
