"""S53 to S61: numbers and JSON, read without leniency by every route that takes an amount or a body at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus, Limits
from app.models.store import Store
from tests.factories.ledger import an_account, closing, deposit, status_change
from tests.factories.people import Person, code_of, new_person
from tests.factories.users import Login
from tests.views.test_hostile_input import callers, headers_for, operations, places_in, with_member

__all__ = ["callers"]

AMOUNTS = frozenset({"amount", "opening_deposit", "limit", "withdrawal", "withdrawal_daily", "minimum_balance"})
HISTORY = ("transactions", "entries", "holds", "approvals", "bulks", "accounts", "fx_quotes", "confirmations")
HERE = "<the amount>"


@dataclass(frozen=True)
class Place:
    """One place for an amount: what may be written there is put into a request that is right but for it."""

    client: FlaskClient
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    trail: tuple[Any, ...]

    def send(self, raw: str) -> TestResponse:
        """Send the request with these characters for the amount, whatever they are."""
        text = json.dumps(with_member(self.body, self.trail, HERE)).replace(json.dumps(HERE), raw)
        return self.client.open(self.path, method=self.method, data=text.encode(), headers=self.headers)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {'.'.join(map(str, self.trail))}"


@pytest.fixture
def client(app_with: Callable[..., Flask]) -> FlaskClient:
    wide = dict.fromkeys(("rate_limit_payees", "rate_limit_login", "rate_limit_register"), "60000/minute")
    return app_with(**wide, login_failures_max=100).test_client()


@pytest.fixture
def places(client: FlaskClient, callers: dict[str, Login], store: Store) -> list[Place]:
    """Every place for an amount in every body, with real accounts around it."""
    (own,) = client.get("/accounts", headers=callers[""].headers).json["items"]
    store.journal.post(deposit(own["number"], 50_000))
    other = an_account(store)
    found = []
    for operation in operations(client.application):
        text = json.dumps(operation.body).replace("482915306750", own["number"]).replace("730184652996", other)
        body, path = json.loads(text), operation.path.replace("{number}", own["number"])
        for name in operation.in_path:
            path = path.replace(f"{{{name}}}", "0" * 12)
        for trail in places_in(body) if body else ():
            if trail and trail[-1] in AMOUNTS:
                headers = headers_for(callers, operation)
                found.append(Place(client, operation.method, path, headers, body, trail))
    assert len(found) >= 20
    return found


@pytest.fixture
def unmoved(places: list[Place], store: Store) -> Iterator[None]:
    """Make sure that the test moves nothing and leaves nothing behind."""
    before = {name: list(store.database[name].find().sort("_id", 1)) for name in HISTORY}
    yield
    assert {name: list(store.database[name].find().sort("_id", 1)) for name in HISTORY} == before


def check_all(places: list[Place], *raws: str, status: int, code: str) -> int:
    """Check that each of these is refused in each place as said; return how many were tried."""
    tried = 0
    for place in places:
        for raw in raws:
            answer = place.send(raw)
            assert code_of(answer) == (status, code), f"{place.name} {raw[:80]}: {answer.text}"
            tried += 1
    return tried


# ---- S53 to S56: what is written for an amount -----------------------------------------------------------------------


def test_s53_what_is_no_number_of_json_breaks_the_whole_body(places: list[Place], unmoved: None) -> None:
    broken = ("NaN", "Infinity", "-Infinity", "+1", "01", "1.", ".5", "0x10", "1_000", "1,0", "'1'", "nan", "-", "")
    assert check_all(places, *broken, status=400, code="malformed_json") > 200


def test_s54_an_amount_is_a_plain_decimal_and_no_other_notation(places: list[Place], unmoved: None) -> None:
    wrong = ("1e400", "1E2", "1e-2", "-0", "-0.0", "-1", "-0.01", "0.00001", "1e5", "1.0E0", "-1e400", "1" + ".0" * 40)
    assert check_all(places, *wrong[:-1], status=422, code="validation_failed") > 200
    check_all(places, wrong[-1], status=400, code="malformed_json")
    paid = [place for place in places if place.trail[-1] == "amount"]
    check_all(paid, "0", "0.0", "0.00", '"0"', '"0.00"', status=422, code="validation_failed")
    for place in places:  # a cent is the least: how many decimals there are the currency says
        for raw in ("0.001", '"100.123"'):
            assert 400 <= place.send(raw).status_code < 500, place.name


def test_s54_an_amount_in_plain_notation_is_taken_to_the_cent(client: FlaskClient, callers: dict[str, Login]) -> None:
    for raw, taken in (
        ("100.0", "100.00"),
        ("100", "100.00"),
        ("0.07", "0.07"),
        ('"100.50"', "100.50"),
        ("1.1", "1.10"),
    ):
        answer = client.post(
            "/deposit", data=f'{{"amount": {raw}}}', headers=callers[""].headers, content_type="application/json"
        )
        assert (answer.status_code, answer.json["amount"]) == (201, taken)


def test_s55_only_numbers_and_plain_text_make_an_amount(places: list[Place], unmoved: None) -> None:
    wrong = (
        "true", "false", "[]", "{}", "[1]", '{"$gt": 0}', '"\u0661\u0662\u0663"', '" 12"', '"12 "', '"1_2"', '"+1"',
        '"NaN"', '"sNaN"', '"1e1000000"', '"Infinity"', '""', '"0x10"', '"\uff11\uff12"', '"1,000"', '"1."', '".5"',
        '"-1"', '"1 000"', '"12\\n"', '"\u00bd"', '"\u2212 5"', '"USD 5"', '"5.00 "',
    )  # fmt: skip
    assert check_all(places, *wrong, status=422, code="validation_failed") > 500
    required = [place for place in places if place.trail[-1] == "amount" and not place.path.endswith("/capture")]
    check_all(required, "null", status=422, code="validation_failed")  # elsewhere it means that none is given


def test_s56_amounts_beyond_what_is_kept_exactly_are_refused(places: list[Place], unmoved: None) -> None:
    huge = [2**63 - 1, 2**63, 2**64, 10**30, 10**4_299]
    numbers = [str(number) for number in huge] + ["1" + "0" * 4_300, "9" * 4_301]
    texts = [json.dumps(number) for number in numbers]
    assert check_all(places, *numbers, *texts, status=422, code="validation_failed") > 200
    for place in places:
        for raw in (str(2**53 + 1), "9999999999999999", "99999999999999.99"):
            if place.trail[-1] == "amount":
                assert 400 <= place.send(raw).status_code < 500, place.name


def test_s56_large_amounts_are_exact_to_the_cent_and_no_sum_overflows(
    client: FlaskClient, callers: dict[str, Login], store: Store
) -> None:
    headers = callers[""].headers
    for amount in (f"{2**31}.01", "9999999999999.99"):
        assert client.post("/deposit", json={"amount": amount}, headers=headers).json["amount"] == amount
    (own,) = client.get("/accounts", headers=headers).json["items"]
    assert own["balance"] == "10002147483648.00"
    store.database["accounts"].update_one({"_id": own["number"]}, {"$set": {"balance": 10**18 - 1}})
    refused = client.post("/deposit", json={"amount": "0.02"}, headers=headers)
    assert code_of(refused) == (409, "balance_out_of_range")
    assert client.get("/balance", headers=headers).json["balance"] == "9999999999999999.99"


# ---- S57 to S60: how a body is written -------------------------------------------------------------------------------


def check_bodies(client: FlaskClient, callers: dict[str, Login], *bodies: Callable[[Any], bytes]) -> int:
    """Check that each of these spellings of a right body is refused by every route that takes one."""
    tried = 0
    for operation in operations(client.application):
        for spell in bodies if operation.body else ():
            body = spell(operation.body)
            headers = headers_for(callers, operation)
            answer = client.open(operation.at("0" * 12), method=operation.method, data=body, headers=headers)
            assert code_of(answer) == (400, "malformed_json"), f"{operation.path} {body[:80]!r}: {answer.text}"
            tried += 1
    return tried


def text_of(body: Any) -> str:
    return json.dumps(body)


def doubled(body: Any) -> bytes:
    name = next(iter(body))
    return f"{text_of(body)[:-1]}, {json.dumps(name)}: {json.dumps(body[name])}}}".encode()


def doubled_by_escape(body: Any) -> bytes:
    name = next(iter(body))
    escaped = "".join(f"\\u{ord(character):04x}" for character in name)
    return f'{text_of(body)[:-1]}, "{escaped}": 1}}'.encode()


def nested(depth: int) -> Callable[[Any], bytes]:
    return lambda body: f'{text_of(body)[:-1]}, "x": {"[" * depth}{"]" * depth}}}'.encode()


def with_text(raw: bytes) -> Callable[[Any], bytes]:
    return lambda body: text_of(body).encode()[:-1] + b', "x": "' + raw + b'"}'


def test_s57_a_member_named_twice_is_refused_by_every_route(client: FlaskClient, callers: dict[str, Login]) -> None:
    assert check_bodies(client, callers, doubled, doubled_by_escape) > 80


def test_s58_nesting_without_end_is_refused_by_every_route(client: FlaskClient, callers: dict[str, Login]) -> None:
    objects = b'{"a":' * 1_000
    assert (
        check_bodies(client, callers, nested(1_000), nested(30_000), lambda _: b"[" * 60_000, lambda _: objects) > 160
    )


def test_s58_a_body_nested_a_hundred_thousand_times_is_refused(client: FlaskClient, callers: dict[str, Login]) -> None:
    for body in (b"[" * 100_000 + b"]" * 100_000, b'{"amount":' * 100_000):
        answer = client.post("/deposit", data=body, headers=callers[""].headers, content_type="application/json")
        assert answer.status_code in (400, 413)


def test_s59_text_that_is_no_clean_utf_8_is_refused_by_every_route(
    client: FlaskClient, callers: dict[str, Login]
) -> None:
    texts = (
        rb"\ud800",
        rb"\udfff\ud800",
        rb"\u0000",
        b"\x00",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    )
    encodings = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")
    spellings = [with_text(raw) for raw in texts]
    spellings += [lambda body, encoding=encoding: text_of(body).encode(encoding) for encoding in encodings]
    assert check_bodies(client, callers, *spellings) > 400


def test_s60_what_is_not_one_object_is_refused_by_every_route(client: FlaskClient, callers: dict[str, Login]) -> None:
    spellings: list[Callable[[Any], bytes]] = [
        lambda body: f"[{text_of(body)}]".encode(),
        lambda body: f"{text_of(body)} x".encode(),
        lambda body: (text_of(body) * 2).encode(),
        lambda body: text_of(body)[:-1].encode(),
        lambda _: b"null",
        lambda _: b"5",
        lambda _: b"amount=5",
    ]
    assert check_bodies(client, callers, *spellings) > 300


def test_s60_a_body_of_another_type_or_none_is_refused_by_every_route(
    client: FlaskClient, callers: dict[str, Login]
) -> None:
    types = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
             "application/json; charset=utf-16", "application/jsonp")  # fmt: skip
    for operation in operations(client.application):
        if not operation.body:
            continue
        body, headers, path = text_of(operation.body), headers_for(callers, operation), operation.at("0" * 12)
        for content_type in types:
            answer = client.open(
                path, method=operation.method, data=body, headers=headers | {"Content-Type": content_type}
            )
            assert code_of(answer) == (415, "unsupported_media_type"), f"{path} {content_type}: {answer.text}"
            assert answer.mimetype == "application/problem+json"
        empty = client.open(path, method=operation.method, headers=headers)
        assert 400 <= empty.status_code < 500, f"{path}: {empty.text}"
        assert empty.mimetype == "application/problem+json"


# ---- S61: what an amount may do --------------------------------------------------------------------------------------


def test_s61_what_can_not_be_paid_is_refused_by_name_and_nothing_moves(client: FlaskClient, store: Store) -> None:
    alice = new_person(client, store, "alice", "Alice Archer", balance=10_000)
    bob = new_person(client, store, "bob", "Bob Brown")
    euros = an_account(store, currency="EUR", holders=(alice.id,))
    frozen, closed, limited = (
        an_account(store, holders=(alice.id,), **facts)
        for facts in ({"balance": 10_000}, {}, {"balance": 10_000, "limits": Limits(withdrawal=100, transfer=100)})
    )
    store.journal.post(status_change(frozen, AccountStatus.FROZEN))
    store.journal.post(closing(closed))
    counts = [store.database[name].count_documents({}) for name in ("transactions", "entries")]

    def told(path: str, **body: Any) -> str:
        status, code = code_of(alice.post(path, body))
        assert status in (409, 422)
        return code

    assert told("/transfers", to=euros, amount="1") == "currency_mismatch"
    assert told("/transfers", to=alice.number, amount="1") == "same_account"
    assert told("/transfers", **{"from": frozen}, to=bob.number, amount="1") == "account_frozen"
    assert told("/withdraw", account=frozen, amount="1") == "account_frozen"
    assert told("/deposit", account=frozen, amount="1") == "account_frozen"
    for path in ("/withdraw", "/deposit"):
        assert told(path, account=closed, amount="1") == "account_closed"
    assert told("/transfers", to=closed, amount="1") == "account_closed"
    assert told("/withdraw", account=limited, amount="1.01") == "transaction_limit_exceeded"
    assert told("/transfers", **{"from": limited}, to=bob.number, amount="1.01") == "transaction_limit_exceeded"
    assert told("/withdraw", amount="100.01") == "insufficient_funds"
    assert [store.database[name].count_documents({}) for name in ("transactions", "entries")] == counts
    assert (alice.balance(), bob.balance()) == ("100.00", "0.00")


def test_s61_a_right_payment_is_made(client: FlaskClient, store: Store) -> None:
    alice = new_person(client, store, "alice", "Alice Archer", balance=10_000)
    bob: Person = new_person(client, store, "bob", "Bob Brown")
    assert alice.send(bob.number, "100.00").status_code == 201
    assert (alice.balance(), bob.balance()) == ("0.00", "100.00")
