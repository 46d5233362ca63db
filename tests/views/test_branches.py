"""Branches: maintained by administrators, read by staff."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.customers import customer_of
from tests.factories.users import Login, logged_in, new_customer, new_staff
from tests.parallel import at_once

ADDRESS = {"line1": "12 Harbour Street", "city": "Springfield", "postal_code": "62701", "country": "US"}


@pytest.fixture
def admin(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "adam", Role.ADMIN)


def new_branch(client: FlaskClient, admin: Login, code: str = "HARBOUR", **facts: Any) -> Any:
    body = {"code": code, "name": "Harbour Street", "address": ADDRESS, **facts}
    return client.post("/admin/branches", json=body, headers=admin.headers)


def change(client: FlaskClient, admin: Login, tag: str, **facts: Any) -> Any:
    return client.patch("/admin/branches/HARBOUR", json=facts, headers=admin.headers | {"If-Match": tag})


def test_a_branch_is_made_read_changed_and_closed(client: FlaskClient, store: Store, admin: Login) -> None:
    made = new_branch(client, admin, routing={"type": "SORT", "code": "60-16-13"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.json["routing"] == {"type": "SORT", "code": "601613"}
    changed = change(client, admin, '"1"', name="Harbour Square", routing=None)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json["name"], changed.json["routing"]) == ("Harbour Square", None)
    assert changed.json["address"] == {**ADDRESS, "line2": None, "region": None}
    closed = client.post("/admin/branches/HARBOUR/close", headers=admin.headers)
    assert (closed.json["status"], closed.headers["ETag"]) == ("closed", '"3"')
    read = client.get("/admin/branches/HARBOUR", headers=admin.headers)
    assert (read.json, read.headers["ETag"]) == (closed.json, '"3"')
    for refused in (client.post("/admin/branches/HARBOUR/close", headers=admin.headers), change(client, admin, '"3"')):
        assert (refused.status_code, refused.json["code"]) == (409, "state_conflict")
    banker = new_staff(client, store, "bella", Role.BANKER)
    assert client.get("/banker/branches", headers=banker.headers).json["items"] == [closed.json]


def test_a_change_names_the_version_that_was_read(client: FlaskClient, admin: Login) -> None:
    new_branch(client, admin)
    unnamed = client.patch("/admin/branches/HARBOUR", json={"name": "x"}, headers=admin.headers)
    assert (unnamed.status_code, unnamed.json["code"]) == (428, "precondition_required")
    for tag in ('"2"', '"0"', "1", 'W/"1"', "*", '"1", "2"', '"01"', '"9999999999"', "", '"x"'):
        refused = change(client, admin, tag, name="x")
        assert (refused.status_code, refused.json["code"]) == (412, "precondition_failed"), tag
    assert change(client, admin, '"1"', name="Second").status_code == 200
    assert change(client, admin, '"1"', name="Third").status_code == 412


def test_of_many_changes_of_one_version_one_is_made(client: FlaskClient, admin: Login) -> None:
    new_branch(client, admin)
    app = client.application
    statuses = [
        answer.status_code
        for answer in at_once(20, lambda number: change(app.test_client(), admin, '"1"', name=f"Name {number}"))
    ]
    assert (statuses.count(200), statuses.count(412)) == (1, 19)


def test_of_many_who_make_one_branch_one_does(client: FlaskClient, admin: Login) -> None:
    app = client.application
    answers = at_once(10, lambda _: new_branch(app.test_client(), admin))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (1, 9)
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"code_taken"}


@pytest.mark.parametrize(
    ("type_", "written", "kept"),
    [
        ("IFSC", "hdfc0001234", "HDFC0001234"),
        ("SORT", "60 16 13", "601613"),
        ("SORT", "601613", "601613"),
        ("ABA", "021000021", "021000021"),
        ("BIC", "deutdeff", "DEUTDEFF"),
        ("BIC", "DEUTDEFF500", "DEUTDEFF500"),
        ("other", "Zweig 7/b", "Zweig 7/b"),
    ],
)
def test_a_routing_code_is_kept_in_its_canonical_form(
    client: FlaskClient, admin: Login, type_: str, written: str, kept: str
) -> None:
    made = new_branch(client, admin, routing={"type": type_, "code": written})
    assert (made.status_code, made.json["routing"]) == (201, {"type": type_, "code": kept})


@pytest.mark.parametrize(
    ("type_", "written"),
    [
        ("IFSC", "HDFC1001234"), ("IFSC", "HDFC000123"), ("SORT", "60-16 13"), ("SORT", "6016135"), ("SORT", "٦٠١٦١٣"),
        ("ABA", "021000022"), ("ABA", "02100002"), ("BIC", "DEUT1EFF"), ("BIC", "DEUTDEFF5"), ("BIC", "ſEUTDEFF"),
        ("other", "x" * 35), ("other", " x"), ("other", "x\n"), ("other", "x{$gt}"), ("other", ""),
    ],
)  # fmt: skip
def test_a_code_that_does_not_have_the_form_of_its_type_is_refused(
    client: FlaskClient, admin: Login, type_: str, written: str
) -> None:
    refused = new_branch(client, admin, routing={"type": type_, "code": written})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["routing.code"])


@pytest.mark.parametrize(
    ("facts", "at_fault"),
    [
        ({"code": "harbour"}, "code"), ({"code": {"$gt": ""}}, "code"), ({"code": "X" * 33}, "code"),
        ({"code": "-X"}, "code"), ({"code": None}, "code"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"),
        ({"name": ["x"]}, "name"), ({"address": None}, "address"), ({"address": {**ADDRESS, "country": "ZZ"}},
        "address.country"), ({"address": {**ADDRESS, "$set": 1}}, "address.$set"), ({"status": "closed"}, "status"),
        ({"version": 7}, "version"), ({"_id": "X"}, "_id"), ({"routing": {"type": "ABA"}}, "routing.code"),
        ({"routing": {"type": "IBAN", "code": "1"}}, "routing.type"), ({"routing": []}, "routing"),
    ],
)  # fmt: skip
def test_what_makes_no_branch_is_refused(
    client: FlaskClient, store: Store, admin: Login, facts: dict[str, Any], at_fault: str
) -> None:
    refused = new_branch(client, admin, **facts)
    assert (refused.status_code, [name.split(".0")[0] for name in refused.json["errors"]]) == (422, [at_fault])
    assert store.database["branches"].count_documents({}) == 0


def test_branches_are_listed_by_pages(client: FlaskClient, admin: Login) -> None:
    for number in range(5):
        new_branch(client, admin, f"B{number}")
    found, cursor = [], ""
    while True:
        page = client.get(f"/admin/branches?limit=2{cursor}", headers=admin.headers).json
        found += [branch["code"] for branch in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ["B0", "B1", "B2", "B3", "B4"]


def test_there_is_no_branch_of_an_odd_code(client: FlaskClient, admin: Login) -> None:
    for code in ("NONE", "$ne", "%7B%22$gt%22:%22%22%7D", "x" * 2_000):
        assert client.get(f"/admin/branches/{code}", headers=admin.headers).status_code == 404


def test_what_staff_post_names_the_branch_that_they_belong_to(client: FlaskClient, store: Store, admin: Login) -> None:
    new_branch(client, admin)
    alice = new_customer(client)
    number = client.get("/accounts", headers=alice.headers).json["items"][0]["number"]
    banker = new_staff(client, store, "bella", Role.BANKER)
    user = store.users.find_by_name("bella")
    assert user is not None
    moved = client.post(f"/admin/users/{user.id}/branch", json={"branch": "HARBOUR"}, headers=admin.headers)
    assert moved.status_code == 200, moved.text
    path = f"/banker/accounts/{number}/deposit"
    assert client.post(path, json={"amount": 5}, headers=banker.headers).status_code == 401
    banker = logged_in(client, "bella")
    assert client.post(path, json={"amount": 5}, headers=banker.headers).status_code == 201
    client.post("/deposit", json={"amount": 6}, headers=alice.headers)
    found = store.database["transactions"].find({"type": "deposit"})
    assert {each.get("branch") for each in found} == {"HARBOUR", None}
    body = {"customer": customer_of(client, banker, "alice"), "product": "CHECKING-USD"}
    assert client.post("/banker/accounts", json=body, headers=banker.headers).json["branch"] == "HARBOUR"
