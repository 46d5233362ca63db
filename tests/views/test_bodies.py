"""How bodies and queries are read: nothing lenient, every fault named."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.models.store import Store
from tests.factories.users import Login, new_customer


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    return new_customer(client)


def deposit(client: FlaskClient, login: Login, body: bytes | str, **options: Any) -> Any:
    return client.post("/deposit", data=body, headers=login.headers, **{"content_type": "application/json", **options})


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_in_utf_8_is_taken(client: FlaskClient, alice: Login, content_type: str) -> None:
    assert deposit(client, alice, '{"amount": 5}', content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp",
     "application/json; charset=utf-16", "application/vnd.api+json", "*/*", ""],
)  # fmt: skip
def test_any_other_content_type_is_refused(client: FlaskClient, alice: Login, content_type: str | None) -> None:
    answer = deposit(client, alice, '{"amount": 5}', content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"[]", b'{"amount": 5} x', b'{"amount": 5, "amount": 6}', b'{"amount": NaN}', b'{"amount": -Infinity}',
     b'\xef\xbb\xbf{"amount": 5}', '{"amount": 5}'.encode("utf-16"), b'{"description": "\\ud800"}',
     b'{"amount": "\xff"}', b'{"amount": ' + b"[" * 1_000 + b"]" * 1_000 + b"}", b"[" * 60_000],
)  # fmt: skip
def test_a_body_that_is_not_one_json_object_is_refused(client: FlaskClient, alice: Login, body: bytes) -> None:
    answer = deposit(client, alice, body)
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    "amount",
    ["true", "false", "null", "[]", "{}", '{"$gt": ""}', "0", "-1", "-0.0", "0.001", "1E2", "1e400", '"1e2"', '" 12"',
     '"\u0661\u0662\u0663"', '"NaN"', '""', "1" + "0" * 4300, "9223372036854775808", "1000000000000001", "100.123"],
)  # fmt: skip
def test_an_amount_that_is_not_plain_money_is_refused_by_name(client: FlaskClient, alice: Login, amount: str) -> None:
    answer = deposit(client, alice, f'{{"amount": {amount}}}')
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert list(answer.json["errors"]) == ["amount"]
    assert client.get("/balance", headers=alice.headers).json["balance"] == "0.00"


@pytest.mark.parametrize(("amount", "taken"), [("100", "100.00"), ("100.5", "100.50"), ('"0.07"', "0.07")])
def test_an_amount_is_taken_exactly(client: FlaskClient, alice: Login, amount: str, taken: str) -> None:
    assert deposit(client, alice, f'{{"amount": {amount}}}').json["amount"] == taken


@pytest.mark.security("S04")
@pytest.mark.parametrize(
    "name", ["role", "balance", "owner_id", "status", "_id", "credit_limit", "is_admin", "amount.$gt", "$where"]
)
def test_a_field_that_is_not_asked_for_is_refused(client: FlaskClient, store: Store, alice: Login, name: str) -> None:
    before = list(store.database["accounts"].find({"kind": "customer"}))
    answer = client.post("/deposit", json={"amount": 5, name: "admin"}, headers=alice.headers)
    assert (answer.status_code, answer.json["errors"]) == (422, {name: ["Unknown field."]})
    assert list(store.database["accounts"].find({"kind": "customer"})) == before


def test_every_field_at_fault_is_named_at_once(client: FlaskClient, alice: Login) -> None:
    answer = client.post("/deposit", json={"account": "1", "description": "x" * 999, "more": 1}, headers=alice.headers)
    assert answer.json["errors"].keys() == {"amount", "account", "description", "more"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=1000000000", "limit"),
        ("limit=0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("owner=bob", "owner"),
        ("account[$ne]=1", "account[$ne]"),
        ("account=1%00", "account"),
        ("from=yesterday", "from"),
        ("cursor=%7B%7D", "cursor"),
        ("type=%ff", "type"),
        ("min_amount=-5", "min_amount"),
    ],
)
def test_a_query_is_held_to_its_shape(client: FlaskClient, alice: Login, query: str, field: str) -> None:
    answer = client.get(f"/transactions?{query}", headers=alice.headers)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_a_body_larger_than_the_limit_is_refused(client: FlaskClient, alice: Login, store: Store) -> None:
    answer = deposit(client, alice, b" " * (store.config.body_kib_max * 1024) + b"{}")
    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")


def test_a_body_without_a_declared_length_is_limited_too(client: FlaskClient, alice: Login, store: Store) -> None:
    for size, status in ((10, 201), (store.config.body_kib_max * 1024, 413)):
        answer = client.post(
            "/deposit",
            headers={**alice.headers, "Transfer-Encoding": "chunked"},
            content_type="application/json",
            environ_overrides={"wsgi.input": _Chunks(b'{"amount": 5}' + b" " * size), "wsgi.input_terminated": True},
        )
        assert answer.status_code == status


def test_a_body_that_comes_in_pieces_is_put_together(client: FlaskClient, alice: Login) -> None:
    body = b'{"amount": 5, "description": "in pieces"}'
    answer = client.post(
        "/deposit", headers=alice.headers, content_type="application/json",
        environ_overrides={"wsgi.input": _Chunks(body), "CONTENT_LENGTH": str(len(body))},
    )  # fmt: skip
    assert answer.json["description"] == "in pieces"


def test_a_body_that_ends_early_is_refused(client: FlaskClient, alice: Login) -> None:
    answer = client.post(
        "/deposit", headers=alice.headers, content_type="application/json",
        environ_overrides={"wsgi.input": _Chunks(b'{"amount": 5}'), "CONTENT_LENGTH": "50"},
    )  # fmt: skip
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")


def test_bodies_that_do_not_come_leave_half_of_the_threads_free(app_with: Callable[..., Flask]) -> None:
    app = app_with(threads=4)
    alice = new_customer(app.test_client())
    body = _Silence()

    def begin(_number: int) -> int:
        return app.test_client().post(
            "/deposit", headers=alice.headers, content_type="application/json",
            environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "50"},
        ).status_code  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.map(begin, range(2))
        assert all(body.begun.acquire(timeout=5) for _ in range(2))
        refused = app.test_client().post("/deposit", headers=alice.headers, json={"amount": 5})
        assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (503, "server_busy", "1")
        assert app.test_client().get("/balance", headers=alice.headers).status_code == 200
        body.ended.set()
        assert list(waiting) == [400, 400]
    assert app.test_client().post("/deposit", headers=alice.headers, json={"amount": 5}).status_code == 201


class _Silence:
    """A stream whose sender says nothing until it hangs up."""

    def __init__(self) -> None:
        self.begun = Semaphore(0)
        self.ended = Event()

    def read(self, _size: int) -> bytes:
        self.begun.release()
        assert self.ended.wait(10)
        return b""


class _Chunks:
    """A stream that gives no more than a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def read(self, size: int) -> bytes:
        size = min(size, 10)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken
