"""What the corpus holds is sent to every route that takes something: none fails, and nothing moves that was refused.

Of what is refused nothing at all may be left behind: the collections of the bank are compared by their hashes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.bulk import BulkStatus
from app.domain.ids import random_id
from app.domain.operations.base import OperationName
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from app.schemas.problem import PROBLEM_TYPE
from tests.corpus import broken_bodies, naughty_strings, odd_headers, odd_numbers
from tests.factories.accounts import Bank, numbers_of
from tests.factories.authenticators import enrolled, log_in_with, ticket_of
from tests.factories.clock import MovableClock
from tests.factories.customers import customer_of, decide, identify
from tests.factories.fx import a_rate
from tests.factories.users import Login, logged_in, login_of, new_customer, register
from tests.operations import Operation, operations, places_in, with_member
from tests.processes import wait_until

OF_NO_EXAMPLE = "a password that nobody shows 58"
NOBODYS = "0" * 12
FUNDINGS = 20
"""So much more than all payments together needs so many deposits, each of which is below what has to be approved."""
OF_FILES = "/banker/bulk"
KEPT = (
    "accounts", "transactions", "entries", "holds", "approvals", "bulks", "bulk_chunks", "customers", "users", "payees",
    "products", "branches", "fx_rates", "fx_quotes", "policies", "confirmations", "confirmation_limits",
)  # fmt: skip
"""What a refused request leaves as it was. It may leave a failed login, or a record in the audit trail."""
AMOUNTS = frozenset({"amount", "opening_deposit"})
"""Members that are more than nothing, and less than all there is."""
BUSY_S_MAX = 60
"""How long a machine with too much to do may answer 503, which is to try again."""
PARTS = ("customer", "banker", "admin")
OF_EVERYBODY = ("/auth/register", "/auth/login", "/auth/refresh", "/auth/password/reset")
"""They take no token."""
ASK_FOR_MORE = ("/auth/", "/me")
"""They may want a password or a code, which the examples do not know."""
NEEDS_TWO_CURRENCIES = "/transfers/quote"
ENDS_THE_SESSION = "/auth/logout"
"""It takes nothing but the token, which everything after it needs."""


class Teller:
    """Sends requests as whoever may, and holds every answer against what all of them promise."""

    def __init__(self, client: FlaskClient, store: Store, clock: MovableClock) -> None:
        bank = Bank.staffed(client, store)
        bank.offer()
        assert register(client, "carol", OF_NO_EXAMPLE).status_code == 201
        own = enrolled(client, logged_in(client, "carol", OF_NO_EXAMPLE), clock, OF_NO_EXAMPLE)
        carol = login_of(log_in_with(client, ticket_of(client, "carol", OF_NO_EXAMPLE), own.code()))
        customer_id = customer_of(client, bank.banker, "carol")
        identify(client, bank.banker, customer_id)
        assert decide(client, bank.banker, customer_id, "kyc/verify").status_code == 200
        limit = client.put("/me/confirmation-limit", json={"limit": "500.00"}, headers=carol.headers)
        assert limit.status_code == 200, limit.text
        number = numbers_of(client, carol)[0]
        payee = numbers_of(client, new_customer(client, "dave"))[0]
        for _ in range(FUNDINGS):
            assert bank.act(number, "deposit", amount="9000.00").status_code == 201
        a_rate(store, "EUR", "USD")
        bank.offer("EUROS", currency="EUR")
        euros = bank.open_for(customer_id, product="EUROS")
        assert euros.status_code == 201, euros.text
        hold = bank.act(
            number, "holds", amount="100.00", type="card", reason="Hotel", expires_at="2100-01-31T12:00:00Z"
        )
        self._logins: dict[str, Login] = {"customer": carol, "banker": bank.banker, "admin": bank.admin}
        self._client = client
        self._store = store
        self._in_bodies = {"482915306750": number, "730184652996": payee, "0c6f1f0b9f3c4e8d": customer_id}
        self._in_paths = {
            "{number}": number,
            "{customer_id}": customer_id,
            "{hold_id}": hold.json["id"],
            "{operation}": OperationName.COUNTER_DEPOSIT,
            "{code}": "SAVER",
        }
        self._in_euros = euros.json["number"]
        self.sent = 0

    def part(self, name: str) -> Iterator[Operation]:
        """Yield the operations of one audience that change something, those last after which an account is closed.

        Where this bank has what the examples name, they name it: accounts, customers and holds.
        """
        for operation in sorted(operations(self._client.application), key=lambda each: each.path.endswith("/close")):
            first = operation.path.split("/")[1]
            is_part = (first if first in PARTS else "customer") == name
            if is_part and operation.method != "GET" and operation.path != ENDS_THE_SESSION:
                body = json.loads(replaced(json.dumps(operation.body), self._in_bodies))
                if operation.path == NEEDS_TWO_CURRENCIES:
                    body["to"] = self._in_euros
                yield replace(operation, path=replaced(operation.path, self._in_paths), body=body)

    def send(self, operation: Operation, body: bytes | str | None, **headers: str) -> TestResponse:
        """Send a body, with further variables of WSGI in place of the usual ones; again where that is the answer."""
        first = operation.path.split("/")[1]
        login = self._logins[first if first in PARTS else "customer"]
        usual = {"If-Match": '"0"', "Content-Type": "application/json", "Idempotency-Key": random_id()}
        give_up_s = time.monotonic() + BUSY_S_MAX
        while True:
            answer = self._client.open(
                operation.at(NOBODYS),
                method=operation.method,
                data=body,
                headers=login.headers | usual,
                environ_overrides=headers,
            )
            if answer.status_code != 503 or time.monotonic() > give_up_s:
                break
        told = f"{operation.method} {operation.path} {headers} {body!r:.500}: {answer.text:.500}"
        assert answer.status_code < 500, told
        if answer.status_code >= 400:
            assert answer.mimetype == PROBLEM_TYPE, told
            assert answer.json["code"], told
        assert "X-Evil" not in answer.headers, told
        self.sent += 1
        return answer

    def what_is_kept(self) -> dict[str, str]:
        """Return the hash of each collection that a refused request leaves as it was."""
        self._wait_for_bulks()
        found: dict[str, str] = self._store.database.command("dbHash", collections=list(KEPT))["collections"]
        return found

    def transactions(self) -> int:
        self._wait_for_bulks()
        return self._store.database["transactions"].count_documents({})

    def _wait_for_bulks(self) -> None:
        """Return when every file that was taken is posted, which goes on after its answer."""
        under_way = {"status": {"$in": [BulkStatus.RECEIVED, BulkStatus.RUNNING]}}
        wait_until(lambda: not self._store.database["bulks"].count_documents(under_way))


@pytest.fixture
def teller(app_with: Callable[..., Flask], store: Store, clock: MovableClock) -> Iterator[Teller]:
    app = app_with(rate_limit_payees="6000/minute", login_failures_max=100)
    app.testing = False  # an error that nobody foresaw is answered, and found
    app.test_client_class = FlaskClient  # these are too many to hold each against the description
    teller = Teller(app.test_client(), store, clock)
    yield teller
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def replaced(text: str, others: dict[str, str]) -> str:
    for one, other in others.items():
        text = text.replace(one, other)
    return text


def filled(template: bytes, operation: Operation) -> bytes:
    """Return a broken body around one that the operation takes."""
    name, member = next(iter(operation.body.items()), ("a", 1))
    parts = {
        b"BODY": json.dumps(operation.body),
        b"MEMBER": f"{json.dumps(name)}:{json.dumps(member)}",
        b"NAME": json.dumps(name),
    }
    for place, text in parts.items():
        template = template.replace(place, text.encode())
    return template


def texts_in(operation: Operation) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each text in the body that an operation takes, those in a list's first member for all."""
    for trail in places_in(operation.body):
        node = operation.body
        for name in trail:
            node = node[name]
        if isinstance(node, str) and not any(isinstance(name, int) and name > 0 for name in trail):
            yield trail


