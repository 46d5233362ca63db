"""Authenticators in the hands of test users."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories.clock import MovableClock
from tests.factories.users import PASSWORD, Login, log_in, login_of, new_customer

STEP = timedelta(seconds=30)


@dataclass
class OwnAuthenticator:
    """A user's app, by the clock of the application, and the recovery codes that they have written down."""

    secret: str
    clock: MovableClock
    recovery_codes: list[str] = field(default_factory=list)

    def code(self) -> str:
        """Return a code that was never used: the clock is put forward to its time step."""
        self.clock.forward(STEP)
        return self.present_code()

    def present_code(self) -> str:
        """Return the code of this moment, used or not."""
        return self.code_at(timedelta())

    def code_at(self, distance: timedelta) -> str:
        """Return the code of another moment."""
        return pyotp.TOTP(self.secret).at(self.clock.now() + distance)

    def wrong_code(self) -> str:
        """Return six digits that are no code of these minutes."""
        near = {self.code_at(STEP * number) for number in range(-3, 4)}
        return next(
            code
            for code in ("000000", "111111", "222222", "333333", *map(str, range(10**5, 10**6)))
            if code not in near
        )


def enrol(client: FlaskClient, login: Login, password: str = PASSWORD) -> TestResponse:
    """Begin to enrol over HTTP and return the answer, whatever it is."""
    return client.post("/auth/mfa/enrol", json={"password": password}, headers=login.headers)


def enrolled(client: FlaskClient, login: Login, clock: MovableClock, password: str = PASSWORD) -> OwnAuthenticator:
    """Enrol and confirm; the login is over then."""
    begun = enrol(client, login, password)
    assert begun.status_code == 200, begun.text
    own = OwnAuthenticator(begun.json["secret"], clock)
    confirmed = client.post("/auth/mfa/confirm", json={"code": own.present_code()}, headers=login.headers)
    assert confirmed.status_code == 200, confirmed.text
    own.recovery_codes = confirmed.json["recovery_codes"]
    return own


def ticket_of(client: FlaskClient, username: str = "alice", password: str = PASSWORD) -> str:
    """Log in with the password of a user who has an authenticator, and return the ticket."""
    answer = log_in(client, username, password)
    assert (answer.status_code, answer.json["code"]) == (401, "mfa_required"), answer.text
    return str(answer.json["ticket"])


def log_in_with(client: FlaskClient, ticket: str, code: str) -> TestResponse:
    """Send a ticket with a code and return the answer, whatever it is."""
    return client.post("/auth/login/mfa", json={"ticket": ticket, "code": code})


def logged_in_with(client: FlaskClient, own: OwnAuthenticator, username: str = "alice") -> Login:
    """Return a session of a user who has an authenticator."""
    return login_of(log_in_with(client, ticket_of(client, username), own.code()))


def new_enrolled_customer(
    client: FlaskClient, clock: MovableClock, username: str = "alice"
) -> tuple[Login, OwnAuthenticator]:
    """Register a customer with an authenticator and return a session of theirs."""
    own = enrolled(client, new_customer(client, username), clock)
    return logged_in_with(client, own, username), own
