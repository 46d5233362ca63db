"""S45 to S50: whatever a caller writes stays text, in the database, in the log and in the answer."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app import create_app
from app.domain.actor import Role
from app.models.connection import connect
from app.models.store import Store
from config import Config
from tests.callers import HTTP
from tests.factories.tokens import resigned
from tests.factories.users import Login, bearer, logged_in, new_customer, new_staff, register
from tests.live import LiveServer
from tests.processes import TIMEOUT_S, wait_until
from tests.views.test_hostile_input import callers, headers_for, operations

__all__ = ["callers"]

CANARY = "canary7f3a"
OPERATORS: tuple[Any, ...] = (
    {"$gt": CANARY},
    {"$ne": CANARY},
    {"$where": f"'{CANARY}'"},
    {"$regex": CANARY},
    {"$in": [CANARY]},
    {"user.$gt": CANARY},
    [{"$ne": CANARY}],
)
OUR_OWN = ("$in", "$pull")
"""Ids are looked up many at a time, and a payee is taken out of a list: both by the texts that they are."""
EVIL_PATTERN = "(a+)+$"


class Asked(CommandListener):
    """Every command that the database is sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def client(config: Config, store: Store, asked: Asked) -> Iterator[FlaskClient]:
    """A client of an application whose questions to the database are listened to."""
    wide = dict.fromkeys(("rate_limit_login", "rate_limit_register", "rate_limit_refresh"), "60000/minute")
    own = replace(config, **wide, rate_limit_payees="60000/minute", login_failures_max=100)
    heard = Store(connect(own.mongo_uri, timeout_ms=own.mongo_timeout_ms, listeners=[asked]), own)
    yield create_app(own, heard).test_client()
    heard.close()


