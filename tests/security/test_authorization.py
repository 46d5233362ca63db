"""S01 to S10: who reaches what. The access matrix itself (S01) is tried out in tests/contracts/test_role_matrix.py."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import new_account_number
from app.domain.actor import Role
from app.models.store import Store
from tests.answered import answered
from tests.callers import HTTP, Caller, log_in, new_caller
from tests.contracts.role_matrix import CUSTOMER, ROLE_MATRIX
from tests.factories.approvals import LARGE, asked_for, decide
from tests.factories.people import Person, new_person
from tests.factories.users import PASSWORD, new_staff
from tests.live import LiveServer
from tests.processes import TIMEOUT_S, wait_until
from tests.views.test_hostile_input import Operation, operations

SEEN_WITHIN_S = 2.0
CALLS = 24
"""On connections of their own: more than enough to reach both processes."""


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Archer", balance=10_000)


@pytest.fixture
def bob(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "bob", "Bob Brown", balance=10_000)


def told(answer: TestResponse) -> tuple[int, Any]:
    """Return all of an answer that is not made up anew for each."""
    return answer.status_code, {**answer.json, "request_id": ""}


# ---- S02, S05, S07: whose things -------------------------------------------------------------------------------------


def customers_operations(client: FlaskClient) -> list[Operation]:
    allowed = {row for row, callers in ROLE_MATRIX.items() if CUSTOMER in callers}
    return [
        operation
        for operation in operations(client.application)
        if (operation.method, operation.path.replace("{", "<").replace("}", ">")) in allowed
    ]


def test_s02_an_account_of_somebody_elses_is_not_there_wherever_it_is_named(
    client: FlaskClient, alice: Person, bob: Person
) -> None:
    """In bodies and queries; the things that a path names are tried in the role matrix."""
    tried = set()

    def both(operation: Operation, **options: Callable[[str], Any]) -> None:
        theirs, nobodys = (
            client.open(
                operation.path.replace("{number}", alice.number),
                method=operation.method,
                headers=alice.login.headers,
                **{name: make(number) for name, make in options.items()},
            )
            for number in (bob.number, new_account_number())
        )
        needs_more = theirs.json["code"] == "mfa_not_enrolled"  # which is told whatever account is named
        assert theirs.status_code == 404 or needs_more, f"{operation.path}: {theirs.text}"
        assert told(theirs) == told(nobodys)
        tried.add(operation.path)

    for operation in customers_operations(client):
        for name in {"account", "from"} & set(operation.body or {}):
            if operation.path != "/payees":  # where the account is somebody else's by nature
                both(operation, json=lambda number, operation=operation, name=name: operation.body | {name: number})
        if "account" in operation.in_query and operation.path != "/payees/check":
            both(operation, query_string=lambda number: {"account": number})
        if operation.path in ("/deposit", "/withdraw"):
            both(operation, json=lambda number: {"account": number, "amount": "1"})
    assert tried >= {"/balance", "/deposit", "/withdraw", "/transfers", "/transactions", "/confirmations"}
    assert (alice.balance(), bob.balance()) == ("100.00", "100.00")


SECRET_NAMES = ("hash", "digest", "pepper", "salt", "epoch", "fingerprint", "seed", "_id", "password", "claims")


def test_s05_no_answer_has_a_place_for_what_is_secret(client: FlaskClient) -> None:
    description = client.get("/openapi.json").json
    answered = {
        content["schema"]["$ref"].rpartition("/")[2]
        for methods in description["paths"].values()
        for method, operation in methods.items()
        if method != "parameters"
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
    }
    schemas = description["components"]["schemas"]
    waiting, seen = list(answered), set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            found = set(json.dumps(schemas[name]).split('"#/components/schemas/')[1:])
            waiting += [each.partition('"')[0] for each in found]
    members = {(name, member) for name in seen for member in schemas[name].get("properties", ())}
    assert len(members) > 200
    assert {
        (name, member) for name, member in members if member in SECRET_NAMES or member.endswith(("_hash", "_digest"))
    } == {("HiredOut", "password")}  # the first one, shown once to whoever made the user
    assert all(schemas[name]["additionalProperties"] is False for name in seen)


def test_s05_nothing_that_is_kept_as_a_secret_stands_in_any_answer(
    client: FlaskClient, store: Store, alice: Person
) -> None:
    banker, admin = (new_staff(client, store, name, Role(name)) for name in ("banker", "admin"))
    (holder,) = client.get(f"/banker/accounts/{alice.number}", headers=banker.headers).json["holders"]
    (user,) = store.database["users"].find({"username": holder["username"]})
    (session,) = store.database["sessions"].find({"user_id": user["_id"]})
    assert "$2b$" in str(user)
    secrets = (session["current_jti"], "$2b$")
    for operation in operations(client.application):
        if operation.method == "GET":
            for login in (alice.login, banker, admin):
                path = operation.path.replace("{number}", alice.number).replace("{customer_id}", alice.id)
                path = path.replace("{user_id}", user["_id"])
                answer = client.get(path.replace("{", "").replace("}", ""), headers=login.headers)
                assert not [secret for secret in secrets if secret in answer.text], operation.path


def test_s07_a_caller_is_who_the_token_says_whatever_else_is_sent(
    client: FlaskClient, alice: Person, bob: Person
) -> None:
    names = (
        "X-User-Id",
        "X-User",
        "X-Forwarded-User",
        "X-Remote-User",
        "X-Account",
        "X-Customer-Id",
        "X-Role",
        "Remote-User",
    )
    spoofed = dict.fromkeys(names, bob.id) | {"X-Role": "admin", "Cookie": f"user_id={bob.id}; session={bob.id}"}
    headers = alice.login.headers | spoofed
    paid = client.post("/deposit", json={"amount": "5"}, headers=headers)
    assert (paid.status_code, paid.json["account"]) == (201, alice.number)
    assert client.get("/auth/me", headers=headers).json["username"] == "alice"
    assert client.get("/admin/users", headers=headers).status_code == 403
    assert client.get("/balance", headers=spoofed).status_code == 401
    for name in ("user_id", "customer_id", "owner_id", "initiated_by", "holder"):
        refused = client.post("/deposit", json={"amount": "5", name: bob.id}, headers=alice.login.headers)
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])
        assert client.get(f"/balance?{name}={bob.id}", headers=alice.login.headers).status_code == 422
    assert (alice.balance(), bob.balance()) == ("105.00", "100.00")


# ---- S03, S06, S18: the server as it is run --------------------------------------------------------------------------


def raw(server: LiveServer, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> int:
    """Send a path exactly as it is written, which clients don't, and return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        sent = dict(headers) | ({"Content-Type": "application/json"} if body else {})
        for name, value in (sent | {"Content-Length": str(len(body or ""))}).items():
            connection.putheader(name, value)
        connection.endheaders((body or "").encode())
        return connection.getresponse().status
    finally:
        connection.close()


SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda path: path,
    lambda path: f"{path}/",
    lambda path: f"/{path}",
    lambda path: f"//{path}",
    lambda path: path.replace("/", "//"),
    lambda path: f"/%2e{path}",
    lambda path: f"/.{path}",
    lambda path: f"/health/..{path}",
    lambda path: f"/health/%2e%2e{path}",
    lambda path: f"/health%2f..{path}",
    lambda path: path.replace("/", "%2f").replace("%2f", "/", 1),
    lambda path: f"/%{ord(path[1]):02x}{path[2:]}",
    lambda path: path.upper(),
    lambda path: f"{path}%00",
    lambda path: f"{path}%20",
    lambda path: f"{path};x=1",
    lambda path: f"{path}.json",
    lambda path: f"/api{path}",
    lambda path: f"/api/{path}",
    lambda path: f"{path}?x=/health",
    lambda path: f"http://127.0.0.1{path}",
)
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL")


KEPT_OUT = (400, 401, 403, 404, 405)


def test_s03_no_way_to_write_a_path_lets_a_customer_do_what_staff_do(server: LiveServer) -> None:
    carol = new_caller(server, balance="5")
    token = {"Authorization": f"Bearer {carol.token}"}
    calls = (
        ("GET", "/admin/users", None),
        ("GET", "/banker/accounts", None),
        ("POST", f"/banker/accounts/{carol.number}/deposit", json.dumps({"amount": "100"})),
    )
    tried = {
        (called, spell(path), bool(headers)): raw(
            server, called, spell(path), headers, body if called == method else None
        )
        for method, path, body in calls
        for spell in SPELLINGS
        for called in (method, "HEAD")
        for headers in ({}, token)
    }
    assert len(tried) > 200
    assert {call: status for call, status in tried.items() if status not in KEPT_OUT} == {}
    assert carol.balance() == 5


