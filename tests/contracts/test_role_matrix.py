"""Every route is guarded as the role matrix says, and no route is without a row."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from app.views.blueprint import Blueprint
from app.views.guards import Unguarded, refuse_unguarded_routes, register
from app.views.openapi import make_api
from tests.contracts.role_matrix import ANYONE, ROLE_MATRIX
from tests.factories.users import Login, logged_in, new_customer, new_staff

Headers = Mapping[str, Mapping[str, str]]


def served_routes(app: Flask) -> set[tuple[str, str]]:
    """Every method of every route; HEAD comes with GET and passes the same guard."""
    return {(method, rule.rule) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD"}}


@pytest.fixture
def callers(client: FlaskClient, store: Store) -> dict[str, dict[str, str]]:
    """The headers of somebody of every kind."""
    found = {
        "anonymous": {},
        "customer": new_customer(client, "carol").headers,
        "banker": new_staff(client, store, "bella", Role.BANKER).headers,
        "admin": new_staff(client, store, "adam", Role.ADMIN).headers,
    }
    gone: Login = logged_in(client, "carol")
    assert client.post("/auth/logout", headers=gone.headers).status_code == 204
    return {**found, "logged out": gone.headers}


def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    assert served_routes(app) == set(ROLE_MATRIX)


@pytest.mark.parametrize(("method", "rule"), ROLE_MATRIX)
def test_each_caller_is_let_in_or_kept_out_as_the_matrix_says(
    client: FlaskClient, callers: Headers, method: str, rule: str
) -> None:
    path = re.sub("<[^>]+>", "0123456789abcdef", rule)
    for caller, headers in callers.items():
        answer = client.open(path, method=method, headers=headers)
        if caller in ROLE_MATRIX[method, rule]:
            own_401 = answer.status_code == 401 and rule == "/auth/refresh"  # it judges the refresh token by itself
            assert own_401 or answer.status_code not in (401, 403, 405), caller
        elif caller in ("anonymous", "logged out"):
            assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated"), caller
        else:
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), caller


@pytest.mark.parametrize(("method", "rule"), [row for row, callers in ROLE_MATRIX.items() if callers != ANYONE])
def test_no_way_of_writing_a_path_goes_round_its_guard(
    client: FlaskClient, callers: Headers, method: str, rule: str
) -> None:
    path = re.sub("<[^>]+>", "0123456789abcdef", rule)
    variants = (f"{path}/", f"/{path}", f"/.{path}", f"/x/..{path}", path.upper(), f"{path}\0", f"{path};x", f"{path} ")
    for variant in variants:
        for headers in callers.values():
            answer = client.open("/", method=method, headers=headers, environ_overrides={"PATH_INFO": variant})
            assert answer.status_code in (401, 403, 404, 405), variant
    for address in (path, f"/api{path}"):
        for other in ("HEAD", method):
            assert client.open(address, method=other).status_code in (401, 405)


def test_nobody_is_who_a_header_says(client: FlaskClient, callers: Headers) -> None:
    spoofed = {"X-User-Id": "adam", "X-Role": "admin", "X-Forwarded-User": "adam", "X-Original-URL": "/health"}
    assert client.get("/balance", headers=spoofed).status_code == 401
    assert client.get("/banker/accounts", headers={**callers["customer"], **spoofed}).status_code == 403


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
