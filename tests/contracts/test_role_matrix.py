"""Every route is guarded as the role matrix says, and no route is without a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.accounts import new_account_number
from app.domain.actor import Role
from app.domain.confirmations import Confirmation, Payment
from app.domain.ids import random_id
from app.domain.money import Money
from app.models.store import Store
from app.views.blueprint import Blueprint
from app.views.guards import Unguarded, refuse_unguarded_routes, register
from app.views.openapi import make_api
from tests.contracts.role_matrix import ANYONE, CUSTOMER, MONEY_OF_ONES_OWN, OWN_THINGS, ROLE_MATRIX
from tests.described import description_of
from tests.factories.customers import customer_of, decide, identify
from tests.factories.users import Login, logged_in, new_customer, new_staff

Headers = Mapping[str, Mapping[str, str]]
A_WHILE = timedelta(minutes=5)
LOGOUT = ("POST", "/auth/logout")
"""Tried last: who has logged out is let in nowhere else."""


def served_routes(app: Flask) -> set[tuple[str, str]]:
    """Every method of every route; HEAD comes with GET and passes the same guard."""
    return {(method, rule.rule) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD"}}


@pytest.fixture
def callers(client: FlaskClient, store: Store) -> dict[str, dict[str, str]]:
    """The headers of somebody of every kind."""
    banker = new_staff(client, store, "bella", Role.BANKER)
    found = {
        "anonymous": {},
        "customer": new_customer(client, "carol").headers,
        "other customer": new_customer(client, "dora").headers,
        "suspended customer": new_customer(client, "sue").headers,
        "banker": banker.headers,
        "other banker": new_staff(client, store, "bruno", Role.BANKER).headers,
        "admin": new_staff(client, store, "adam", Role.ADMIN).headers,
    }
    identify(client, banker, customer_of(client, banker, "sue"))
    for decision in ("kyc/verify", "suspend"):
        assert decide(client, banker, customer_of(client, banker, "sue"), decision).status_code == 200
    gone: Login = logged_in(client, "carol")
    assert client.post("/auth/logout", headers=gone.headers).status_code == 204
    return {**found, "logged out": gone.headers}


@pytest.fixture
def things(client: FlaskClient, store: Store, callers: Headers) -> dict[str, str]:
    """One of each thing that is the customer's own, by what its place in a path is called."""
    carol = callers["customer"]
    line = client.post("/deposit", json={"amount": "5"}, headers=carol).json
    (dora,) = client.get("/accounts", headers=callers["other customer"]).json["items"]
    payee = {"account": dora["number"], "label": "Dora"}
    assert client.post("/payees", json=payee, headers=carol).status_code == 201
    user, now = client.get("/auth/me", headers=carol).json["id"], store.clock.now()
    payment = Payment(source=line["account"], payee=dora["number"], payee_name=None, amount=Money(1_00, "USD"))
    confirmation = Confirmation(id=random_id(), user_id=user, payment=payment, created_at=now, expires_at=now + A_WHILE)
    store.confirmations.insert(confirmation)
    (session,) = client.get("/auth/sessions", headers=carol).json["items"]
    return {
        "/accounts/<number>": line["account"],
        "/transactions/<entry_id>": line["id"],
        "/payees/<number>": dora["number"],
        "/auth/sessions/<session_id>": session["id"],
        "/confirmations/<confirmation_id>": confirmation.id,
    }


@pytest.mark.security("S01")
def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    assert served_routes(app) == set(ROLE_MATRIX)


@pytest.mark.security("S01")
def test_s01_each_caller_is_let_in_or_kept_out_as_the_matrix_says(client: FlaskClient, callers: Headers) -> None:
    wrong = []
    for row in sorted(ROLE_MATRIX, key=lambda row: row == LOGOUT):
        method, rule = row
        for caller, headers in callers.items():
            answer = client.open(re.sub("<[^>]+>", "0123456789abcdef", rule), method=method, headers=headers)
            found = (answer.status_code, (answer.get_json(silent=True) or {}).get("code"))
            if caller in ROLE_MATRIX[row]:
                own_401 = answer.status_code == 401 and rule == "/auth/refresh"  # it judges the refresh token by itself
                is_right = own_401 or answer.status_code not in (401, 403, 405)
            elif caller in ("anonymous", "logged out"):
                is_right = found == (401, "not_authenticated")
            else:
                is_right = found == (403, "forbidden")
            if not is_right:
                wrong.append((*row, caller, *found))
    assert set(callers) == ANYONE
    assert wrong == []


