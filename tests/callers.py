"""Customers and staff of a live server: calls over HTTP, each on a connection of its own, retried when told to."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from app.domain.ids import random_id
from app.models.connection import connect
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation, Report
from tests.answered import answered
from tests.factories.users import PASSWORD
from tests.live import LiveServer

HTTP = httpx.Client(timeout=30, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))
"""No connection is used twice, so that the calls of one caller go to all the processes."""


@dataclass(frozen=True)
class Caller:
    """Somebody who is logged in; a customer with the number of their first account."""

    url: str
    token: str
    number: str = ""

    def get(self, path: str) -> Any:
        """Return what a path answers with."""
        answer = self._get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> httpx.Response:
        """Send a request, and again with the same key as long as the answer is to try again."""
        headers = self._headers | {"Idempotency-Key": random_id()}
        return answered(lambda: HTTP.post(f"{self.url}{path}", json=body, headers=headers))

    def change(self, path: str, **body: object) -> None:
        """Change something as it is now."""
        headers = self._headers | {"If-Match": self._get(path).headers["ETag"]}
        answer = answered(lambda: HTTP.patch(f"{self.url}{path}", json=body, headers=headers))
        assert answer.status_code == 200, answer.text

    def send(self, to: str, amount: str) -> httpx.Response:
        return self.post("/transfers", to=to, amount=amount)

    def balance(self) -> Decimal:
        return Decimal(self.get("/balance")["balance"])

    def _get(self, path: str) -> httpx.Response:
        return answered(lambda: HTTP.get(f"{self.url}{path}", headers=self._headers))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def log_in(server: LiveServer, username: str, password: str, *, number: str = "") -> Caller:
    """Return a session of this user."""
    login = {"username": username, "password": password}
    answer = answered(lambda: HTTP.post(f"{server.url}/auth/login", json=login))
    assert answer.status_code == 200, answer.text
    return Caller(server.url, answer.json()["access_token"], number)


def register(url: str) -> httpx.Response:
    """Register under a name that nobody has, as whoever got no answer may have taken theirs."""
    return HTTP.post(f"{url}/auth/register", json={"username": f"c{random_id()[:12]}", "password": PASSWORD})


def new_caller(server: LiveServer, *, balance: str = "") -> Caller:
    """Register a customer who pays in so much."""
    registered = answered(lambda: register(server.url))
    assert registered.status_code == 201, registered.text
    user, account = registered.json()["user"], registered.json()["account"]
    caller = log_in(server, user["username"], PASSWORD, number=account["number"])
    if balance:
        assert caller.post("/deposit", amount=balance).status_code == 201
    return caller


def reconciled(server: LiveServer) -> Report:
    """Return what `flask reconcile` would find."""
    with closing(connect(server.database_uri(), timeout_ms=2_000)) as client:
        return Reconciliation(LedgerReader(client, client["bank"])).run()
