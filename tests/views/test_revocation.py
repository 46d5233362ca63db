"""How fast access ends: at once where it was taken, within two seconds everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

from app import create_app
from app.controllers import staff
from app.domain.actor import Role
from app.domain.errors import StateConflict
from app.models.connection import connect
from app.models.store import Store
from config import Config
from tests.factories.users import PASSWORD, Login, log_in, logged_in, new_customer, new_staff, register
from tests.listening import listened
from tests.parallel import at_once

SEEN_WITHIN_S = 2.0
NEW_PASSWORD = "amber quarry 81 whistles"


@pytest.fixture
def elsewhere(app_with: Callable[..., Flask]) -> FlaskClient:
    """A client of another process's application: it shares the database with the first, and nothing else."""
    return app_with().test_client()


def status(client: FlaskClient, login: Login) -> int:
    return client.get("/auth/verify", headers=login.headers).status_code


def change_password(client: FlaskClient, login: Login) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/auth/password", json=body, headers=login.headers).status_code == 204


def end_by_id(client: FlaskClient, login: Login) -> None:
    (session,) = client.get("/auth/sessions", headers=login.headers).json["items"]
    assert client.delete(f"/auth/sessions/{session['id']}", headers=login.headers).status_code == 204


def disable(client: FlaskClient, login: Login) -> None:
    staff.set_disabled(client.application.extensions["store"], "alice", disabled=True)


@pytest.mark.security("S06", "S18")
@pytest.mark.parametrize(
    "take_access",
    [
        pytest.param(lambda client, login: client.post("/auth/logout", headers=login.headers), id="log out"),
        pytest.param(end_by_id, id="end the session"),
        pytest.param(change_password, id="change the password"),
        pytest.param(disable, id="disable the user"),
    ],
)
def test_access_ends_at_once_here_and_within_two_seconds_elsewhere(
    client: FlaskClient, elsewhere: FlaskClient, take_access: Callable[[FlaskClient, Login], None]
) -> None:
    login = new_customer(client)
    assert (status(client, login), status(elsewhere, login)) == (200, 200)

    take_access(client, login)
    taken_s = time.monotonic()
    assert status(client, login) == 401
    assert client.post("/auth/refresh", json={"refresh_token": login.refresh_token}).status_code == 401
    assert elsewhere.post("/auth/refresh", json={"refresh_token": login.refresh_token}).status_code == 401
    while time.monotonic() - taken_s <= SEEN_WITHIN_S:
        if status(elsewhere, login) == 401:
            break
    assert status(elsewhere, login) == 401


def test_a_banker_made_administrator_must_log_in_again_and_then_has_the_new_role(
    client: FlaskClient, elsewhere: FlaskClient, store: Store
) -> None:
    before = new_staff(client, store, "betty", Role.BANKER)
    assert status(elsewhere, before) == 200
    staff.set_role(store, "Betty", Role.ADMIN)
    assert status(client, before) == 401
    taken_s = time.monotonic()
    while status(elsewhere, before) == 200 and time.monotonic() - taken_s <= SEEN_WITHIN_S:
        pass
    assert status(elsewhere, before) == 401
    after = logged_in(elsewhere, "betty")
    assert elsewhere.get("/auth/verify", headers=after.headers).json["role"] == "admin"


def test_a_demoted_administrators_old_token_no_longer_counts(client: FlaskClient, store: Store) -> None:
    before = new_staff(client, store, "betty", Role.ADMIN)
    new_staff(client, store, "ada", Role.ADMIN)  # or betty would be the last
    staff.set_role(store, "betty", Role.BANKER)
    assert status(client, before) == 401
    assert client.get("/auth/verify", headers=logged_in(client, "betty").headers).json["role"] == "banker"


def test_a_customer_can_not_become_staff_nor_staff_a_customer(client: FlaskClient, store: Store) -> None:
    new_customer(client, "alice")
    new_staff(client, store, "betty", Role.BANKER)
    with pytest.raises(StateConflict):
        staff.set_role(store, "alice", Role.ADMIN)
    with pytest.raises(StateConflict):
        staff.set_role(store, "betty", Role.CUSTOMER)


def test_a_disabled_user_is_answered_like_a_wrong_password_until_enabled_again(
    client: FlaskClient, store: Store
) -> None:
    register(client, "alice")
    staff.set_disabled(store, "alice", disabled=True)
    disabled, wrong = log_in(client, "alice"), log_in(client, "alice", "not the password")
    assert disabled.status_code == wrong.status_code == 401
    assert {**disabled.json, "request_id": ""} == {**wrong.json, "request_id": ""}
    staff.set_disabled(store, "alice", disabled=False)
    assert log_in(client, "alice").status_code == 200


def test_logging_out_here_leaves_the_users_other_sessions_alone(client: FlaskClient) -> None:
    first = new_customer(client)
    second = logged_in(client)
    client.post("/auth/logout", headers=first.headers)
    assert (status(client, first), status(client, second)) == (401, 200)


class CommandCount(CommandListener):
    """Counts the commands that a client sends."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.count += 1

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: object) -> None: ...


@pytest.mark.security("S06")
def test_requests_cost_no_call_to_the_database_but_one_a_second(config: Config, store: Store) -> None:
    commands = CommandCount()
    with listened(config, commands) as watched:
        client = create_app(config, watched).test_client()
        login = new_customer(client)
        status(client, login)

        before, began_s = commands.count, time.monotonic()
        statuses = {status(client, login) for _ in range(300)}
        seconds = time.monotonic() - began_s
    assert statuses == {200}
    assert commands.count - before <= 1 + seconds


def test_without_the_database_nobody_is_believed_for_it_is_not_known_who_was_shut_out(
    config: Config, client: FlaskClient
) -> None:
    login = new_customer(client)
    cut_off = create_app(config, Store(connect("mongodb://127.0.0.1:1", timeout_ms=200), config))
    answer = cut_off.test_client().get("/auth/verify", headers=login.headers)
    cut_off.extensions["store"].close()
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"]


def test_a_login_that_a_password_change_overtakes_brings_nothing(client: FlaskClient, store: Store) -> None:
    """Whoever proved the old password a moment before it was changed gets tokens that do not count."""
    overtaken = new_customer(client)
    (session,) = store.database["sessions"].find()
    change_password(client, overtaken)
    store.database["sessions"].replace_one({"_id": session["_id"]}, session, upsert=True)
    assert status(client, overtaken) == 401
    assert client.post("/auth/refresh", json={"refresh_token": overtaken.refresh_token}).status_code == 401
    only = logged_in(client, "alice", NEW_PASSWORD)
    assert len(client.get("/auth/sessions", headers=only.headers).json["items"]) == 1


def test_of_two_changes_of_one_password_at_once_one_wins(app_with: Callable[..., Flask]) -> None:
    apps = [app_with(), app_with()]
    login = new_customer(apps[0].test_client())
    new_passwords = [NEW_PASSWORD, "granite 55 umbrella orchards"]

    def change(number: int) -> int:
        body = {"current_password": PASSWORD, "new_password": new_passwords[number]}
        return apps[number].test_client().post("/auth/password", json=body, headers=login.headers).status_code

    statuses = at_once(2, change)
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 401, 409}
    client = apps[0].test_client()
    assert log_in(client, "alice", new_passwords[statuses.index(204)]).status_code == 200
