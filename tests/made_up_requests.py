"""Schemathesis over the API's own description, against the real application behind a real HTTP server.

Every check of Schemathesis is on, and any caller may be tried on any operation. What is let pass is named here, each
with the reason why it is no fault: `REFUSED_BY_STATE`, `REFUSED_BY_LOAD` and `REFUSED_BEYOND_A_SCHEMA`.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis.core.failures import Failure, ServerError
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.openapi.checks import AllowHeaderMismatch, RejectedPositiveData
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SEED = 20_260_101
_REQUEST_TIMEOUT_S = 60

REFUSED_BY_STATE = {
    "idempotency_mismatch": "the key that was made up has been used for another request before",
    "precondition_required": "a change names the version that was read, and that header may also be left out",
    "precondition_failed": "the version that was made up is not the record's",
    "reset_code_not_valid": "nobody can make up a valid code",
    "time_not_settled": "which times are settled depends on the clock",
    "same_account": "two fields name one account",
    "own_account": "the account is the caller's own",
    "currency_mismatch": "the account is of another currency",
    "quote_not_valid": "nobody can make up a quote",
    "malformed_csv": "a schema takes any text for a file of payments",
}
"""Codes of refusals that valid input may meet because of how things stand; 401, 403, 404, 409 and 429 always may."""

REFUSED_BY_LOAD = {
    "server_busy": "the machine has too much to do, and the caller is to try again",
    "account_busy": "another request holds the account for too long, and the caller is to try again",
    "database_unavailable": "the database has too much to do, and the caller is to try again",
}
"""Codes that a machine with too much to do may answer with 503, by which nothing was done."""

REFUSED_BEYOND_A_SCHEMA = {
    r"This is not an account number": "check digits",
    r"Send back the next_cursor of the page before": "a cursor is what an earlier page gave",
    r"It is larger than `": "two fields together",
    r"Leave it out: with an invitation": "two fields together",
    r"Give either `customer` or `customers`": "two fields together",
    r"The e-mail address and the phone number need it": "two fields together",
    r"Name another currency than the base": "two fields together",
    r"With JSON this stands in the body": "the query and the body together",
    r"The amount must be at most|\w{3} has \d decimal places": "by the currency, which is the account's",
    r"Write the amount as a plain positive decimal": "how many decimals a number has",
    r"Write the (rate|spread) as a plain (positive )?decimal": "how many decimals a number has",
    r"Write the rate as a string, in per cent": "how large a text's number is",
    r"Give one threshold for each currency": "one member of several objects together",
    r"This operation has no amount|Give a threshold for at least one": "by the operation in the path",
    r"Give a time from now on": "which times are still to come",
    r"There is no branch of this code": "which branches there are",
    r"Give at least one limit": "which of its members an object has",
    r"This password is too easy to guess|Use more than your name": "how easy a text is to guess",
    r"Use 3 to 32 characters|Use only letters": "after the name was made canonical",
    r"Use only letters of one alphabet": "after the name was made canonical",
    r"Give the name as it is written": "letters of all alphabets",
    r"Between \d+ and \d+ characters": "after the text was composed (NFC)",
    r"This is not an e-mail address": "which addresses there can be",
    r"Write a phone number": "which numbers there are",
    r"Give an ISO 3166 country code": "which countries there are",
    r"Write (nine digits|six digits|four letters|eight or eleven)": "by the type of the code beside it",
}
"""What a refused field is told where no JSON Schema can say its rule, with what the rule goes by."""


@dataclass
class Findings:
    """What a run came to: each failure once, and what was answered to whom."""

    calls: int = 0
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    statuses: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    let_pass: Counter[tuple[str, str]] = field(default_factory=Counter)
    stop_reason: StopReason | None = None
    logins_failed: bool = False

    def add(self, event: events.EngineEvent) -> None:
        """Take in what the engine tells."""
        if isinstance(event, events.ScenarioFinished):
            self._add_scenario(event)
        elif isinstance(event, events.NonFatalError):
            self.errors.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.EngineFinished):
            self.stop_reason = event.stop_reason
            self.logins_failed = event.payload is not None and event.payload.reauth_broke

    def _add_scenario(self, event: events.ScenarioFinished) -> None:
        recorder = event.recorder
        for case_id, interaction in recorder.interactions.items():
            self.calls += 1
            if interaction.response is not None:
                self.statuses[recorder.cases[case_id].value.operation.label][interaction.response.status_code] += 1
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    told = f"{check.failure_info.failure.message}\n{check.failure_info.code_sample}"
                    self.failures.setdefault((check.name, recorder.label), told)


def run(
    app: WSGIApplication,
    *,
    username: str,
    password: str,
    values: Mapping[str, list[str]],
    examples: int,
    paths: str = ".*",
) -> Findings:
    """Let Schemathesis call every operation as this user, `values` being what it may put into a path or a body.

    `paths` is a pattern of those that are called.
    """
    findings = Findings()
    with _served(app) as url:
        schema = schemathesis.openapi.from_url(
            f"{url}/openapi.json", config=schemathesis.Config.from_dict(_settings(username, password, values, examples))
        ).include(path_regex=paths)

        @schema.hook
        def filter_failure(_: Any, failure: Failure, __: Any, response: schemathesis.Response) -> bool:
            reason = _reason_to_pass(failure, response)
            if reason is not None:
                findings.let_pass[failure.operation, reason] += 1
            return reason is None

        for event in from_schema(schema).execute():
            findings.add(event)
    return findings


def _settings(username: str, password: str, values: Mapping[str, list[str]], examples: int) -> dict[str, Any]:
    credentials = {"username": username, "password": password}
    login = {"path": "/auth/login", "payload": credentials, "extract_selector": "/access_token"}
    return {
        "seed": SEED,
        "suppress-health-check": ["all"],  # a slow machine is no fault of the API's
        "request-timeout": _REQUEST_TIMEOUT_S,
        "continue-on-failure": True,
        "auth": {"dynamic": {"openapi": {"bearerAuth": login}}},
        "checks": {"enabled": True},
        "generation": {"max-examples": examples, "database": "none"},
        "dictionaries": {place: {"values": known} for place, known in values.items()},
        "parameters": {place: {"dictionary": place, "probability": 0.5} for place in values},
    }


def _reason_to_pass(failure: Failure, response: schemathesis.Response) -> str | None:
    """Return why a failure is none, where there is such a reason."""
    if isinstance(failure, AllowHeaderMismatch) and failure.operation == "GET /payees/check":
        return "`check` stands where a payee's number may stand, which is changed and deleted"
    if isinstance(failure, ServerError) and response.status_code == 503 and "retry-after" in response.headers:
        return REFUSED_BY_LOAD.get(response.json()["code"])
    if not isinstance(failure, RejectedPositiveData):
        return None
    problem = response.json()
    if problem["code"] != "validation_failed":
        return problem["code"] if problem["code"] in REFUSED_BY_STATE else None
    known = [_known_rule(messages) for messages in problem["errors"].values()]
    return ", ".join(sorted(set(filter(None, known)))) if all(known) else None


def _known_rule(messages: list[str]) -> str | None:
    """Return what the rule goes by that a field was refused for, where that is known to be beyond a schema."""
    rules = REFUSED_BEYOND_A_SCHEMA.items()
    return next((why for told, why in rules if any(re.match(told, message) for message in messages)), None)


class _Quiet(WSGIRequestHandler):
    """One request for each connection: a body that is refused unread would stand before the next one."""

    def log(self, *_: Any) -> None:
        """Say nothing: the application logs each request."""


@contextmanager
def _served(app: WSGIApplication) -> Iterator[str]:
    """Serve an application on loopback, each connection in a thread of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