@pytest.mark.security("S03")
def test_no_way_of_writing_a_path_goes_round_its_guard(client: FlaskClient, callers: Headers) -> None:
    let_in = []
    for method, rule in (row for row, callers in ROLE_MATRIX.items() if callers != ANYONE):
        path = re.sub("<[^>]+>", "0123456789abcdef", rule)
        spellings = (
            f"{path}/",
            f"/{path}",
            f"/.{path}",
            f"/x/..{path}",
            path.upper(),
            f"{path}\0",
            f"{path};x",
            f"{path} ",
        )
        for spelling in spellings:
            for caller, headers in callers.items():
                answer = client.open("/", method=method, headers=headers, environ_overrides={"PATH_INFO": spelling})
                is_refused = answer.status_code in (401, 403, 404, 405)
                is_misunderstood = caller in ROLE_MATRIX[method, rule] and answer.status_code in (415, 422, 428)
                if not (is_refused or is_misunderstood):
                    let_in.append((method, spelling, caller, answer.status_code))
        for address in (path, f"/api{path}"):
            for other in ("HEAD", method):
                if client.open(address, method=other).status_code not in (401, 405):
                    let_in.append((other, address))
    assert let_in == []


@pytest.mark.security("S02")
@pytest.mark.parametrize(("method", "rule"), OWN_THINGS)
def test_what_is_somebody_elses_is_answered_like_what_is_not_there(
    client: FlaskClient, callers: Headers, things: Mapping[str, str], method: str, rule: str
) -> None:
    (place,) = re.findall("^/.*<[^>]+>", rule)
    own, nowhere = (rule.replace(place, re.sub("<[^>]+>", it, place)) for it in (things[place], new_account_number()))
    body = OWN_THINGS[method, rule]
    options: dict[str, Any] = {"method": method, **({"json": body} if body else {})}
    for caller in ROLE_MATRIX[method, rule] - {"customer"}:
        theirs, nobodys = (client.open(path, headers=callers[caller], **options) for path in (own, nowhere))
        assert (theirs.status_code, theirs.json["code"]) == (404, "not_found"), caller
        assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}, caller
    assert client.open(own, headers=callers["customer"], **options).status_code != 404


@pytest.mark.security("S02")
def test_every_route_to_a_thing_of_a_customers_is_tried_with_somebody_elses() -> None:
    assert {row for row, callers in ROLE_MATRIX.items() if "<" in row[1] and CUSTOMER in callers} - {
        ("GET", "/docs/<name>")
    } == set(OWN_THINGS)


@pytest.mark.parametrize(("method", "rule"), MONEY_OF_ONES_OWN)
def test_a_suspended_customer_passes_the_guard_and_moves_no_money(
    client: FlaskClient, callers: Headers, method: str, rule: str
) -> None:
    suspended = callers["suspended customer"]
    numbers = [
        client.get("/accounts", headers=headers).json["items"][0]["number"]
        for headers in (suspended, callers["other customer"])
    ]
    told, code = MONEY_OF_ONES_OWN[method, rule]
    body = {name: value.replace("<somebody's account>", numbers[1]) for name, value in told.items()}
    refused = client.open(rule.replace("<number>", numbers[0]), method=method, json=body, headers=suspended)
    assert (refused.status_code, refused.json["code"]) == (409, code)


def test_every_route_by_which_a_customer_moves_money_is_tried_by_a_suspended_one(app: Flask) -> None:
    paths = description_of(app)["paths"]
    moving = {
        (method, rule)
        for method, rule in (row for row, callers in ROLE_MATRIX.items() if CUSTOMER in callers)
        for parameter in paths.get(re.sub("<(.+?)>", r"{\1}", rule), {}).get(method.lower(), {}).get("parameters", ())
        if parameter["name"] == "Idempotency-Key"
    }
    assert moving == set(MONEY_OF_ONES_OWN)


@pytest.mark.security("S07")
def test_nobody_is_who_a_header_says(client: FlaskClient, callers: Headers) -> None:
    spoofed = {"X-User-Id": "adam", "X-Role": "admin", "X-Forwarded-User": "adam", "X-Original-URL": "/health"}
    assert client.get("/balance", headers=spoofed).status_code == 401
    assert client.get("/banker/accounts", headers={**callers["customer"], **spoofed}).status_code == 403


@pytest.mark.security("S01")
def test_a_blueprint_without_a_guard_can_not_be_registered() -> None:
    app = Flask("unguarded")
    with pytest.raises(Unguarded, match="lost"):
        register(make_api(app), Blueprint("lost", __name__))


def test_a_route_outside_of_any_blueprint_stops_the_start() -> None:
    app = Flask("unguarded", static_folder=None)
    refuse_unguarded_routes(app)
    app.add_url_rule("/lost", "lost", lambda: "here")
    with pytest.raises(Unguarded, match="/lost"):
        refuse_unguarded_routes(app)