def test_s03_no_header_makes_another_call_of_one(server: LiveServer) -> None:
    carol = new_caller(server, balance="5")
    token = {"Authorization": f"Bearer {carol.token}"}
    for override in OVERRIDES:
        for value in ("POST", "DELETE", f"/banker/accounts/{carol.number}/deposit"):
            headers = token | {override: value}
            assert raw(server, "GET", "/banker/accounts", headers) == 403
            assert raw(server, "GET", f"/banker/accounts/{carol.number}/deposit", headers) == 405
            assert raw(server, "GET", "/balance", headers) == 200
    assert carol.balance() == 5


@dataclass(frozen=True)
class Ended:
    """Somebody whose access is taken, and how everybody finds out."""

    who: Caller
    path: str = "/auth/verify"
    refused: tuple[int, ...] = (401,)

    def statuses(self) -> set[int]:
        headers = {"Authorization": f"Bearer {self.who.token}"}
        ask = partial(HTTP.get, f"{self.who.url}{self.path}", headers=headers)
        return {answered(ask).status_code for _ in range(CALLS)}

    def check_after(self, change: Callable[[], Any]) -> None:
        """Check that both processes let them in, and after the change at most two seconds long."""
        assert self.statuses() == {200}
        change()
        taken_s = time.monotonic()
        wait_until(lambda: self.statuses() <= set(self.refused) or time.monotonic() - taken_s > SEEN_WITHIN_S)
        assert self.statuses() <= set(self.refused)


@pytest.fixture(scope="module")
def admin(server: LiveServer) -> Caller:
    return log_in(server, "admin", server.demo_password("admin"))


def path_of(admin: Caller, username: str) -> str:
    (found,) = admin.get(f"/admin/users?name={username}")["items"]
    return f"/admin/users/{found['id']}"


def staff_member(admin: Caller, server: LiveServer, username: str) -> Caller:
    body = {"username": username, "role": "banker", "password": PASSWORD}
    assert admin.post("/admin/users", **body).status_code == 201
    return log_in(server, username, PASSWORD)


def test_s06_a_disabled_user_is_kept_out_by_every_process_within_two_seconds(server: LiveServer, admin: Caller) -> None:
    banker = staff_member(admin, server, f"d{time.time_ns()}")
    name = banker.get("/auth/me")["username"]
    Ended(banker, "/banker/accounts").check_after(lambda: admin.post(f"{path_of(admin, name)}/disable"))


def test_s06_a_suspended_customer_still_reads_and_moves_nothing(server: LiveServer, admin: Caller) -> None:
    carol = new_caller(server, balance="5")
    banker = log_in(server, "banker", server.demo_password("banker"))
    (holder,) = banker.get(f"/banker/accounts/{carol.number}")["holders"]
    assert banker.post(f"/banker/customers/{holder['id']}/suspend", reason="As agreed.").status_code == 200
    refused = [carol.post("/withdraw", amount="1") for _ in range(CALLS)]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "account_blocked")}
    assert carol.balance() == 5
    again = log_in(server, holder["username"], PASSWORD)
    assert again.get("/accounts")["items"]


