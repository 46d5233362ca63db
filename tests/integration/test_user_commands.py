"""The `flask users` commands."""

from __future__ import annotations

import re

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from app.models.store import Store
from tests.factories.authenticators import enrolled
from tests.factories.clock import MovableClock
from tests.factories.users import PASSWORD, log_in, logged_in, register


def run(app: Flask, *args: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(args=["users", *args], input=typed)


@pytest.mark.parametrize("role", ["banker", "admin"])
def test_staff_are_created_with_a_password_that_is_asked_for_twice(app: Flask, client: FlaskClient, role: str) -> None:
    result = run(app, "create", "betty", "--role", role, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    login = logged_in(client, "betty")
    me = client.get("/auth/me", headers=login.headers).json
    assert (me["role"], me["full_name"], me["email"]) == (role, None, None)


def test_a_generated_password_is_shown_once_and_works(app: Flask, client: FlaskClient) -> None:
    result = run(app, "create", "betty", "--role", "banker", "--generate")
    (password,) = re.findall(r"shown only now: (\S+)", result.output)
    assert log_in(client, "betty", password).status_code == 200


@pytest.mark.parametrize("role", ["customer", "root"])
def test_no_other_role_can_be_created(app: Flask, store: Store, role: str) -> None:
    assert run(app, "create", "betty", "--role", role, "--generate").exit_code == 2
    assert store.users.is_empty()


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [("b", PASSWORD, "3 to 32"), ("betty", "password1", "easy to guess"), ("ALICE", PASSWORD, "taken")],
)
def test_what_the_bank_refuses_is_explained(
    app: Flask, client: FlaskClient, name: str, password: str, reason: str
) -> None:
    register(client, "alice")
    result = run(app, "create", name, "--role", "banker", typed=f"{password}\n{password}\n")
    assert (result.exit_code, reason in result.output) == (1, True)


def test_a_disabled_user_is_out_until_enabled(app: Flask, client: FlaskClient) -> None:
    register(client, "alice")
    login = logged_in(client)
    assert run(app, "disable", "Alice").exit_code == 0
    assert client.get("/auth/me", headers=login.headers).status_code == 401
    assert log_in(client).status_code == 401
    assert run(app, "enable", "alice").exit_code == 0
    assert log_in(client).status_code == 200


def test_a_new_role_counts_from_the_next_login(app: Flask, client: FlaskClient) -> None:
    run(app, "create", "betty", "--role", "banker", typed=f"{PASSWORD}\n{PASSWORD}\n")
    login = logged_in(client, "betty")
    assert run(app, "role", "betty", "admin").exit_code == 0
    assert client.get("/auth/me", headers=login.headers).status_code == 401
    headers = logged_in(client, "betty").headers
    assert client.get("/auth/verify", headers=headers).json["role"] == "admin"


def test_a_customer_never_becomes_staff(app: Flask, client: FlaskClient) -> None:
    register(client, "alice")
    result = run(app, "role", "alice", "admin")
    assert (result.exit_code, "another user" in result.output) == (1, True)


@pytest.mark.parametrize(
    "command", [("disable", "nobody"), ("enable", "nobody"), ("role", "nobody", "admin"), ("unlock", "nobody")]
)
def test_a_name_that_nobody_has_is_named(app: Flask, command: tuple[str, ...]) -> None:
    result = run(app, *command)
    assert (result.exit_code, "nobody" in result.output) == (1, True)


def test_the_last_active_administrator_is_kept(app: Flask, client: FlaskClient) -> None:
    for name in ("anna", "abe"):
        run(app, "create", name, "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert run(app, "disable", "abe").exit_code == 0
    login = logged_in(client, "anna")
    for command in (("disable", "anna"), ("role", "anna", "banker")):
        result = run(app, *command)
        assert (result.exit_code, "last active administrator" in result.output) == (1, True), result.output
    assert client.get("/auth/me", headers=login.headers).status_code == 200


def test_whoever_lost_their_authenticator_gets_in_without_it(app: Flask, client: FlaskClient) -> None:
    run(app, "create", "anna", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    enrolled(client, logged_in(client, "anna"), MovableClock())
    assert log_in(client, "anna").json["code"] == "mfa_required"
    assert run(app, "reset-mfa", "anna").exit_code == 0
    assert log_in(client, "anna").status_code == 200
    result = run(app, "reset-mfa", "anna")
    assert (result.exit_code, "This user has no authenticator." in result.output) == (1, True)


def test_whoever_forgot_their_password_gets_a_code_shown_once(app: Flask, client: FlaskClient) -> None:
    register(client, "alice")
    result = run(app, "reset-password", "Alice")
    (code,) = re.findall(r"shown only now: (\S+)", result.output)
    body = {"username": "alice", "code": code, "new_password": "amber quarry 81 whistles"}
    assert client.post("/auth/password/reset", json=body).status_code == 204
    assert log_in(client, "alice", "amber quarry 81 whistles").status_code == 200
    assert run(app, "disable", "alice").exit_code == 0
    for name, reason in (("nobody", "nobody"), ("alice", "disabled")):
        result = run(app, "reset-password", name)
        assert (result.exit_code, reason in result.output) == (1, True)


@pytest.mark.security("S31")
def test_whoever_is_locked_out_by_somebody_who_guesses_gets_in_again(
    app: Flask, client: FlaskClient, store: Store
) -> None:
    run(app, "create", "anna", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    user = store.users.find_by_name("anna")
    assert user is not None
    for _ in range(2):
        for _ in range(5):
            log_in(client, "anna", "not the password")
        assert log_in(client, "anna").status_code == 429
        assert run(app, "unlock", "Anna").exit_code == 0
        assert log_in(client, "anna").status_code == 200
    audited = list(store.database["audit"].find({"action": "staff.user_unlock"}))
    assert [(each["subject"], each["user_id"]) for each in audited] == 2 * [(f"user:{user.id}", "system")]