@pytest.mark.parametrize("part", PARTS)
def test_a_broken_body_is_refused_everywhere_and_changes_nothing(teller: Teller, part: str) -> None:
    before = teller.what_is_kept()
    for operation in teller.part(part):
        for template in broken_bodies() if operation.body else ():
            answer = teller.send(operation, filled(template, operation))
            told = f"{operation.method} {operation.path} {template[:200]!r}: {answer.text}"
            assert answer.status_code == 400, told
            assert answer.json["code"] == "malformed_json", told
    assert teller.what_is_kept() == before
    assert teller.sent >= 8 * len(broken_bodies())


@pytest.mark.parametrize("part", PARTS)
def test_an_odd_number_is_no_amount_anywhere_and_changes_nothing(teller: Teller, part: str) -> None:
    before = teller.what_is_kept()
    for operation in teller.part(part):
        for trail in texts_in(operation) if operation.body else ():
            if not AMOUNTS & set(trail):
                continue
            text = json.dumps(with_member(operation.body, trail, "HERE"))
            for number in odd_numbers():
                answer = teller.send(operation, text.replace('"HERE"', number))
                told = f"{operation.method} {operation.path} {trail} {number:.100}: {answer.text}"
                assert answer.json.get("code") in ("malformed_json", "validation_failed"), told
                if answer.json["code"] == "validation_failed":
                    (named,) = answer.json["errors"]
                    assert named.rpartition(".")[2] == trail[-1], told
    assert teller.what_is_kept() == before
    assert teller.sent >= len(odd_numbers())