def log_out(caller: Caller) -> None:
    assert caller.post("/auth/logout").status_code == 204


def change_password(caller: Caller) -> None:
    body = {"current_password": PASSWORD, "new_password": "amber quarry 81 whistles"}
    assert caller.post("/auth/password", **body).status_code == 204


def end_own_session(caller: Caller) -> None:
    (own,) = [each for each in caller.get("/auth/sessions")["items"] if each["current"]]
    headers = {"Authorization": f"Bearer {caller.token}"}
    assert HTTP.delete(f"{caller.url}/auth/sessions/{own['id']}", headers=headers).status_code == 204


@pytest.mark.parametrize("take_access", [log_out, change_password, end_own_session])
def test_s18_whoever_ends_a_session_ends_it_in_every_process_within_two_seconds(
    server: LiveServer, take_access: Callable[[Caller], None]
) -> None:
    carol = new_caller(server)
    Ended(carol).check_after(lambda: take_access(carol))


# ---- S08 to S10 ------------------------------------------------------------------------------------------------------


def test_s08_who_asks_for_a_large_movement_does_not_approve_it(
    client: FlaskClient, store: Store, alice: Person
) -> None:
    maker, checker = (new_staff(client, store, name, Role.BANKER) for name in ("bella", "boris"))
    approval = asked_for(client, maker, alice.number, amount=LARGE)
    assert decide(client, maker, approval).status_code == 403
    assert alice.balance() == "100.00"
    assert decide(client, checker, approval).json["status"] == "executed"
    assert alice.balance() == "10100.00"


def test_s09_steps_out_of_order_or_twice_are_a_conflict(client: FlaskClient, store: Store, alice: Person) -> None:
    maker, checker = (new_staff(client, store, name, Role.BANKER) for name in ("bella", "boris"))
    approval = asked_for(client, maker, alice.number, amount=LARGE)
    assert decide(client, checker, approval, "reject").status_code == 200
    for verdict in ("approve", "reject", "approve"):
        assert decide(client, checker, approval, verdict).status_code == 409
    for action in ("unfreeze", "reactivate"):
        path = f"/banker/accounts/{alice.number}/{action}"
        assert client.post(path, json={"reason": "x"}, headers=maker.headers).status_code == 409
    assert alice.balance() == "100.00"


def test_s10_every_list_is_capped_and_no_filter_widens_it(
    client: FlaskClient, store: Store, alice: Person, bob: Person
) -> None:
    banker, admin = (new_staff(client, store, name, Role(name)) for name in ("banker", "admin"))
    lists = [operation for operation in operations(client.application) if "limit" in operation.in_query]
    assert len(lists) >= 12
    for operation in lists:
        login = {"banker": banker, "admin": admin}.get(operation.path.split("/")[1], alice.login)
        path = operation.path.replace("{number}", alice.number).replace("{", "").replace("}", "")
        for limit in (10**9, 101, 0, -1, "1e1", "all", ""):
            answer = client.get(f"{path}?limit={limit}", headers=login.headers)
            assert (answer.status_code, list(answer.json["errors"])) == (422, ["limit"]), f"{path} {limit}"
    for operation in customers_operations(client):
        if operation.method == "GET":
            path = operation.path.replace("{number}", alice.number).replace("{", "").replace("}", "")
            for name in (
                "owner",
                "owner_id",
                "customer",
                "customer_id",
                "user_id",
                "holder",
                "holders",
                "all",
                "scope",
            ):
                answer = client.get(f"{path}?{name}={bob.id}", headers=alice.login.headers)
                assert answer.status_code in (404, 422) or bob.number not in answer.text, f"{path}?{name}"
    assert [each["number"] for each in alice.get("/accounts").json["items"]] == [alice.number]