def within_operators(node: Any, operator: str = "") -> Iterator[str]:
    """Yield the operator around each mention of the canary."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from within_operators(value, name if name.startswith("$") else operator)
            if CANARY in str(name):
                yield f"the name {name}"
    elif isinstance(node, list):
        for value in node:
            yield from within_operators(value, operator)
    elif CANARY in str(node):
        yield operator


def test_s45_no_operator_in_a_query_a_path_or_a_header_is_more_than_text(
    client: FlaskClient, callers: dict[str, Login], asked: Asked
) -> None:
    asked.commands.clear()
    operators = {"If-Match": f'{{"$ne":"{CANARY}"}}', "Idempotency-Key": f'{{"$gt":"{CANARY}"}}'}
    strange = operators | {"X-Request-ID": f"$where:{CANARY}", "User-Agent": f"$regex {CANARY}"}
    for operation in operations(client.application):
        for path in {operation.at(f"$ne{CANARY}"), operation.at(f'{{"$gt":"{CANARY}"}}'), operation.at("0" * 12)}:
            body = json.dumps(operation.body) if operation.body else None
            headers = headers_for(callers, operation) | strange
            if operation.path.startswith("/auth/"):
                continue  # some of them would end the session
            answer = client.open(path, method=operation.method, data=body, headers=headers)
            assert answer.status_code < 500, f"{operation.method} {path}: {answer.text}"
        for name in operation.in_query:
            for operator in ("$ne", "$gt", "$regex", "$where", "$in"):
                query = {f"{name}[{operator}]": CANARY, f"{name}.{operator}": CANARY}
                for parameter, value in query.items():
                    answer = client.open(
                        operation.at("0" * 12),
                        method=operation.method,
                        query_string={parameter: value},
                        headers=headers_for(callers, operation),
                    )
                    assert 400 <= answer.status_code < 500, f"{operation.path} {parameter}: {answer.text}"
    met = {(next(iter(command)), operator) for command in asked.commands for operator in within_operators(command)}
    assert {operator for _, operator in met} == {"", *OUR_OWN}
    assert {name for name, _ in met} >= {"find", "findAndModify", "update", "delete"}


def test_s45_no_operator_in_a_claim_reaches_a_query(client: FlaskClient, asked: Asked) -> None:
    login = new_customer(client)
    for claim in ("sub", "sid", "jti", "role", "username", "iss", "aud", "type", "ver", "iat", "exp"):
        for operator in OPERATORS:
            asked.commands.clear()
            token = resigned(client.application, login.access_token, **{claim: operator})
            assert client.get("/balance", headers=bearer(token)).status_code == 401, (claim, operator)
            renewal = resigned(client.application, login.refresh_token, **{claim: operator})
            answer = client.post("/auth/refresh", json={"refresh_token": renewal})
            assert answer.status_code in (401, 429) or claim in ("role", "username", "ver"), (claim, operator)
            assert [each for command in asked.commands for each in within_operators(command)] == []
    for claim in ("cid", "br", "mfa", "fresh"):  # which not everybody has
        for operator in OPERATORS:
            token = resigned(client.application, login.access_token, **{claim: operator})
            assert client.get("/balance", headers=bearer(token)).status_code in (200, 401), (claim, operator)
            assert [each for command in asked.commands for each in within_operators(command)] == []


def test_s46_no_search_takes_a_pattern_or_more_than_a_fifth_of_a_second(
    client: FlaskClient, store: Store, asked: Asked
) -> None:
    login, banker = new_customer(client), new_staff(client, store, "bella", Role.BANKER)
    admin = new_staff(client, store, "adam", Role.ADMIN)
    assert register(client, "b" * 32, full_name="B" * 60).status_code == 201
    for operation in operations(client.application):
        caller = {"banker": banker, "admin": admin}.get(operation.path.split("/")[1], login)
        for name in operation.in_query if operation.method == "GET" else ():
            for pattern in (EVIL_PATTERN, ".*", "^a", "a" * 500 + "!", "(?:a|a)*$"):
                search = (operation.at("0" * 12), {name: pattern}, caller)
                assert min(seconds_to_answer(client, *search) for _ in range(2)) < 0.2, search[:2]
    assert "$regex" not in str(asked.commands)


def seconds_to_answer(client: FlaskClient, path: str, query: dict[str, str], caller: Login) -> float:
    """Return how long this thread worked for an answer: waiting is no work, and the database gets no pattern."""
    began_s = time.thread_time()
    answer = client.get(path, query_string=query, headers=caller.headers)
    took_s = time.thread_time() - began_s
    assert answer.status_code < 500
    assert "bbbb" not in str((answer.json or {}).get("items", "")).lower() or "a" not in str(query)
    return took_s


# ---- S48, S50: the server as it is run -------------------------------------------------------------------------------

FORGED = '{"event": "forged by a caller"}'


def test_s48_nothing_that_a_caller_writes_makes_or_breaks_a_line_of_the_log(server: LiveServer) -> None:
    done = f"log-{time.time_ns()}"
    for text in (
        f"bob\n{FORGED}",
        f"bob\r\n{FORGED}",
        f"bob\x1b[2K\x1b[1A{FORGED}",
        f"bob\u2028{FORGED}",
        f"bob\x85{FORGED}",
    ):
        for path, body in (
            ("/auth/login", {"username": text, "password": text}),
            ("/auth/register", {"username": text, "password": text, "full_name": text}),
            (f"/{text.encode().hex()}", {text: text}),
        ):
            HTTP.post(f"{server.url}{path}", json=body, headers={"User-Agent": text.encode().hex()})
    for path in ("/%0d%0a" + FORGED.replace(" ", "%20"), "/%1b[2K", "/balance?x=%0a" + FORGED.replace(" ", "%20")):
        HTTP.get(f"{server.url}{path}")
    HTTP.get(f"{server.url}/nothing", headers={"X-Request-ID": done})
    wait_until(lambda: done in server.output)
    _, _, printed = server.output.partition(f"{server.demo_password('admin')}\n")  # the last line that is no log
    lines = [json.loads(line) for line in printed.splitlines() if line]
    assert "forged by a caller" not in {line["event"] for line in lines}
    assert all("time" in line and "level" in line for line in lines)
    assert "\x1b" not in server.output


def answer_to_raw(server: LiveServer, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "text", ["%0d%0aX-Evil:%201", "%0aX-Evil:%201", "%0d%0a%0d%0a<html>", "%e5%98%8a%e5%98%8dX-Evil:%201", "%00X-Evil"]
)
def test_s50_no_answer_has_a_header_that_a_caller_wrote(server: LiveServer, text: str) -> None:
    for path in (
        f"/{text}",
        f"/docs/{text}",
        f"/api/{text}",
        f"/balance?x={text}",
        f"/accounts/{text}",
        f"/?next={text}",
    ):
        status, headers, body = answer_to_raw(server, path, X_Request_ID=text, Origin=text)
        assert status in (302, 400, 401, 404)
        assert "x-evil" not in headers
        assert b"<html>" not in body
        assert headers.get("x-request-id") != text


@pytest.mark.parametrize(
    "path",
    ["../../config.py", "..%2f..%2fconfig.py", "%2e%2e/%2e%2e/config.py", "..%5c..%5cconfig.py", "....//config.py",
     "/etc/passwd", "%2fetc%2fpasswd", "docs.js%00.html", "docs.js/../../docs.py", ".%00./config.py", "~root/.profile",
     "docs.html", "swagger-ui.css.map", "..;/config.py"],
)  # fmt: skip
def test_s50_no_file_is_served_but_those_of_the_page(server: LiveServer, path: str) -> None:
    for start in ("/docs/", "/api/docs/", "/static/", "/"):
        status, _, body = answer_to_raw(server, f"{start}{path}")
        assert status in (400, 404), start
        assert b"import" not in body
        assert b"root:" not in body


def test_s50_the_files_of_the_page_are_served(server: LiveServer) -> None:
    assert answer_to_raw(server, "/docs/docs.js")[0] == 200


def test_s46_the_right_name_is_still_found(client: FlaskClient, store: Store) -> None:
    admin = new_staff(client, store, "adam", Role.ADMIN)
    new_customer(client, "alice")
    (found,) = client.get("/admin/users?name=alice", headers=admin.headers).json["items"]
    assert found["username"] == "alice"
    assert logged_in(client, "alice").access_token
