"""Requests made up from the description find nothing that it does not say, whoever sends them.

FUZZ_EXAMPLES is how many requests are made up at random for each operation (`make fuzz N=...`), on top of those that
Schemathesis derives from the bounds of each field.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.controllers.registration import create_staff
from app.domain.actor import Role
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from app.schemas.problem import PROBLEM_TYPE
from tests.described import description_of
from tests.factories.accounts import numbers_of
from tests.factories.customers import customer_of
from tests.factories.users import logged_in, register
from tests.made_up_requests import run

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
OF_NO_EXAMPLE = "a password that nobody shows 58"
"""With the one that the examples give, the caller's password would be changed on the way."""
REFUSED = b'{"code": "validation_failed", "errors": {"limit": ["Not today."]}}'
OWN_PART = {"carol": 20, "bella": 20, "adam": 35}
"""How many operations each caller succeeds with at least: a run in which nobody gets in proves nothing."""


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # the server in this process may, for its pauses
@pytest.mark.parametrize("username", OWN_PART)
def test_requests_made_up_from_the_description_are_answered_as_it_says(
    app_with: Callable[..., Flask], store: Store, username: str
) -> None:
    app = app_with(rate_limit_payees="6000/minute", login_failures_max=100)
    app.testing = False  # an error that nobody foresaw is answered, and found
    client = app.test_client()
    assert register(client, "carol", OF_NO_EXAMPLE).status_code == 201
    create_staff(store, "bella", OF_NO_EXAMPLE, Role.BANKER)
    create_staff(store, "adam", OF_NO_EXAMPLE, Role.ADMIN)
    numbers = numbers_of(client, logged_in(client, "carol", OF_NO_EXAMPLE))
    customer = customer_of(client, logged_in(client, "bella", OF_NO_EXAMPLE), "carol")
    known = {"path.number": numbers, "body.account": numbers, "body.from": numbers, "path.customer_id": [customer]}

    found = run(app, username=username, password=OF_NO_EXAMPLE, values=known, examples=EXAMPLES)

    assert found.failures == {}
    assert found.errors == []
    assert not found.logins_failed
    assert operations_of(app) <= set(found.statuses)
    assert len([label for label, statuses in found.statuses.items() if min(statuses) < 300]) >= OWN_PART[username]
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


LIES = {
    "status_code_conformance": ("299 Odd", "application/json", b"{}"),
    "not_a_server_error": ("500 Internal Server Error", PROBLEM_TYPE, b"{}"),
    "content_type_conformance": ("200 OK", "text/html", b"live"),
    "response_schema_conformance": ("200 OK", "application/json", b'{"status": 5}'),
    "ignored_auth": ("200 OK", "application/json", b'{"items": [], "next_cursor": null}'),
    "positive_data_acceptance": ("422 Unprocessable Entity", PROBLEM_TYPE, REFUSED),
}


@pytest.mark.parametrize("check", LIES)
def test_an_answer_that_is_not_as_described_is_found_by_the_check_that_is_about_it(
    app_with: Callable[..., Flask], check: str
) -> None:
    app = app_with()
    assert register(app.test_client(), "carol", OF_NO_EXAMPLE).status_code == 201
    status, media_type, body = LIES[check]

    def lying(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/fx-rates":
            return app(environ, start_response)
        start_response(status, [("Content-Type", media_type), ("Content-Length", str(len(body)))])
        return [body]

    found = run(lying, username="carol", password=OF_NO_EXAMPLE, values={}, examples=1, paths="^/fx-rates$")
    assert (check, "GET /fx-rates") in found.failures


def operations_of(app: Flask) -> set[str]:
    paths = description_of(app)["paths"].items()
    return {f"{method.upper()} {path}" for path, members in paths for method in members if method != "parameters"}
