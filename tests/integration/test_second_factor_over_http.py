"""One-time codes and confirmations through two server processes at once: what is good for one use is used once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pyotp
import pytest

from app.domain.ids import random_id
from tests.callers import HTTP, Caller, log_in, new_caller, reconciled
from tests.factories.users import PASSWORD
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until


@dataclass
class Enrolled:
    """A customer with an authenticator, of which the recovery codes are used one by one."""

    server: LiveServer
    name: str
    number: str
    recovery_codes: list[str] = field(default_factory=list)

    def ticket(self) -> str:
        answer = HTTP.post(f"{self.server.url}/auth/login", json={"username": self.name, "password": PASSWORD})
        assert answer.json()["code"] == "mfa_required", answer.text
        return str(answer.json()["ticket"])

    def redeem(self, ticket: str, code: str) -> httpx.Response:
        return HTTP.post(f"{self.server.url}/auth/login/mfa", json={"ticket": ticket, "code": code})

    def logged_in(self) -> Caller:
        answer = self.redeem(self.ticket(), self.recovery_codes.pop())
        assert answer.status_code == 200, answer.text
        return Caller(self.server.url, answer.json()["access_token"], self.number)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Two server processes on a database of their own."""
    folder = tmp_path_factory.mktemp("codes")
    with serving(folder, FLASK_ENV="testing", WORKERS=2, LOGIN_FAILURES_MAX=100) as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))


@pytest.fixture
def alice(server: LiveServer) -> Enrolled:
    name = f"e{random_id()[:12]}"
    registered = HTTP.post(f"{server.url}/auth/register", json={"username": name, "password": PASSWORD})
    number = registered.json()["account"]["number"]
    caller = log_in(server, name, PASSWORD, number=number)
    assert caller.post("/deposit", amount="5000.00").status_code == 201
    secret = caller.post("/auth/mfa/enrol", password=PASSWORD).json()["secret"]
    confirmed = caller.post("/auth/mfa/confirm", code=pyotp.TOTP(secret).at(datetime.now(UTC)))
    assert confirmed.status_code == 200, confirmed.text
    return Enrolled(server, name, number, confirmed.json()["recovery_codes"])


def confirmed_payment(alice: Enrolled, caller: Caller, to: str, amount: str) -> dict[str, Any]:
    """Return a transfer with the confirmation that it names."""
    transfer = {"to": to, "amount": amount}
    asked = caller.post("/confirmations", operation="transfer", **transfer).json()
    answer = caller.post(f"/confirmations/{asked['id']}/confirm", code=alice.recovery_codes.pop())
    assert answer.status_code == 200, answer.text
    return {**transfer, "confirmation": asked["id"]}


@pytest.mark.security("S40", "S41")
def test_of_fifty_transfers_through_two_servers_with_one_confirmation_one_is_made(
    server: LiveServer, alice: Enrolled
) -> None:
    caller, bob = alice.logged_in(), new_caller(server)
    transfer = confirmed_payment(alice, caller, bob.number, "1500.00")
    answers = at_once(50, lambda _: caller.post("/transfers", **transfer))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 403: 49}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 403} == {"step_up_required"}
    assert (bob.balance(), caller.balance()) == (1500, 3500)
    assert reconciled(server).difference is None


def test_of_many_confirmed_payments_at_once_to_somebody_new_each_is_made_once_or_may_be_tried_again(
    server: LiveServer, alice: Enrolled
) -> None:
    caller, bob = alice.logged_in(), new_caller(server)
    transfers = [confirmed_payment(alice, caller, bob.number, f"{number}.00") for number in range(1, 6)]
    answers = at_once(5, lambda number: caller.post("/transfers", **transfers[number]))
    refused = [transfer for transfer, answer in zip(transfers, answers, strict=True) if answer.status_code != 201]
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"state_conflict"}
    assert [caller.post("/transfers", **transfer).status_code for transfer in refused] == [201] * len(refused)
    assert bob.balance() == 15


@pytest.mark.security("S41")
def test_of_twenty_logins_through_two_servers_with_one_recovery_code_one_succeeds(alice: Enrolled) -> None:
    tickets, code = [alice.ticket() for _ in range(20)], alice.recovery_codes.pop()
    answers = at_once(20, lambda number: alice.redeem(tickets[number], code))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}


def test_of_as_many_recovery_codes_for_one_ticket_one_brings_a_session(alice: Enrolled) -> None:
    ticket, codes = alice.ticket(), alice.recovery_codes[:8]
    answers = at_once(8, lambda number: alice.redeem(ticket, codes[number]))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
