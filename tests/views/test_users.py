"""Administrators decide who may log in and as what: never about themselves, and never until nobody is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.controllers import staff
from app.controllers.registration import create_staff
from app.domain.actor import Role
from app.domain.errors import LastAdmin, StateConflict
from app.models.store import Store
from config import Config
from tests.factories.authenticators import enrolled, log_in_with, ticket_of
from tests.factories.clock import MovableClock
from tests.factories.people import code_of
from tests.factories.users import PASSWORD, Login, bearer, log_in, logged_in, new_customer, new_staff, register
from tests.parallel import at_once

BRANCH = {"code": "HARBOUR", "name": "Harbour Street"}
ADDRESS = {"line1": "12 Harbour Street", "city": "Springfield", "postal_code": "62701", "country": "US"}


class Admin:
    """An administrator at work."""

    def __init__(self, client: FlaskClient, login: Login) -> None:
        self.client = client
        self.login = login

    def get(self, path: str = "") -> TestResponse:
        return self.client.get(f"/admin/users{path}", headers=self.login.headers)

    def post(self, path: str = "", body: Any = None, *, key: str | None = None) -> TestResponse:
        headers = self.login.headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"/admin/users{path}", json=body, headers=headers)

    def delete(self, path: str) -> TestResponse:
        return self.client.delete(f"/admin/users{path}", headers=self.login.headers)

    def names(self, query: str = "") -> list[str]:
        return [item["username"] for item in self.get(query).json["items"]]

    def id_of(self, username: str) -> str:
        (found,) = self.get(f"?name={username}").json["items"]
        return str(found["id"])

    def decide(self, approval: str, verb: str = "approve") -> TestResponse:
        body = {"comment": "As discussed"}
        return self.client.post(f"/banker/approvals/{approval}/{verb}", json=body, headers=self.login.headers)


@pytest.fixture
def ada(client: FlaskClient, store: Store) -> Admin:
    return Admin(client, new_staff(client, store, "ada", Role.ADMIN))


@pytest.fixture
def abe(client: FlaskClient, store: Store) -> Admin:
    return Admin(client, new_staff(client, store, "abe", Role.ADMIN))


@pytest.fixture
def harbour(client: FlaskClient, ada: Admin) -> str:
    made = client.post("/admin/branches", json={**BRANCH, "address": ADDRESS}, headers=ada.login.headers)
    assert made.status_code == 201, made.text
    return BRANCH["code"]


def me(client: FlaskClient, login: Login) -> int:
    return client.get("/auth/me", headers=login.headers).status_code


# ---- finding ---------------------------------------------------------------------------------------------------------


def test_users_are_listed_by_name_in_pages_that_join(client: FlaskClient, ada: Admin) -> None:
    for name in ("bob", "carl", "Bea", "дарья"):
        register(client, name)
    assert ada.names() == ["ada", "Bea", "bob", "carl", "дарья"]
    found, cursor = [], ""
    while cursor is not None:
        page = ada.get(f"?limit=2{cursor and '&cursor='}{cursor}").json
        found += [item["username"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == ["ada", "Bea", "bob", "carl", "дарья"]


def test_filters_narrow_together(client: FlaskClient, store: Store, ada: Admin, harbour: str) -> None:
    register(client, "bob")
    new_staff(client, store, "bella", Role.BANKER)
    ada.post("", {"username": "bert", "role": "banker", "branch": harbour})
    staff.set_disabled(store, "bob", disabled=True)
    assert ada.names("?name=B") == ["bella", "bert", "bob"]
    assert ada.names("?name=ＢＥ") == ["bella", "bert"]
    assert ada.names("?role=banker") == ["bella", "bert"]
    assert ada.names("?disabled=true") == ["bob"]
    assert ada.names("?disabled=false&name=b") == ["bella", "bert"]
    assert ada.names(f"?branch={harbour}") == ["bert"]
    assert ada.names(f"?branch={harbour}&role=admin") == []
    assert ada.names("?role=customer&disabled=false") == []


@pytest.mark.security("S46")
@pytest.mark.parametrize("name", [".*", "b.*", "^b", "(a+)+$", "[$ne]=1", "{}", "b\U0010ffff"])
def test_a_search_is_never_a_pattern(client: FlaskClient, ada: Admin, name: str) -> None:
    register(client, "bob")
    answer = client.get("/admin/users", query_string={"name": name}, headers=ada.login.headers)
    assert (answer.status_code, answer.json["items"]) == (200, [])


@pytest.mark.security("S10")
@pytest.mark.parametrize(
    "query", ["name[$ne]=1", "role=root", "disabled=1", "limit=101", "cursor=%2B", "cursor=abc", "cursor=_w", "name="]
)
def test_a_question_that_makes_no_sense_is_refused(ada: Admin, query: str) -> None:
    assert ada.get(f"?{query}").status_code == 422


def test_a_user_is_shown_without_anything_secret(client: FlaskClient, ada: Admin) -> None:
    register(client, "bob")
    found = ada.get(f"/{ada.id_of('bob')}").json
    assert found == {
        "id": found["id"],
        "username": "bob",
        "role": "customer",
        "branch": None,
        "disabled": False,
        "customer_id": found["customer_id"],
        "mfa_enabled": False,
        "created_at": found["created_at"],
    }
    assert code_of(ada.get("/nobody")) == (404, "not_found")


# ---- making ----------------------------------------------------------------------------------------------------------


def test_a_banker_is_made_with_a_password_that_is_shown_once(client: FlaskClient, ada: Admin, harbour: str) -> None:
    made = ada.post("", {"username": "Bella", "role": "banker", "branch": harbour})
    assert made.status_code == 201, made.text
    user = made.json["user"]
    assert (user["username"], user["role"], user["branch"], made.json["approval"]) == ("Bella", "banker", harbour, None)
    login = logged_in(client, "bella", made.json["password"])
    assert client.get("/banker/accounts", headers=login.headers).status_code == 200
    assert made.json["password"] not in ada.get(f"/{user['id']}").text


def test_a_given_password_is_not_repeated(client: FlaskClient, ada: Admin) -> None:
    made = ada.post("", {"username": "bella", "role": "banker", "password": "amber quarry 81 whistles"})
    assert made.json["password"] is None
    assert log_in(client, "bella", "amber quarry 81 whistles").status_code == 200


def test_an_administrator_begins_as_a_banker_until_a_second_person_approves(
    client: FlaskClient, ada: Admin, abe: Admin
) -> None:
    made = ada.post("", {"username": "anna", "role": "admin"}).json
    assert made["user"]["role"] == "banker"
    login = logged_in(client, "anna", made["password"])
    assert client.get("/admin/users", headers=login.headers).status_code == 403
    anna = Admin(client, login)
    assert anna.decide(made["approval"]).status_code == 403
    assert ada.decide(made["approval"]).status_code == 403
    assert abe.decide(made["approval"]).json["status"] == "executed"
    login = logged_in(client, "anna", made["password"])
    assert client.get("/admin/users", headers=login.headers).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"role": "customer"},
        {"role": "root"},
        {"role": None},
        {"role": {"$ne": ""}},
        {"username": "b"},
        {"username": {"$gt": ""}},
        {"password": "short"},
        {"password": "password1"},
        {"branch": "NOWHERE"},
        {"branch": {"$ne": ""}},
        {"disabled": False},
        {"customer_id": "x"},
    ],
)
def test_what_can_not_be_made_is_refused(store: Store, ada: Admin, change: dict[str, Any]) -> None:
    assert ada.post("", {"username": "bella", "role": "banker"} | change).status_code == 422
    assert store.users.find_by_name("bella") is None


def test_a_name_is_taken_however_it_is_spelled(ada: Admin) -> None:
    assert code_of(ada.post("", {"username": "ADA", "role": "banker"})) == (409, "username_taken")


# ---- roles and branches ----------------------------------------------------------------------------------------------


def test_a_role_changes_when_another_administrator_approves_it(
    client: FlaskClient, store: Store, ada: Admin, abe: Admin
) -> None:
    login = new_staff(client, store, "bella", Role.BANKER)
    bella = ada.id_of("bella")
    asked = ada.post(f"/{bella}/role", {"role": "admin"}, key="one")
    assert asked.status_code == 202
    assert asked.json["payload"] == {"user": bella, "username": "bella", "before": "banker", "role": "admin"}
    assert me(client, login) == 200
    assert code_of(ada.decide(asked.json["id"])) == (403, "maker_is_checker")
    assert abe.decide(asked.json["id"]).json["status"] == "executed"
    assert me(client, login) == 401
    assert ada.get(f"/{bella}").json["role"] == "admin"
    again = ada.post(f"/{bella}/role", {"role": "admin"}, key="one")
    assert again.status_code in (202, 409)


def test_nobody_decides_about_themselves(client: FlaskClient, ada: Admin, abe: Admin) -> None:
    own = ada.id_of("ada")
    for path, body in (
        ("role", {"role": "banker"}),
        ("branch", {"branch": None}),
        ("disable", None),
        ("enable", None),
        ("reset-lockout", None),
        ("reset-mfa", None),
    ):
        assert code_of(ada.post(f"/{own}/{path}", body)) == (403, "own_access"), path
    asked = abe.post(f"/{own}/role", {"role": "banker"}).json["id"]
    assert code_of(ada.decide(asked)) == (403, "own_access")
    assert ada.get(f"/{own}").json["role"] == "admin"


def test_a_customer_never_becomes_staff_nor_staff_a_customer(client: FlaskClient, ada: Admin, abe: Admin) -> None:
    register(client, "bob")
    assert code_of(ada.post(f"/{ada.id_of('bob')}/role", {"role": "banker"})) == (409, "state_conflict")
    assert ada.post(f"/{ada.id_of('abe')}/role", {"role": "customer"}).status_code == 422
    assert code_of(ada.post(f"/{ada.id_of('abe')}/role", {"role": "admin"})) == (409, "state_conflict")


def test_a_role_that_changed_meanwhile_is_not_changed_again(
    client: FlaskClient, store: Store, ada: Admin, abe: Admin
) -> None:
    new_staff(client, store, "bella", Role.BANKER)
    bella = ada.id_of("bella")
    first, second = (ada.post(f"/{bella}/role", {"role": "admin"}, key=key).json["id"] for key in ("one", "two"))
    assert abe.decide(first).json["status"] == "executed"
    failed = abe.decide(second).json
    assert (failed["status"], failed["failure"]) == ("failed", "state_conflict")


def test_a_branch_is_in_the_tokens_of_the_next_login(
    client: FlaskClient, store: Store, ada: Admin, harbour: str
) -> None:
    login = new_staff(client, store, "bella", Role.BANKER)
    bella = ada.id_of("bella")
    assert ada.post(f"/{bella}/branch", {"branch": harbour}).json["branch"] == harbour
    assert me(client, login) == 401
    assert ada.post(f"/{bella}/branch", {"branch": None}).json["branch"] is None
    assert "branch" not in store.database["users"].find_one({"_id": bella})


def test_only_staff_belong_to_a_branch_that_there_is(
    client: FlaskClient, store: Store, ada: Admin, harbour: str
) -> None:
    register(client, "bob")
    new_staff(client, store, "bella", Role.BANKER)
    assert code_of(ada.post(f"/{ada.id_of('bob')}/branch", {"branch": harbour})) == (409, "state_conflict")
    for branch in ("NOWHERE", 7, {"$ne": ""}, ""):
        assert ada.post(f"/{ada.id_of('bella')}/branch", {"branch": branch}).status_code == 422
    client.post(f"/admin/branches/{harbour}/close", headers=ada.login.headers)
    assert code_of(ada.post(f"/{ada.id_of('bella')}/branch", {"branch": harbour})) == (409, "state_conflict")


# ---- out and in ------------------------------------------------------------------------------------------------------


def test_a_disabled_user_is_out_at_once_until_enabled(client: FlaskClient, ada: Admin) -> None:
    login = new_customer(client, "bob")
    bob = ada.id_of("bob")
    assert ada.post(f"/{bob}/disable").json["disabled"] is True
    assert me(client, login) == 401
    assert log_in(client, "bob").status_code == 401
    assert ada.post(f"/{bob}/enable").json["disabled"] is False
    assert me(client, login) == 401
    assert log_in(client, "bob").status_code == 200


@pytest.mark.security("S31")
def test_a_lockout_is_lifted_for_passwords_and_codes(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock
) -> None:
    client = app_with().test_client()
    ada = Admin(client, new_staff(client, store, "ada", Role.ADMIN))
    own = enrolled(client, new_customer(client, "bob"), clock)
    for _ in range(5):
        log_in_with(client, ticket_of(client, "bob"), own.wrong_code())
    assert log_in_with(client, ticket_of(client, "bob"), own.code()).status_code == 429
    for _ in range(5):
        log_in(client, "bob", "not the password")
    assert log_in(client, "bob").status_code == 429
    assert ada.post(f"/{ada.id_of('bob')}/reset-lockout").status_code == 204
    assert log_in_with(client, ticket_of(client, "bob"), own.code()).status_code == 200


def test_a_lost_authenticator_is_taken_away(app_with: Callable[..., Flask], store: Store, clock: MovableClock) -> None:
    client = app_with().test_client()
    ada = Admin(client, new_staff(client, store, "ada", Role.ADMIN))
    own = enrolled(client, new_customer(client, "bob"), clock)
    bob = ada.id_of("bob")
    assert ada.get(f"/{bob}").json["mfa_enabled"] is True
    ticket = ticket_of(client, "bob")
    assert ada.post(f"/{bob}/reset-mfa").json["mfa_enabled"] is False
    assert log_in_with(client, ticket, own.code()).status_code == 401
    assert log_in(client, "bob").status_code == 200
    refused = ada.post(f"/{bob}/reset-mfa")
    assert code_of(refused) == (409, "mfa_not_enrolled")
    assert refused.json["detail"] == "This user has no authenticator."


@pytest.mark.security("S36")
def test_no_administrator_gets_in_as_another(client: FlaskClient, ada: Admin, abe: Admin) -> None:
    """Whoever could would be the second person who approves what they have asked for."""
    refused = ada.post(f"/{ada.id_of('abe')}/reset-password")
    assert code_of(refused) == (409, "state_conflict")
    assert me(client, abe.login) == 200


@pytest.mark.security("S23")
def test_sessions_are_seen_and_ended_one_by_one_or_all(client: FlaskClient, ada: Admin) -> None:
    logins = [new_customer(client, "bob"), *(logged_in(client, "bob") for _ in range(2))]
    bob = ada.id_of("bob")
    page = ada.get(f"/{bob}/sessions?limit=2").json
    rest = ada.get(f"/{bob}/sessions?limit=2&cursor={page['next_cursor']}").json
    ids = [item["id"] for item in page["items"] + rest["items"]]
    assert len(set(ids)) == 3
    assert rest["next_cursor"] is None
    assert ada.delete(f"/{bob}/sessions/{ids[0]}").status_code == 204
    assert [me(client, login) for login in logins] == [200, 200, 401]
    assert code_of(ada.delete(f"/{bob}/sessions/{ids[0]}")) == (404, "not_found")
    assert code_of(ada.delete(f"/{ada.id_of('ada')}/sessions/{ids[1]}")) == (404, "not_found")
    assert ada.delete(f"/{bob}/sessions").status_code == 204
    assert [me(client, login) for login in logins] == [401] * 3


@pytest.mark.parametrize("path", ["", "/sessions"])
def test_of_a_user_that_there_is_not_nothing_is_told(ada: Admin, path: str) -> None:
    assert code_of(ada.get(f"/nobody{path}")) == (404, "not_found")


# ---- the last administrator ------------------------------------------------------------------------------------------


def test_the_last_active_administrator_stays(client: FlaskClient, store: Store, ada: Admin, abe: Admin) -> None:
    assert ada.post(f"/{ada.id_of('abe')}/disable").status_code == 200
    with pytest.raises(LastAdmin):
        staff.set_disabled(store, "ada", disabled=True)
    with pytest.raises(LastAdmin):
        staff.set_role(store, "ada", Role.BANKER)
    assert me(client, ada.login) == 200
    staff.set_role(store, "abe", Role.BANKER)


def test_of_two_administrators_who_disable_each_other_at_once_one_stays(
    app_with: Callable[..., Flask], store: Store, ada: Admin, abe: Admin
) -> None:
    ids = {name: ada.id_of(name) for name in ("ada", "abe")}
    clients = [app_with().test_client(), app_with().test_client()]
    for _ in range(10):
        pair = [Admin(client, logged_in(client, name)) for client, name in zip(clients, ids, strict=True)]
        others = [ids["abe"], ids["ada"]]
        answers = at_once(2, lambda number, pair=pair, others=others: pair[number].post(f"/{others[number]}/disable"))
        active = list(store.database["users"].find({"role": "admin", "disabled": False}))
        assert len(active) == 1, [answer.text for answer in answers]
        for name in ids:
            staff.set_disabled(store, name, disabled=False)


def test_of_administrators_who_are_demoted_at_once_in_several_processes_one_stays(config: Config, store: Store) -> None:
    names = [f"admin{number}" for number in range(4)]
    stores = [Store.open(config) for _ in names]
    for name in names:
        create_staff(store, name, PASSWORD, Role.ADMIN)

    def demote(number: int) -> bool:
        try:
            staff.set_role(stores[number], names[number], Role.BANKER)
        except (LastAdmin, StateConflict):
            return False
        return True

    assert at_once(len(names), demote).count(True) == 3
    assert store.database["users"].count_documents({"role": "admin"}) == 1
    for own in stores:
        own.close()


@pytest.mark.parametrize("path", ["/admin/users", "/admin/users/x", "/admin/users/x/sessions"])
def test_only_administrators_get_in(client: FlaskClient, store: Store, path: str) -> None:
    banker, customer = new_staff(client, store, "bella", Role.BANKER), new_customer(client, "bob")
    for login in (banker, customer):
        assert code_of(client.get(path, headers=login.headers)) == (403, "forbidden")
    assert code_of(client.get(path, headers=bearer("x"))) == (401, "not_authenticated")