@pytest.mark.parametrize("part", PARTS)
def test_an_odd_header_changes_an_answer_to_a_refusal_or_not_at_all(teller: Teller, part: str) -> None:
    """What is taken posts just as much as without the header, and what is refused leaves nothing behind."""
    taken_somewhere = 0
    for operation in teller.part(part):
        body = json.dumps(operation.body) if operation.body else None
        teller.send(operation, body)  # what can happen once has happened
        posted = teller.transactions()
        plain = teller.send(operation, body)
        assert plain.status_code != 401 or operation.path.startswith(ASK_FOR_MORE), plain.text
        each_posts = teller.transactions() - posted
        before, posted, taken = teller.what_is_kept(), teller.transactions(), 0
        for name, value in odd_headers():
            variable = name.upper().replace("-", "_")
            is_plain = variable in ("CONTENT_TYPE", "CONTENT_LENGTH")
            answer = teller.send(operation, body, **{variable if is_plain else f"HTTP_{variable}": value})
            told = f"{operation.method} {operation.path} {name}: {value:.100}: {answer.status_code} {answer.text}"
            assert 400 <= answer.status_code < 500 or answer.status_code == plain.status_code, told
            assert answer.status_code >= 400 or name != "Authorization" or operation.path.startswith(OF_EVERYBODY), told
            taken += answer.status_code < 300 and "Idempotent-Replayed" not in answer.headers
        told = f"{operation.method} {operation.path}: {taken} taken"
        assert teller.transactions() - posted == taken * each_posts, told
        assert taken or teller.what_is_kept() == before, told
        taken_somewhere += bool(taken)
    assert taken_somewhere >= 2
    assert teller.sent >= 8 * len(odd_headers())


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("half", [0, 1])
def test_a_naughty_string_is_taken_as_it_is_or_refused_in_every_text(teller: Teller, part: str, half: int) -> None:
    """What is refused leaves nothing behind; what is taken posts one transaction at most."""
    for operation in teller.part(part):
        for trail in texts_in(operation) if operation.body else ():
            before, posted = teller.what_is_kept(), teller.transactions()
            taken = 0
            for text in naughty_strings()[half::2]:
                body = json.dumps(with_member(operation.body, trail, text))
                taken += teller.send(operation, body).status_code < 300
            told = f"{operation.method} {operation.path} {trail}: {taken} taken"
            posts_most = 2 if operation.path == OF_FILES else 1  # a file has a transaction of its own, and each line
            assert teller.transactions() - posted <= taken * posts_most, told
            assert taken or teller.what_is_kept() == before, told
    assert teller.sent >= 8 * len(naughty_strings()) // 2
