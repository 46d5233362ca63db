"""Every command of a posting fails in every way, once or for a while: the caller is told so, and a retry puts it right.

Each test is a way to fail and each of its cells a command, asked for over HTTP. Whatever happens, the answer is a
documented one, and the same request with the same key, sent again once the server is well, has had one effect.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from werkzeug.test import TestResponse

from app import create_app
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from config import Config
from tests.described import DescribedClient
from tests.factories.users import Login, new_customer
from tests.fail_points import failing, named_store

DEADLINE_MS = 400
WELL_AGAIN_S = 30.0
TRY_LATER = {"account_busy", "database_unavailable", "outcome_unknown", "server_busy"}

COMMANDS: dict[str, tuple[str, ...]] = {
    "find": ("find",),
    "update": ("update",),
    "insert": ("insert",),
    "commit": ("commitTransaction",),
    "abort": ("update", "abortTransaction"),  # nothing is aborted but what went wrong before
    "all": ("find", "update", "insert", "commitTransaction", "abortTransaction"),
}
ERRORS = {
    "HostUnreachable": 6,
    "LockTimeout": 24,
    "MaxTimeMSExpired": 50,
    "NetworkTimeout": 89,
    "ShutdownInProgress": 91,
    "WriteConflict": 112,
    "PrimarySteppedDown": 189,
    "SnapshotUnavailable": 246,
    "NoSuchTransaction": 251,
    "ExceededTimeLimit": 262,
    "SocketException": 9001,
    "NotWritablePrimary": 10107,
    "InterruptedAtShutdown": 11600,
    "InterruptedDueToReplStateChange": 11602,
    "NotPrimaryNoSecondaryOk": 13435,
    "NotPrimaryOrSecondary": 13436,
}
WAYS: dict[str, dict[str, Any]] = {
    "the connection closes": {"closeConnection": True},
    "no answer in time": {"blockConnection": True, "blockTimeMS": 3 * DEADLINE_MS},
    **{name: {"errorCode": code} for name, code in ERRORS.items()},
}
CONCERNS = {"WriteConcernFailed": 64, "ShutdownInProgress": 91, "PrimarySteppedDown": 189,
            "Interrupted": 11601, "InterruptedDueToReplStateChange": 11602}  # fmt: skip
MODES: dict[str, Any] = {"once": {"times": 1}, "for a while": "alwaysOn"}


class Sessions(CommandListener):
    """Knows the sessions that transactions were begun in."""

    def __init__(self) -> None:
        self.begun: list[Any] = []

    def started(self, event: CommandStartedEvent) -> None:
        if "startTransaction" in event.command:
            self.begun.append(event.command["lsid"])

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


class Bank:
    """A customer of an application whose database can be made to fail."""

    def __init__(self, store: Store, sessions: Sessions, client: FlaskClient, healthy: Store) -> None:
        self.store, self._sessions, self._client, self._healthy = store, sessions, client, healthy
        self._login: Login = new_customer(client)

    def deposit(self, key: str) -> TestResponse:
        headers = {**self._login.headers, "Idempotency-Key": key}
        return self._client.post("/deposit", json={"amount": "1.00"}, headers=headers)

    def is_well_again(self) -> None:
        """Let the server give up at once what was left open: by itself it does after some seconds."""
        self._healthy.client.admin.command("killSessions", self._sessions.begun)
        self._sessions.begun.clear()

    def deposit_until_answered(self, key: str) -> TestResponse:
        deadline = time.monotonic() + WELL_AGAIN_S
        while (answer := self.deposit(key)).status_code == 503 and time.monotonic() < deadline:
            continue
        return answer

    def entries(self) -> int:
        return self._healthy.database["entries"].count_documents({"amount": {"$gt": 0}})

    def is_sound(self) -> bool:
        return Reconciliation(LedgerReader(self._healthy.client, self._healthy.database)).run().difference is None


@contextmanager
def banking(config: Config, healthy: Store, *, testing: bool = True) -> Iterator[Bank]:
    """Run the application on a database whose commands alone a fail point can catch."""
    sessions = Sessions()
    named = named_store(config, sessions)
    app = create_app(config, named)
    app.testing = testing
    app.test_client_class = DescribedClient
    yield Bank(named, sessions, app.test_client(), healthy)
    named.close()


@pytest.fixture
def bank(config: Config, store: Store) -> Iterator[Bank]:
    with banking(replace(config, posting_deadline_ms=DEADLINE_MS), store) as hasty:
        yield hasty


def check_cell(bank: Bank, cell: str, commands: tuple[str, ...], mode: str, how: dict[str, Any]) -> None:
    """Deposit while the commands fail, and again with the same key once they do not."""
    before = bank.entries()
    with failing(bank.store, *commands, mode=MODES[mode], **how):
        answer = bank.deposit(cell)
    assert answer.status_code in (201, 503), (cell, answer.text)
    if answer.status_code == 503:
        assert answer.json["code"] in TRY_LATER, cell
        assert int(answer.headers["Retry-After"]) >= 1, cell
        assert bank.entries() == before or answer.json["code"] == "outcome_unknown", cell
    if answer.status_code == 503 and answer.json["code"] == "outcome_unknown":
        assert answer.json["idempotency_key"] == cell
    bank.is_well_again()
    first, again = (bank.deposit_until_answered(cell) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), (cell, first.text, again.text)
    assert first.json == again.json == (answer.json if answer.status_code == 201 else again.json), cell
    assert bank.entries() == before + 1, cell


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("way", list(WAYS))
def test_whatever_command_of_a_deposit_fails_it_is_answered_in_form_and_done_once(
    bank: Bank, way: str, mode: str
) -> None:
    for name, commands in COMMANDS.items():
        check_cell(bank, f"{name}/{way}/{mode}".replace(" ", "-"), commands, mode, WAYS[way])
    assert bank.is_sound()


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("concern", list(CONCERNS))
def test_a_deposit_committed_without_word_from_a_majority_is_answered_in_form_and_done_once(
    bank: Bank, concern: str, mode: str
) -> None:
    how = {"writeConcernError": {"code": CONCERNS[concern], "codeName": concern, "errmsg": "as planted"}}
    check_cell(bank, f"concern/{concern}/{mode}".replace(" ", "-"), ("commitTransaction",), mode, how)
    assert bank.is_sound()


@pytest.mark.parametrize("command", ["find", "update", "insert"])
def test_an_error_that_nobody_foresaw_is_told_in_form_and_moves_nothing(
    config: Config, store: Store, command: str
) -> None:
    """8 is UnknownError: there is no telling whether trying again would help."""
    with banking(config, store, testing=False) as bank:
        with failing(bank.store, command, errorCode=8):
            answer = bank.deposit("k")
        assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
        assert bank.entries() == 0
        assert bank.deposit_until_answered("k").status_code == 201
        assert bank.entries() == 1
