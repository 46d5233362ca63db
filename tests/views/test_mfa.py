"""The second factor: enrolled with the password, asked for at every login, each code good for one use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.domain.actor import Role
from app.models.store import Store
from config import Config
from tests.factories.authenticators import (
    STEP,
    enrol,
    enrolled,
    log_in_with,
    logged_in_with,
    new_enrolled_customer,
    ticket_of,
)
from tests.factories.clock import MovableClock
from tests.factories.users import (
    PASSWORD,
    Login,
    bearer,
    log_in,
    logged_in,
    login_of,
    new_customer,
    new_staff,
    register,
)
from tests.parallel import at_once


@pytest.fixture
def app(app_with: Callable[..., Flask]) -> Flask:
    """The application under the clock that the test moves."""
    return app_with()


def confirm(client: FlaskClient, login: Login, code: Any) -> Any:
    return client.post("/auth/mfa/confirm", json={"code": code}, headers=login.headers)


def state(client: FlaskClient, login: Login) -> dict[str, Any]:
    return dict(client.get("/auth/mfa", headers=login.headers).json)


# ---- enrolling -------------------------------------------------------------------------------------------------------


def test_an_authenticator_is_shown_once_and_counts_once_it_is_confirmed(
    client: FlaskClient, clock: MovableClock
) -> None:
    login = new_customer(client)
    assert state(client, login) == {"enabled": False, "required": False, "since": None, "recovery_codes_left": 0}
    begun = enrol(client, login).json
    assert begun["qr_svg"].startswith("<svg")
    uri = pyotp.parse_uri(begun["provisioning_uri"])
    assert (uri.secret, uri.name, uri.issuer) == (begun["secret"], "alice", "Bank")
    assert state(client, login)["enabled"] is False
    assert log_in(client).status_code == 200

    codes = confirm(client, login, pyotp.TOTP(begun["secret"]).at(clock.now())).json["recovery_codes"]
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)
    assert client.get("/auth/mfa", headers=login.headers).status_code == 401
    assert log_in(client).json["code"] == "mfa_required"


def test_enrolling_needs_the_password(client: FlaskClient) -> None:
    login = new_customer(client)
    answer = enrol(client, login, "not the password")
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")
    assert [enrol(client, login, "not the password").status_code for _ in range(5)] == [401] * 4 + [429]


def test_a_wrong_password_or_code_does_not_tell_clients_that_their_session_is_over(
    client: FlaskClient, clock: MovableClock
) -> None:
    login, own = new_enrolled_customer(client, clock)
    wrong_password = {"password": "not the password", "code": own.present_code()}
    refused = client.post("/auth/mfa/disable", json=wrong_password, headers=login.headers)
    assert (refused.status_code, refused.json["code"]) == (401, "invalid_credentials")
    assert (refused.json["detail"], "WWW-Authenticate" in refused.headers) == ("The password is wrong.", False)
    refused = client.post("/auth/mfa/recovery-codes", json={"code": own.wrong_code()}, headers=login.headers)
    assert (refused.status_code, refused.json["code"]) == (401, "invalid_code")
    assert "WWW-Authenticate" not in refused.headers
    change = {"current_password": "not the password", "new_password": "amber quarry 81 kettles"}
    refused = client.post("/auth/password", json=change, headers=login.headers)
    assert (refused.json["detail"], "WWW-Authenticate" in refused.headers) == ("The password is wrong.", False)
    assert log_in(client, password="not the password").json["detail"] == "The user name or the password is wrong."
    ended = client.get("/auth/mfa", headers={"Authorization": f"Bearer {login.access_token}x"})
    assert (ended.status_code, ended.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_second_begin_makes_the_first_secret_void(client: FlaskClient, clock: MovableClock) -> None:
    login = new_customer(client)
    first = enrol(client, login).json["secret"]
    second = enrol(client, login).json["secret"]
    assert confirm(client, login, pyotp.TOTP(first).at(clock.now())).json["code"] == "invalid_code"
    assert confirm(client, login, pyotp.TOTP(second).at(clock.now())).status_code == 200


def test_there_is_one_authenticator_at_a_time(client: FlaskClient, clock: MovableClock) -> None:
    login, own = new_enrolled_customer(client, clock)
    for answer in (enrol(client, login), confirm(client, login, own.code())):
        assert (answer.status_code, answer.json["code"]) == (409, "mfa_already_enrolled")
    assert state(client, login)["recovery_codes_left"] == 10


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("confirm", {"code": "123456"}),
        ("disable", {"code": "123456", "password": PASSWORD}),
        ("recovery-codes", {"code": "123456"}),
    ],
)
def test_without_an_authenticator_there_is_nothing_to_confirm_or_end(
    client: FlaskClient, path: str, body: dict[str, str]
) -> None:
    login = new_customer(client)
    answer = client.post(f"/auth/mfa/{path}", json=body, headers=login.headers)
    assert (answer.status_code, answer.json["code"]) == (409, "mfa_not_enrolled")


@pytest.mark.parametrize(
    "code",
    [None, 123456, "12345", "1234567", "１２３４５６", "٠١٢٣٤٥", " 123456", "123456\n", {"$gt": ""}, ["123456"], True,
     "", "x" * 9999],
)  # fmt: skip
def test_what_has_not_the_form_of_a_code_is_refused_and_counts_as_no_attempt(client: FlaskClient, code: Any) -> None:
    login = new_customer(client)
    enrol(client, login)
    assert [confirm(client, login, code).status_code for _ in range(6)] == [422] * 6


def test_the_seed_is_encrypted_in_the_database(client: FlaskClient, store: Store, clock: MovableClock) -> None:
    login = new_customer(client)
    own = enrolled(client, login, clock)
    kept = repr([list(store.database[name].find()) for name in store.database.list_collection_names()])
    assert own.secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in own.recovery_codes)


# ---- logging in ------------------------------------------------------------------------------------------------------


def test_a_login_takes_the_password_and_then_a_code(client: FlaskClient, clock: MovableClock) -> None:
    own = enrolled(client, new_customer(client), clock)
    login = login_of(log_in_with(client, ticket_of(client), own.code()))
    assert client.get("/auth/me", headers=login.headers).status_code == 200


@pytest.mark.security("S41")
def test_a_code_is_good_for_one_login(client: FlaskClient, clock: MovableClock) -> None:
    clock.stop()
    own = enrolled(client, new_customer(client), clock)
    used_to_confirm = own.present_code()
    assert log_in_with(client, ticket_of(client), used_to_confirm).json["code"] == "invalid_code"
    code = own.code()
    assert log_in_with(client, ticket_of(client), code).status_code == 200
    assert log_in_with(client, ticket_of(client), code).json["code"] == "invalid_code"
    assert log_in_with(client, ticket_of(client), used_to_confirm).json["code"] == "invalid_code"


@pytest.mark.security("S41")
def test_a_clock_may_be_half_a_minute_off_and_no_more(client: FlaskClient, clock: MovableClock) -> None:
    clock.stop()
    own = enrolled(client, new_customer(client), clock)
    clock.forward(STEP * 10)
    for steps in (-2, 2, -3, 3):
        assert log_in_with(client, ticket_of(client), own.code_at(STEP * steps)).json["code"] == "invalid_code"
    assert log_in_with(client, ticket_of(client), own.code_at(-STEP)).status_code == 200
    assert log_in_with(client, ticket_of(client), own.code_at(STEP)).status_code == 200
    assert log_in_with(client, ticket_of(client), own.code_at(timedelta())).json["code"] == "invalid_code"


@pytest.mark.security("S41")
def test_a_recovery_code_stands_in_for_a_code_once(client: FlaskClient, clock: MovableClock) -> None:
    own = enrolled(client, new_customer(client), clock)
    first, second = own.recovery_codes[:2]
    login = login_of(log_in_with(client, ticket_of(client), first))
    assert state(client, login)["recovery_codes_left"] == 9
    assert log_in_with(client, ticket_of(client), first).json["code"] == "invalid_code"
    assert log_in_with(client, ticket_of(client), second.upper().replace("-", "")).status_code == 200


def test_a_recovery_code_is_its_owners_alone(client: FlaskClient, clock: MovableClock) -> None:
    own = enrolled(client, new_customer(client, "alice"), clock)
    enrolled(client, new_customer(client, "bob"), clock)
    assert log_in_with(client, ticket_of(client, "bob"), own.recovery_codes[0]).json["code"] == "invalid_code"
    assert log_in_with(client, ticket_of(client, "bob"), own.code()).json["code"] == "invalid_code"


def test_a_ticket_is_good_for_one_login_within_five_minutes(client: FlaskClient, clock: MovableClock) -> None:
    own = enrolled(client, new_customer(client), clock)
    ticket = ticket_of(client)
    assert log_in_with(client, ticket, own.wrong_code()).json["code"] == "invalid_code"
    assert log_in_with(client, ticket, own.code()).status_code == 200
    late = ticket_of(client)
    clock.forward(timedelta(minutes=5))
    for spent in (ticket, late, "made up", ticket[:-1]):
        answer = log_in_with(client, spent, own.code())
        assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated")


@pytest.mark.security("S16")
def test_a_ticket_is_no_token_and_a_token_no_ticket(client: FlaskClient, clock: MovableClock) -> None:
    login, own = new_enrolled_customer(client, clock)
    ticket = ticket_of(client)
    assert client.get("/auth/me", headers=bearer(ticket)).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": ticket}).status_code == 401
    for token in (login.access_token, login.refresh_token):
        answer = client.post("/auth/login/mfa", json={"ticket": token, "code": own.code()})
        assert answer.status_code in (401, 422)


def test_a_ticket_ends_with_a_new_password(client: FlaskClient, clock: MovableClock) -> None:
    login, own = new_enrolled_customer(client, clock)
    ticket = ticket_of(client)
    body = {"current_password": PASSWORD, "new_password": "amber quarry 81 whistles"}
    assert client.post("/auth/password", json=body, headers=login.headers).status_code == 204
    assert log_in_with(client, ticket, own.code()).json["code"] == "not_authenticated"


def test_a_wrong_password_is_answered_alike_with_and_without_an_authenticator(
    client: FlaskClient, clock: MovableClock
) -> None:
    enrolled(client, new_customer(client), clock)
    register(client, "bob")
    answers = [log_in(client, name, "not the password") for name in ("alice", "bob", "nobody")]
    assert {(answer.status_code, answer.json["code"], len(answer.data)) for answer in answers} == {
        (401, "invalid_credentials", len(answers[0].data))
    }


def test_after_five_wrong_codes_even_the_right_one_has_to_wait(
    client: FlaskClient, clock: MovableClock, config: Config
) -> None:
    own = enrolled(client, new_customer(client), clock)
    tries = [log_in_with(client, ticket_of(client), own.wrong_code()) for _ in range(5)]
    assert {answer.json["code"] for answer in tries} == {"invalid_code"}
    for code in (own.code(), own.recovery_codes[0]):
        answer = log_in_with(client, ticket_of(client), code)
        assert (answer.status_code, answer.json["code"]) == (429, "code_locked")
        assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    clock.forward(config.login_lockout)
    assert log_in_with(client, ticket_of(client), own.code()).status_code == 200


@pytest.mark.security("S41")
def test_whoever_knows_the_password_gets_twenty_guesses_of_a_code_a_day(
    app_with: Callable[..., Flask], clock: MovableClock
) -> None:
    """Five each quarter of an hour, for a year, would find a code of six digits more often than every third time."""
    client = app_with().test_client()
    own = enrolled(client, new_customer(client), clock)
    statuses = []
    for _ in range(6):
        ticket = ticket_of(client)
        statuses += [log_in_with(client, ticket, own.wrong_code()).status_code for _ in range(6)]
        clock.forward(timedelta(minutes=15, seconds=1))
    assert statuses.count(401) == 20
    locked = log_in_with(client, ticket_of(client), own.code())
    assert (locked.status_code, locked.json["code"]) == (429, "code_locked")
    clock.forward(timedelta(days=1))
    assert log_in_with(client, ticket_of(client), own.code()).status_code == 200
    wrong = [log_in_with(client, ticket_of(client), own.wrong_code()).status_code for _ in range(5)]
    assert wrong == [401] * 5, "a right code lets all begin anew"


@pytest.mark.security("S32")
def test_s32_of_fifty_parallel_guesses_in_two_processes_five_are_looked_at(
    app_with: Callable[..., Flask], clock: MovableClock
) -> None:
    apps = [app_with(), app_with()]
    client = apps[0].test_client()
    own = enrolled(client, new_customer(client), clock)
    ticket, wrong = ticket_of(client), own.wrong_code()
    answers = at_once(50, lambda number: log_in_with(apps[number % 2].test_client(), ticket, wrong))
    codes = [answer.json["code"] for answer in answers]
    assert (codes.count("invalid_code"), codes.count("code_locked")) == (5, 45)


@pytest.mark.security("S41")
@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_of_many_who_send_one_code_at_once_in_two_processes_one_gets_in(
    app_with: Callable[..., Flask], clock: MovableClock, kind: str
) -> None:
    apps = [app_with(login_failures_max=100), app_with(login_failures_max=100)]
    client = apps[0].test_client()
    own = enrolled(client, new_customer(client), clock)
    tickets = [ticket_of(client) for _ in range(20)]
    code = own.code() if kind == "code" else own.recovery_codes[0]
    answers = at_once(20, lambda number: log_in_with(apps[number % 2].test_client(), tickets[number], code))
    assert [answer.status_code for answer in answers].count(200) == 1


def test_of_many_who_send_one_ticket_with_codes_of_their_own_one_gets_in(
    app_with: Callable[..., Flask], clock: MovableClock
) -> None:
    apps = [app_with(login_failures_max=100), app_with(login_failures_max=100)]
    client = apps[0].test_client()
    own = enrolled(client, new_customer(client), clock)
    ticket = ticket_of(client)
    answers = at_once(
        10, lambda number: log_in_with(apps[number % 2].test_client(), ticket, own.recovery_codes[number])
    )
    assert [answer.status_code for answer in answers].count(200) == 1


def test_neither_seeds_nor_codes_nor_tickets_are_logged(
    client: FlaskClient, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    own = enrolled(client, new_customer(client), clock)
    ticket, code = ticket_of(client), own.code()
    log_in_with(client, ticket, own.wrong_code())
    log_in_with(client, ticket, code)
    output = capsys.readouterr().out
    for event in ("mfa_enabled", "code_asked_for", "code_failed", "login_succeeded"):
        assert event in output
    assert not any(secret in output for secret in (own.secret, ticket, f'"{code}"', *own.recovery_codes))


# ---- ending and renewing ---------------------------------------------------------------------------------------------


def test_disabling_takes_the_password_and_a_code_and_ends_every_session(
    client: FlaskClient, clock: MovableClock
) -> None:
    login, own = new_enrolled_customer(client, clock)

    def disable(password: str, code: str) -> Any:
        return client.post("/auth/mfa/disable", json={"password": password, "code": code}, headers=login.headers)

    assert disable("not the password", own.code()).json["code"] == "invalid_credentials"
    assert disable(PASSWORD, own.wrong_code()).json["code"] == "invalid_code"
    assert disable(PASSWORD, own.recovery_codes[3]).status_code == 204
    assert client.get("/auth/me", headers=login.headers).status_code == 401
    assert state(client, logged_in(client))["enabled"] is False


def test_new_recovery_codes_take_a_code_and_make_the_old_ones_void(client: FlaskClient, clock: MovableClock) -> None:
    login, own = new_enrolled_customer(client, clock)

    def renew(code: str) -> Any:
        return client.post("/auth/mfa/recovery-codes", json={"code": code}, headers=login.headers)

    assert renew(own.wrong_code()).json["code"] == "invalid_code"
    fresh = renew(own.code()).json["recovery_codes"]
    assert len(set(fresh) | set(own.recovery_codes)) == 20
    assert log_in_with(client, ticket_of(client), own.recovery_codes[0]).json["code"] == "invalid_code"
    assert log_in_with(client, ticket_of(client), fresh[0]).status_code == 200


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_seed_moves_to_a_newer_key_with_the_next_code(
    app_with: Callable[..., Flask], config: Config, clock: MovableClock
) -> None:
    peppers = {**config.password_peppers, 2: "a newer pepper for tests, long enough"}
    client = app_with().test_client()
    own = enrolled(client, new_customer(client), clock)
    newer = app_with(password_peppers=peppers).test_client()
    logged_in_with(newer, own)
    only_new = app_with(password_peppers={2: peppers[2]}).test_client()
    logged_in_with(only_new, own)


def test_a_seed_whose_key_is_gone_makes_no_code_and_recovery_codes_still_count(
    app_with: Callable[..., Flask], config: Config, store: Store, clock: MovableClock
) -> None:
    client = app_with().test_client()
    own = enrolled(client, new_customer(client), clock)
    kept = store.database["authenticators"].find_one()
    newer = app_with(password_peppers={**config.password_peppers, 2: "a newer pepper for tests, long enough"})
    log_in(newer.test_client())  # the password moves to the newer pepper, the seed waits for a code
    without_old = app_with(password_peppers={2: "a newer pepper for tests, long enough"}).test_client()
    assert log_in_with(without_old, ticket_of(without_old), own.code()).json["code"] == "invalid_code"
    assert log_in_with(without_old, ticket_of(without_old), own.recovery_codes[0]).status_code == 200
    assert kept["seed"]["version"] == 1


def test_a_seed_copied_to_another_user_makes_no_code(client: FlaskClient, store: Store, clock: MovableClock) -> None:
    own = enrolled(client, new_customer(client, "alice"), clock)
    enrolled(client, new_customer(client, "bob"), clock)
    users = {found["username"]: found["_id"] for found in store.database["users"].find()}
    authenticators = store.database["authenticators"]
    seed = authenticators.find_one({"_id": users["alice"]})["seed"]
    authenticators.update_one({"_id": users["bob"]}, {"$set": {"seed": seed}})
    assert log_in_with(client, ticket_of(client, "bob"), own.code()).json["code"] == "invalid_code"


# ---- staff who must --------------------------------------------------------------------------------------------------


def test_staff_who_must_enrol_get_in_only_to_do_so(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock
) -> None:
    client = app_with(require_staff_mfa=True).test_client()
    restricted = new_staff(client, store, "betty", Role.ADMIN)
    for path in ("/auth/me", "/auth/sessions", "/banker/accounts", "/accounts", "/balance"):
        answer = client.get(path, headers=restricted.headers)
        assert (answer.status_code, answer.json["code"]) == (403, "mfa_enrolment_required"), path
    assert state(client, restricted)["required"] is True
    renewed = client.post("/auth/refresh", json={"refresh_token": restricted.refresh_token})
    assert client.get("/banker/accounts", headers=login_of(renewed).headers).status_code == 403

    own = enrolled(client, login_of(renewed), clock)
    assert client.get("/banker/accounts", headers=restricted.headers).status_code == 401
    login = logged_in_with(client, own, "betty")
    assert client.get("/banker/accounts", headers=login.headers).status_code == 200
    renewed = client.post("/auth/refresh", json={"refresh_token": login.refresh_token})
    assert client.get("/banker/accounts", headers=login_of(renewed).headers).status_code == 200


def test_when_the_bank_begins_to_insist_sessions_without_a_code_are_kept_out_at_once(
    config: Config, store: Store, client: FlaskClient
) -> None:
    login = new_staff(client, store, "betty", Role.BANKER)
    customer = new_customer(client)
    assert client.get("/banker/accounts", headers=login.headers).status_code == 200
    strict = create_app(replace(config, require_staff_mfa=True), store).test_client()
    assert strict.get("/banker/accounts", headers=login.headers).json["code"] == "mfa_enrolment_required"
    assert strict.get("/accounts", headers=customer.headers).status_code == 200


# ---- contact data ----------------------------------------------------------------------------------------------------


@pytest.mark.security("S39")
def test_with_an_authenticator_a_new_address_takes_a_code_beside_the_password(
    client: FlaskClient, clock: MovableClock
) -> None:
    login, own = new_enrolled_customer(client, clock)

    def change(**body: Any) -> Any:
        version = client.get("/me", headers=login.headers).headers["ETag"]
        return client.patch("/me", json=body, headers=login.headers | {"If-Match": version})

    proof = {"current_password": PASSWORD}
    for contact in ({"email": "other@example.com"}, {"phone": "+12025550143"}):
        answer = change(**contact, **proof)
        assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")
        assert change(**contact, **proof, code=own.wrong_code()).json["code"] == "invalid_code"
        assert change(**contact, code=own.code()).status_code == 422
        code = own.code()
        assert change(**contact, **proof, code=code).status_code == 200
        assert change(**contact, **proof, code=code).json["code"] == "invalid_code"


def test_without_an_authenticator_the_password_is_enough(client: FlaskClient) -> None:
    login = new_customer(client)
    version = client.get("/me", headers=login.headers).headers["ETag"]
    body = {"email": "other@example.com", "current_password": PASSWORD}
    assert client.patch("/me", json=body, headers=login.headers | {"If-Match": version}).status_code == 200
