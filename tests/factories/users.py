"""Builders of users, and of clients that are logged in as them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.controllers.registration import create_staff
from app.domain.actor import Role
from app.models.store import Store

PASSWORD = "violet harbour 27 lanterns"


def register(client: FlaskClient, username: str = "alice", password: str = PASSWORD, **fields: Any) -> TestResponse:
    """Register over HTTP and return the answer, whatever it is."""
    return client.post("/auth/register", json={"username": username, "password": password, **fields})


def log_in(client: FlaskClient, username: str = "alice", password: str = PASSWORD, **options: Any) -> TestResponse:
    """Log in over HTTP and return the answer, whatever it is."""
    return client.post("/auth/login", json={"username": username, "password": password}, **options)


@dataclass(frozen=True)
class Login:
    """The tokens of a session, and the header that carries the access token."""

    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.access_token)


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def login_of(answer: TestResponse) -> Login:
    """Return the tokens of a successful answer."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Login(answer.json["access_token"], answer.json["refresh_token"])


def logged_in(client: FlaskClient, username: str = "alice", password: str = PASSWORD) -> Login:
    """Return a session of this user."""
    return login_of(log_in(client, username, password))


def new_customer(client: FlaskClient, username: str = "alice") -> Login:
    """Register a customer and return a session of theirs."""
    assert register(client, username).status_code == 201
    return logged_in(client, username)


def new_staff(client: FlaskClient, store: Store, username: str, role: Role) -> Login:
    """Make a member of staff and return a session of theirs."""
    create_staff(store, username, PASSWORD, role)
    return logged_in(client, username)
