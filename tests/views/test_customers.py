"""Customers' records over HTTP: made, found and changed by bankers, and decided about."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.domain.ids import random_id
from app.domain.paging import KEYS_EXAMINED_MAX
from app.models.store import Store
from tests.factories.customers import ADDRESS, customer_of, customer_record, decide, found, new_person, with_version
from tests.factories.users import Login, new_customer, new_staff, register
from tests.parallel import at_once

FACTS: dict[str, Any] = {
    "full_name": "Carol Carter",
    "date_of_birth": "1990-05-17",
    "email": "Carol@Example.com",
    "phone": "+1 202 555 0143",
    "address": ADDRESS,
    "nationality": "US",
}


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


def test_a_banker_makes_a_customer_without_a_login_and_reads_them_again(client: FlaskClient, banker: Login) -> None:
    made = client.post("/banker/customers", json=FACTS, headers=banker.headers)
    assert made.status_code == 201
    read = client.get(f"/banker/customers/{made.json['id']}", headers=banker.headers)
    assert (read.status_code, read.headers["ETag"]) == (200, made.headers["ETag"])
    assert read.json == {name: value for name, value in made.json.items() if name != "invitation"}
    told = {name: read.json[name] for name in FACTS}
    assert told == {
        **FACTS,
        "email": "Carol@example.com",
        "phone": "+12025550143",
        "address": {"line2": None, "region": None, **ADDRESS},
    }
    assert (read.json["status"], read.json["kyc_status"], read.json["username"]) == ("active", "pending", None)
    assert (made.json["invitation"], made.json["invited_until"]) == (None, None)


def test_who_registers_has_a_whole_record_too(client: FlaskClient, banker: Login) -> None:
    assert register(client, "carol", full_name="Carol  Carter", email="carol@example.com").status_code == 201
    customer = client.get(f"/banker/customers/{customer_of(client, banker, 'carol')}", headers=banker.headers).json
    assert (customer["username"], customer["full_name"]) == ("carol", "Carol Carter")
    assert (customer["status"], customer["kyc_status"], customer["number"][0]) == ("active", "pending", "C")


@pytest.mark.security("S04")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", None), ("full_name", {"$gt": ""}), ("full_name", "x" * 201), ("date_of_birth", "2999-01-01"),
        ("date_of_birth", "1790-01-01"), ("email", "nobody"), ("phone", "12"), ("nationality", "us"),
        ("address", "Main Street"), ("address", []), ("invite", "yes"), ("number", "C000000000000"),
        ("status", "closed"), ("kyc_status", "verified"), ("_id", "x"), ("version", 5), ("search", ["a"]),
        ("invitation", "x"),
    ],
)  # fmt: skip
def test_what_is_wrong_or_not_asked_for_is_refused_by_name(
    client: FlaskClient, store: Store, banker: Login, field: str, value: Any
) -> None:
    answer = client.post("/banker/customers", json={**FACTS, field: value}, headers=banker.headers)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert store.database["customers"].count_documents({}) == 0


def test_a_customer_that_is_not_there_is_not_found_anywhere(client: FlaskClient, banker: Login) -> None:
    version = banker.headers | {"If-Match": '"1"'}
    for path in ("nobody", random_id(), "%7B%22$gt%22:%22%22%7D"):
        address = f"/banker/customers/{path}"
        answers = [
            client.get(address, headers=banker.headers),
            client.patch(address, json={"full_name": "Mallory"}, headers=version),
            client.get(f"{address}/accounts", headers=banker.headers),
            client.get(f"{address}/transactions", headers=banker.headers),
            client.post(f"{address}/invitation", headers=banker.headers),
        ]
        actions = ("suspend", "reactivate", "close", "kyc/verify", "kyc/reject")
        answers += [decide(client, banker, path, action) for action in actions]
        assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(404, "not_found")}


def test_a_change_names_the_version_that_it_was_made_for(client: FlaskClient, banker: Login) -> None:
    path = f"/banker/customers/{new_person(client, banker)['id']}"
    read = client.get(path, headers=banker.headers)
    unversioned = client.patch(path, json={"full_name": "Carol Cook"}, headers=banker.headers)
    assert (unversioned.status_code, unversioned.json["code"]) == (428, "precondition_required")
    changed = client.patch(path, json={"full_name": "Carol Cook"}, headers=with_version(banker, read))
    assert (changed.status_code, changed.json["full_name"]) == (200, "Carol Cook")
    assert changed.headers["ETag"] != read.headers["ETag"]
    stale = client.patch(path, json={"full_name": "Carol Cope"}, headers=with_version(banker, read))
    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")
    for tag in ("*", "W/" + changed.headers["ETag"], "1", '"01"', '"1", "2"', ""):
        answer = client.patch(path, json={"full_name": "x"}, headers=banker.headers | {"If-Match": tag})
        assert answer.status_code == 412, tag
    assert client.get(path, headers=banker.headers).json == changed.json


def test_of_many_changes_made_for_one_version_one_is_made(client: FlaskClient, banker: Login) -> None:
    path = f"/banker/customers/{new_person(client, banker)['id']}"
    headers = with_version(banker, client.get(path, headers=banker.headers))
    app = client.application
    answers = at_once(
        20, lambda n: app.test_client().patch(path, json={"full_name": f"Carol {n}th"}, headers=headers).status_code
    )
    assert sorted(answers) == [200] + [412] * 19


def test_null_takes_away_what_was_there_and_what_is_not_named_stays(client: FlaskClient, banker: Login) -> None:
    person = new_person(client, banker, **{name: value for name, value in FACTS.items() if name != "full_name"})
    path = f"/banker/customers/{person['id']}"
    headers = with_version(banker, client.get(path, headers=banker.headers))
    changed = client.patch(path, json={"phone": None, "address": None}, headers=headers)
    assert (changed.json["phone"], changed.json["address"]) == (None, None)
    assert (changed.json["email"], changed.json["date_of_birth"]) == ("Carol@example.com", "1990-05-17")
    assert found(client, banker, q="2025550143") == []
    headers = with_version(banker, changed)
    for field in ("full_name", "date_of_birth", "nationality"):
        assert client.patch(path, json={field: None}, headers=headers).status_code == 422


def test_a_new_name_stands_on_the_customers_accounts_at_once(client: FlaskClient, store: Store, banker: Login) -> None:
    register(client, "carol", full_name="Carol Carter")
    customer_id = customer_of(client, banker, "carol")
    (account,) = store.accounts.list_owned(customer_id)
    assert account.holder_names == ("Carol Carter",)
    path = f"/banker/customers/{customer_id}"
    headers = with_version(banker, client.get(path, headers=banker.headers))
    assert client.patch(path, json={"full_name": "$name Carol Cook"}, headers=headers).status_code == 200
    (account,) = store.accounts.list_owned(customer_id)
    assert account.holder_names == ("$name Carol Cook",)


# ---- finding ---------------------------------------------------------------------------------------------------------


def test_customers_are_found_by_name_number_address_and_phone(client: FlaskClient, banker: Login) -> None:
    zoe = new_person(client, banker, "Zoë Łukasz", email="zoe@example.com", phone="+12025550143")
    new_person(client, banker, "Carol Carter")
    for text in (
        "zoe",
        "ZOË",
        "luk",
        "łukasz zo",
        zoe["number"],
        zoe["number"].lower()[:9],
        "+1 202 555-0143",
        "ZOE@ex",
    ):
        assert found(client, banker, q=text) == ["Zoë Łukasz"], text
    assert found(client, banker, q="oë") == found(client, banker, q="zoe carter") == []
    assert sorted(found(client, banker)) == ["Carol Carter", "Zoë Łukasz"]


@pytest.mark.security("S45", "S46")
@pytest.mark.parametrize(
    "text", [".*", "^.*$", "(a+)+$", "[a-z]*", "$where", "{$gt: ''}", "\\", "%", "_", "a" * 100, "(" * 100, "+" * 100]
)
def test_a_pattern_or_an_operator_finds_nothing_and_takes_no_time(
    client: FlaskClient, banker: Login, text: str
) -> None:
    new_person(client, banker, "Carol Carter")
    new_person(client, banker, "b" * 200)
    begun = time.thread_time()  # work, and not what a busy machine makes us wait
    assert found(client, banker, q=text) == []
    assert time.thread_time() - begun < 0.2


@pytest.mark.security("S10")
@pytest.mark.parametrize(
    "query",
    ["q=", f"q={'x' * 101}", "q=a&q=b", "q[$ne]=1", "q=a%00", "status=gone", "kyc=maybe", "status[$ne]=active",
     "limit=101", "limit=0", "cursor=%7B%7D", "owner=b", "full_name=x"],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(client: FlaskClient, banker: Login, query: str) -> None:
    assert client.get(f"/banker/customers?{query}", headers=banker.headers).status_code == 422


def test_a_list_is_narrowed_by_status_and_by_kyc(client: FlaskClient, banker: Login) -> None:
    people = {name: new_person(client, banker, name)["id"] for name in ("Ann", "Ben", "Cem")}
    decide(client, banker, people["Ann"], "kyc/verify")
    decide(client, banker, people["Ben"], "kyc/verify")
    decide(client, banker, people["Ben"], "suspend")
    assert sorted(found(client, banker, kyc="verified")) == ["Ann", "Ben"]
    assert found(client, banker, status="suspended") == ["Ben"]
    assert found(client, banker, status="active", kyc="verified") == ["Ann"]
    assert found(client, banker, status="active", kyc="verified", q="be") == []
    assert found(client, banker, status="closed") == []


def test_pages_of_a_search_join_without_gap_or_repeat(client: FlaskClient, store: Store, banker: Login) -> None:
    for number in range(25):
        store.customers.insert(customer_record(full_name=f"Anna Annabel {number}"), session=None)
        store.customers.insert(customer_record(full_name=f"Bob {number}"), session=None)
    seen: list[str] = []
    query: dict[str, Any] = {"q": "ann", "limit": 4}
    while True:
        page = client.get("/banker/customers", query_string=query, headers=banker.headers).json
        seen += [each["full_name"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(f"Anna Annabel {number}" for number in range(25))


def test_a_search_that_matches_little_looks_at_a_bounded_number_of_customers(
    client: FlaskClient, store: Store, banker: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KEYS_EXAMINED_MAX == 5_000
    monkeypatch.setattr("app.models.key_window.KEYS_EXAMINED_MAX", 10)
    for number in range(30):
        store.customers.insert(customer_record(full_name=f"Anna Nr{number}"), session=None)
    pages, items, query = 0, 0, {"q": "anna nr29", "status": "active"}
    while True:
        page = client.get("/banker/customers", query_string=query, headers=banker.headers).json
        pages, items = pages + 1, items + len(page["items"])
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert (pages, items) == (4, 1)


# ---- deciding --------------------------------------------------------------------------------------------------------


def test_a_decision_is_kept_with_who_made_it_when_and_why(client: FlaskClient, banker: Login) -> None:
    customer_id = new_person(client, banker)["id"]
    me = client.get("/auth/me", headers=banker.headers).json["id"]
    verified = decide(client, banker, customer_id, "kyc/verify", "Passport shown.").json
    assert verified["kyc_status"] == "verified"
    assert (verified["kyc_decision"]["reason"], verified["kyc_decision"]["by"]) == ("Passport shown.", me)
    suspended = decide(client, banker, customer_id, "suspend", "Card stolen.").json
    assert (suspended["status"], suspended["status_decision"]["reason"]) == ("suspended", "Card stolen.")
    assert suspended["kyc_decision"] == verified["kyc_decision"]
    closed = decide(client, banker, customer_id, "close", "Moved away.")
    assert (closed.status_code, closed.json["status"]) == (200, "closed")
    assert client.get(f"/banker/customers/{customer_id}", headers=banker.headers).json == closed.json


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ([], "reactivate"), (["suspend"], "suspend"), (["suspend", "reactivate"], "reactivate"), (["close"], "close"),
        (["close"], "suspend"), (["close"], "reactivate"), (["close"], "kyc/verify"), (["close"], "kyc/reject"),
        (["kyc/verify"], "kyc/verify"), (["kyc/reject"], "kyc/reject"),
    ],
)  # fmt: skip
def test_a_step_that_makes_no_sense_is_a_conflict_and_changes_nothing(
    client: FlaskClient, banker: Login, steps: list[str], refused: str
) -> None:
    customer_id = new_person(client, banker)["id"]
    for step in steps:
        assert decide(client, banker, customer_id, step).status_code == 200
    before = client.get(f"/banker/customers/{customer_id}", headers=banker.headers)
    answer = decide(client, banker, customer_id, refused)
    assert (answer.status_code, answer.json["code"]) == (409, "state_conflict")
    after = client.get(f"/banker/customers/{customer_id}", headers=banker.headers)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": None}, {"reason": "x" * 501}, {"reason": "x", "by": "me"}]
)
def test_a_decision_needs_a_reason(client: FlaskClient, banker: Login, body: dict[str, Any]) -> None:
    customer_id = new_person(client, banker)["id"]
    for action in ("suspend", "reactivate", "close", "kyc/verify", "kyc/reject"):
        answer = client.post(f"/banker/customers/{customer_id}/{action}", json=body, headers=banker.headers)
        assert answer.status_code == 422


def test_a_customer_with_an_open_account_is_not_closed(client: FlaskClient, banker: Login) -> None:
    new_customer(client, "carol")
    answer = decide(client, banker, customer_of(client, banker, "carol"), "close")
    assert (answer.status_code, answer.json["code"]) == (409, "state_conflict")


def test_a_closed_customer_is_changed_by_nobody(client: FlaskClient, banker: Login) -> None:
    path = f"/banker/customers/{new_person(client, banker)['id']}"
    decide(client, banker, path.rpartition("/")[2], "close")
    headers = with_version(banker, client.get(path, headers=banker.headers))
    assert client.patch(path, json={"full_name": "Carol Cook"}, headers=headers).json["code"] == "state_conflict"
    assert client.post(f"{path}/invitation", headers=banker.headers).json["code"] == "state_conflict"


def test_of_twenty_who_suspend_a_customer_at_once_one_does(client: FlaskClient, banker: Login) -> None:
    new_customer(client, "carol")
    customer_id, app = customer_of(client, banker, "carol"), client.application
    answers = at_once(20, lambda _: decide(app.test_client(), banker, customer_id, "suspend").status_code)
    assert sorted(answers) == [200] + [409] * 19


def test_a_customers_accounts_and_history_are_read_by_their_id(client: FlaskClient, banker: Login) -> None:
    carol, dora = new_customer(client, "carol"), new_customer(client, "dora")
    for each, amount in ((carol, "5.00"), (dora, "7.00")):
        assert client.post("/deposit", json={"amount": amount}, headers=each.headers).status_code == 201
    path = f"/banker/customers/{customer_of(client, banker, 'carol')}"
    (account,) = client.get(f"{path}/accounts", headers=banker.headers).json["items"]
    assert account["balance"] == "5.00"
    (line,) = client.get(f"{path}/transactions?type=deposit", headers=banker.headers).json["items"]
    assert (line["amount"], line["account"]) == ("5.00", account["number"])
    nobody = f"/banker/customers/{new_person(client, banker)['id']}"
    for part in ("accounts", "transactions"):
        assert client.get(f"{nobody}/{part}", headers=banker.headers).json == {"items": [], "next_cursor": None}
