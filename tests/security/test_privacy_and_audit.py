"""S69 to S71: what is told of nobody, and what is told of everything that happened."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from bson import Int64
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.domain.audit import Stream
from app.domain.audit_chain import Head, seal_after
from app.domain.ids import random_id
from app.models.audit_seals import AuditSeals, seal_audit, seal_document
from app.models.collection import Document
from app.models.store import Store
from tests.answered import answered
from tests.callers import HTTP
from tests.factories.approvals import LARGE, asked_for, at_counter, decide
from tests.factories.customers import decide as decide_about
from tests.factories.people import Person, new_person
from tests.factories.users import Login, log_in, logged_in, new_staff
from tests.live import LiveServer
from tests.processes import wait_until

CANARY = f"canary{time.time_ns()}"


# ---- S69: the logs of the server as it is run, and of its database ---------------------------------------------------


def test_s69_no_secret_and_nothing_personal_stands_in_any_log(server: LiveServer) -> None:
    name, password = f"n{random_id()[:12]}", f"{CANARY} amber quarry whistles"
    end = f"end-{random_id()}"
    person = {"full_name": f"{CANARY} Carter", "email": f"{CANARY}@example.com"}

    def post(path: str, body: object, **headers: str) -> dict[str, str]:
        answer = answered(lambda: HTTP.post(f"{server.url}{path}", json=body, headers=headers))
        assert answer.status_code < 500
        return dict(answer.json()) if answer.content else {}

    post("/auth/register", {"username": name, "password": password, **person})
    post("/auth/login", {"username": name, "password": f"{CANARY} mistyped"})
    post("/auth/login", {"username": f"{CANARY} no name", "password": password})
    tokens = post("/auth/login", {"username": name, "password": password})
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    secret = post("/auth/mfa/enrol", {"password": password}, **bearer)["secret"]
    post("/deposit", {"amount": "5", "description": CANARY}, **bearer, **{"Idempotency-Key": CANARY})
    post("/deposit", {"amount": CANARY, CANARY: CANARY}, **bearer)
    post("/payees", {"account": "482915306750", "label": CANARY}, **bearer)
    renewed = post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    for path in (f"/{CANARY}", f"/balance?x={CANARY}", f"/accounts/{CANARY}", f"/docs/{CANARY}"):
        HTTP.get(f"{server.url}{path}", headers=bearer | {"Cookie": CANARY, "User-Agent": CANARY, "Referer": CANARY})
    post("/auth/logout", {}, Authorization=f"Bearer {renewed['access_token']}")
    HTTP.get(f"{server.url}/nothing", headers={"X-Request-ID": end})
    wait_until(lambda: end in server.output)

    logs = {path.name: path.read_text(errors="replace") for path in (server.data_dir / "mongo").glob("*.log")}
    assert len(logs) == 2
    signatures = [token.rpartition(".")[2] for token in (*tokens.values(), *renewed.values()) if "." in str(token)]
    assert len(signatures) == 4
    for told in (server.output, *logs.values()):
        for canary in (CANARY, name, secret, *signatures):
            assert canary not in told


# ---- S70: one record for each act ------------------------------------------------------------------------------------


def records(store: Store, request_id: str) -> list[Document]:
    return list(store.database["audit"].find({"request_id": request_id}))


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Archer", balance=10_000)


def test_s70_each_act_leaves_exactly_one_record_that_says_who_what_when_where_and_how_it_ended(
    client: FlaskClient, store: Store, alice: Person, banker: Login
) -> None:
    second = new_staff(client, store, "boris", Role.BANKER)
    approval = asked_for(client, banker, alice.number, amount=LARGE)
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "auth.login": (lambda: log_in(client, "alice"), "ok"),
        "a failed login": (lambda: log_in(client, "alice", "not the password"), "invalid_credentials"),
        "a refused role": (lambda: client.get("/admin/users", headers=banker.headers), "forbidden"),
        "cash": (lambda: at_counter(client, banker, alice.number, "5"), "ok"),
        "cash in vain": (
            lambda: at_counter(client, banker, alice.number, "500", verb="withdraw"),
            "insufficient_funds",
        ),
        "an approval": (lambda: decide(client, second, approval), "ok"),
        "a suspension": (lambda: decide_about(client, banker, alice.id, "suspend"), "ok"),
        "a logout": (lambda: client.post("/auth/logout", headers=banker.headers), "ok"),
    }
    for act, (perform, result) in acts.items():
        before = {each["_id"] for each in store.database["audit"].find({}, {"_id": 1})}
        perform()
        (record,) = store.database["audit"].find({"_id": {"$nin": list(before)}})
        assert record["result"] == result, act
        assert record["at"].utcoffset().total_seconds() == 0, act
        for name in ("action", "user_id", "role", "subject", "address", "request_id"):
            assert record[name], (act, name)


# ---- S71: whatever is done to the trail ------------------------------------------------------------------------------


def verify(app: Flask, *arguments: str) -> tuple[int, str]:
    """Return exit code and output of `flask audit verify`."""
    done = app.test_cli_runner().invoke(args=["audit", "verify", *arguments])
    return done.exit_code, done.output


@pytest.fixture
def sealed(client: FlaskClient, store: Store) -> list[str]:
    """The ids of nine records of logins, under three seals."""
    new_person(client, store, "alice", "Alice Archer")
    for _ in range(3):
        for _ in range(3):
            logged_in(client, "alice")
        seal_audit(store)
    return [each["_id"] for each in store.database["audit"].find({"action": "auth.login"}).sort("_id", 1)]


def edit(store: Store, ids: list[str]) -> str:
    store.database["audit"].update_one({"_id": ids[4]}, {"$set": {"address": "192.0.2.99"}})
    return ids[4]


def delete_from_the_middle(store: Store, ids: list[str]) -> str:
    store.database["audit"].delete_one({"_id": ids[4]})
    return ids[4]


def delete_the_tail(store: Store, ids: list[str]) -> str:
    store.database["audit"].delete_many({"_id": {"$in": ids[-2:]}})
    return ids[-2]


def let_two_change_places(store: Store, ids: list[str]) -> str:
    audit = store.database["audit"]
    one, other = (audit.find_one({"_id": record}) or {} for record in ids[3:5])
    audit.replace_one({"_id": one["_id"]}, {**other, "_id": one["_id"], "address": "192.0.2.1"})
    audit.replace_one({"_id": other["_id"]}, {**one, "_id": other["_id"], "address": "192.0.2.2"})
    return ids[3]


def insert(store: Store, ids: list[str]) -> str:
    between = f"{int(ids[4], 16) + 1:032x}"
    store.database["audit"].insert_one({**(store.database["audit"].find_one({"_id": ids[4]}) or {}), "_id": between})
    return between


@pytest.mark.parametrize("tamper", [edit, delete_from_the_middle, delete_the_tail, let_two_change_places, insert])
def test_s71_whatever_is_done_to_a_record_names_the_first_that_is_not_as_it_was(
    app: Flask, store: Store, sealed: list[str], tamper: Callable[[Store, list[str]], str]
) -> None:
    assert verify(app)[0] == 0
    first_bad = tamper(store, sealed)
    code, said = verify(app)
    assert code == 1
    assert first_bad in said


def written_anew(store: Store) -> None:
    """Recompute every chain, over records of which one was changed."""
    store.database["audit"].update_one({"action": "auth.login"}, {"$set": {"address": "192.0.2.99"}})
    seals = AuditSeals(store.database)
    for stream in Stream:
        chain, head = list(seals.seals(stream)), Head(stream)
        store.database["audit_seals"].delete_many({"stream": str(stream)})
        for old in chain:
            digests = seals.digests_of(each.record_id for each in old.covered)
            covered = [type(each)(each.record_id, digests[each.record_id]) for each in old.covered]
            new = seal_after(head, covered, at=old.at)
            store.database["audit_seals"].insert_one({**seal_document(new), "n": Int64(new.n)})
            head = new.head


def test_s71_a_trail_written_anew_or_cut_off_is_named_by_the_head_that_was_exported(
    app: Flask, store: Store, sealed: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    head = str(tmp_path_factory.mktemp("heads") / "head.json")
    assert app.test_cli_runner().invoke(args=["audit", "export-head", head]).exit_code == 0
    assert verify(app, "--head", head)[0] == 0
    written_anew(store)
    assert verify(app)[0] == 0  # by itself it is as good as the first
    code, said = verify(app, "--head", head)
    assert code == 1
    assert "head" in said
