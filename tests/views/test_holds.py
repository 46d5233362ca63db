"""Holds over HTTP: money set aside, taken out in parts or whole, and let go, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus, new_account_number
from app.domain.actor import Role
from app.domain.ids import random_id
from app.models.store import Store
from tests.factories.approvals import decide, outcome
from tests.factories.clock import MovableClock
from tests.factories.ledger import an_account, expiry, status_change
from tests.factories.people import Person, code_of, new_person
from tests.factories.users import Login, new_staff
from tests.parallel import at_once


class Desk:
    """A banker at work."""

    def __init__(self, client: FlaskClient, login: Login) -> None:
        self.client = client
        self.login = login

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/banker{path}", headers=self.login.headers)

    def post(self, path: str, body: Any, key: str | None = None) -> TestResponse:
        headers = self.login.headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"/banker{path}", json=body, headers=headers)

    def place(self, number: str, amount: Any, key: str | None = None, **body: Any) -> TestResponse:
        wanted = {"amount": amount, "type": "card", "reason": "Hotel", **body}
        return self.post(f"/accounts/{number}/holds", wanted, key)

    def capture(self, hold_id: str, key: str | None = None, **body: Any) -> TestResponse:
        return self.post(f"/holds/{hold_id}/capture", body, key)

    def release(self, hold_id: str, key: str | None = None, **body: Any) -> TestResponse:
        return self.post(f"/holds/{hold_id}/release", body, key)

    def hold(self, hold_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/holds/{hold_id}").json
        return found


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Archer", balance=10_000)


@pytest.fixture
def desk(client: FlaskClient, store: Store) -> Desk:
    return Desk(client, new_staff(client, store, "banker", Role.BANKER))


def money_of(person: Person) -> tuple[str, str, str]:
    found = person.get("/balance").json
    return found["balance"], found["held"], found["available"]


def test_what_is_held_is_not_available_and_still_there(alice: Person, desk: Desk) -> None:
    answer = desk.place(alice.number, "25.00", expires_at="2100-01-01T00:00:00Z")
    assert answer.status_code == 201
    hold = answer.json
    assert hold == {
        "id": hold["id"],
        "account": alice.number,
        "type": "card",
        "reason": "Hotel",
        "status": "open",
        "amount": "25.00",
        "remaining": "25.00",
        "captured": "0.00",
        "currency": "USD",
        "placed_at": hold["placed_at"],
        "expires_at": "2100-01-01T00:00:00.000Z",
        "ended_at": None,
        "end_reason": None,
        "placed_by": desk.client.get("/auth/me", headers=desk.login.headers).json["id"],
        "ended_by": None,
    }
    assert desk.hold(hold["id"]) == hold
    assert money_of(alice) == ("100.00", "25.00", "75.00")
    assert code_of(alice.post("/withdraw", {"amount": "75.01"})) == (409, "insufficient_funds")
    assert alice.post("/withdraw", {"amount": "75.00"}).status_code == 201


def test_no_more_is_held_than_is_available(alice: Person, desk: Desk) -> None:
    assert desk.place(alice.number, "60").status_code == 201
    assert code_of(desk.place(alice.number, "40.01")) == (409, "insufficient_funds")
    assert money_of(alice) == ("100.00", "60.00", "40.00")


def test_a_hold_is_captured_in_several_parts(alice: Person, desk: Desk) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    part = desk.capture(hold_id, amount="10")
    assert part.status_code == 201
    assert (part.json["type"], part.json["direction"], part.json["amount"]) == ("hold_capture", "debit", "10.00")
    assert money_of(alice) == ("90.00", "15.00", "75.00")
    assert code_of(desk.capture(hold_id, amount="15.01")) == (409, "hold_exceeded")
    assert desk.capture(hold_id, amount="15").status_code == 201
    ended = desk.hold(hold_id)
    assert (ended["status"], ended["remaining"], ended["captured"]) == ("captured", "0.00", "25.00")
    assert ended["ended_by"] == ended["placed_by"]
    assert money_of(alice) == ("75.00", "0.00", "75.00")


def test_without_an_amount_all_that_is_left_is_captured(alice: Person, desk: Desk) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    desk.capture(hold_id, amount="10")
    assert desk.capture(hold_id).json["amount"] == "15.00"
    assert desk.hold(hold_id)["status"] == "captured"


def test_a_final_capture_lets_the_rest_go(alice: Person, desk: Desk) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    assert desk.capture(hold_id, amount="10", final=True).status_code == 201
    ended = desk.hold(hold_id)
    assert (ended["status"], ended["remaining"], ended["captured"]) == ("captured", "0.00", "10.00")
    assert money_of(alice) == ("90.00", "0.00", "90.00")


def test_money_may_be_captured_for_another_account(alice: Person, desk: Desk, store: Store) -> None:
    shop = an_account(store, holders=("shop",), holder_names=("Corner Shop",))
    hold_id = desk.place(alice.number, "25").json["id"]
    line = desk.capture(hold_id, to=shop).json
    assert line["counterparty"] == {"name": "C*** S***", "account": shop}
    assert store.accounts.get_customer_account(shop).balance == 2_500


def test_money_is_captured_for_an_account_that_is_there_another_one_and_of_the_same_currency(
    alice: Person, desk: Desk, store: Store
) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    assert code_of(desk.capture(hold_id, to=new_account_number())) == (404, "unknown_payee")
    assert code_of(desk.capture(hold_id, to=alice.number)) == (422, "same_account")
    assert code_of(desk.capture(hold_id, to=an_account(store, currency="EUR"))) == (422, "currency_mismatch")
    closed = an_account(store, status=AccountStatus.CLOSED)
    assert code_of(desk.capture(hold_id, to=closed)) == (409, "account_closed")
    assert money_of(alice) == ("100.00", "25.00", "75.00")


def test_a_released_hold_is_available_again_and_says_why(alice: Person, desk: Desk) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    desk.capture(hold_id, amount="5")
    released = desk.release(hold_id, reason="Cancelled")
    assert released.status_code == 200
    assert released.json == desk.hold(hold_id)
    told = {name: released.json[name] for name in ("status", "remaining", "captured", "end_reason")}
    assert told == {"status": "released", "remaining": "0.00", "captured": "5.00", "end_reason": "Cancelled"}
    assert money_of(alice) == ("95.00", "0.00", "95.00")


@pytest.mark.parametrize("end", ["capture", "release"])
def test_a_hold_that_has_ended_is_neither_captured_nor_released_again(alice: Person, desk: Desk, end: str) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    assert desk.post(f"/holds/{hold_id}/{end}", {}).status_code in (200, 201)
    before = money_of(alice)
    assert code_of(desk.capture(hold_id)) == code_of(desk.release(hold_id)) == (409, "hold_ended")
    assert money_of(alice) == before


def test_a_late_capture_is_refused_and_the_hold_counts_until_its_expiry_is_posted(
    app_with: Callable[..., Flask], alice: Person, desk: Desk, clock: MovableClock
) -> None:
    app = app_with()
    later = Desk(app.test_client(), desk.login)
    until = (clock.now() + timedelta(minutes=5)).isoformat()
    hold_id = later.place(alice.number, "25", expires_at=until).json["id"]
    clock.forward(timedelta(minutes=5))
    assert code_of(later.capture(hold_id)) == (409, "hold_ended")
    assert money_of(alice) == ("100.00", "25.00", "75.00")
    ledger: Store = app.extensions["store"]
    assert ledger.holds.list_expired(now=clock.now(), limit=10) == [hold_id]
    ledger.journal.post(expiry(hold_id))
    assert ledger.holds.list_expired(now=clock.now(), limit=10) == []
    assert money_of(alice) == ("100.00", "0.00", "100.00")
    assert later.hold(hold_id)["status"] == "expired"


def test_an_expired_hold_may_still_be_released(
    app_with: Callable[..., Flask], alice: Person, desk: Desk, clock: MovableClock
) -> None:
    later = Desk(app_with().test_client(), desk.login)
    until = (clock.now() + timedelta(minutes=5)).isoformat()
    hold_id = later.place(alice.number, "25", expires_at=until).json["id"]
    clock.forward(timedelta(minutes=5))
    assert later.release(hold_id).status_code == 200


def test_a_hold_ends_in_the_future(alice: Person, desk: Desk) -> None:
    answer = desk.place(alice.number, "1", expires_at="2020-01-01T00:00:00Z")
    assert (code_of(answer), list(answer.json["errors"])) == ((422, "validation_failed"), ["expires_at"])
    assert money_of(alice) == ("100.00", "0.00", "100.00")


def test_a_repeated_request_is_answered_as_the_first_time_whatever_became_of_the_hold(
    app_with: Callable[..., Flask], alice: Person, desk: Desk, clock: MovableClock
) -> None:
    desk = Desk(app_with().test_client(), desk.login)
    until = (clock.now() + timedelta(minutes=5)).isoformat()
    placed = desk.place(alice.number, "25", "place", expires_at=until)
    hold_id = placed.json["id"]
    captured = desk.capture(hold_id, "capture", amount="5")
    released = desk.release(hold_id, "release", reason="Cancelled")
    clock.forward(timedelta(minutes=10))
    again = (
        desk.place(alice.number, 25.0, "place", expires_at=until),
        desk.capture(hold_id, "capture", amount=5),
        desk.release(hold_id, "release", reason="Cancelled"),
    )
    for first, repeated in zip((placed, captured, released), again, strict=True):
        assert (repeated.status_code, repeated.json) == (first.status_code, first.json)
        assert repeated.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
    assert money_of(alice) == ("95.00", "0.00", "95.00")


def test_a_key_used_for_another_request_is_refused(alice: Person, desk: Desk, store: Store) -> None:
    other = an_account(store, balance=10_000)
    hold_id, second = desk.place(alice.number, "25", "k").json["id"], desk.place(alice.number, "25").json["id"]
    requests = [
        lambda: desk.place(alice.number, "25", "k", type="legal"),
        lambda: desk.place(alice.number, "25", "k", reason="x"),
        lambda: desk.place(alice.number, "25", "k", expires_at="2100-01-01T00:00:00Z"),
        lambda: desk.place(other, "25", "k"),
        lambda: desk.capture(hold_id, "k"),
        lambda: desk.release(hold_id, "k"),
    ]
    assert desk.capture(hold_id, "c", amount="5").status_code == 201
    requests += [
        lambda: desk.capture(hold_id, "c", amount="6"),
        lambda: desk.capture(hold_id, "c"),
        lambda: desk.capture(hold_id, "c", amount="5", final=True),
        lambda: desk.capture(second, "c", amount="5"),
    ]
    for request in requests:
        assert code_of(request()) == (422, "idempotency_mismatch")
    assert money_of(alice) == ("95.00", "45.00", "50.00")


def test_of_many_who_would_end_a_hold_at_once_one_does(app: Flask, alice: Person, desk: Desk) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]

    def end(number: int) -> int:
        mine = Desk(app.test_client(), desk.login)
        return (mine.release(hold_id) if number % 2 else mine.capture(hold_id)).status_code

    answers = Counter(at_once(30, end))
    assert answers[409] == 29
    taken = desk.hold(hold_id)["status"] == "captured"
    assert answers[201 if taken else 200] == 1
    assert money_of(alice) == (("75.00", "0.00", "75.00") if taken else ("100.00", "0.00", "100.00"))


def test_parts_captured_at_once_take_no_more_than_was_held(app: Flask, alice: Person, desk: Desk) -> None:
    hold_id = desk.place(alice.number, "25").json["id"]
    answers = Counter(
        at_once(20, lambda _: Desk(app.test_client(), desk.login).capture(hold_id, amount="5").status_code)
    )
    assert answers == {201: 5, 409: 15}
    assert money_of(alice) == ("75.00", "0.00", "75.00")


def test_customers_see_their_holds_but_not_who_placed_them(alice: Person, desk: Desk) -> None:
    hold = desk.place(alice.number, "25").json
    (seen,) = alice.get(f"/accounts/{alice.number}/holds").json["items"]
    assert seen == {name: value for name, value in hold.items() if name not in ("placed_by", "ended_by")}


def test_holds_are_paged_newest_first_by_status(alice: Person, desk: Desk) -> None:
    ids = [desk.place(alice.number, "1").json["id"] for _ in range(7)]
    for hold_id in ids[:3]:
        desk.release(hold_id)
    for path in (f"/banker/accounts/{alice.number}/holds", f"/accounts/{alice.number}/holds"):
        headers = desk.login.headers if path.startswith("/banker") else alice.login.headers
        for query, expected in (("", ids), ("status=open&", ids[3:]), ("status=released&", ids[:3])):
            assert pages(desk.client, f"{path}?{query}limit=2", headers) == expected[::-1]


def pages(client: FlaskClient, path: str, headers: dict[str, str]) -> list[str]:
    """Return the ids on all pages."""
    found, cursor = [], ""
    while True:
        page = client.get(path + cursor, headers=headers).json
        found += [hold["id"] for hold in page["items"]]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == 2
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.security("S10")
@pytest.mark.parametrize("query", ["status=closed", "limit=0", "cursor=abc", "cursor=" + "f" * 60, "owner=x"])
def test_a_question_that_makes_no_sense_is_refused(alice: Person, desk: Desk, query: str) -> None:
    assert code_of(alice.get(f"/accounts/{alice.number}/holds?{query}")) == (422, "validation_failed")


def test_holds_on_somebody_elses_account_are_answered_like_those_of_no_account(
    client: FlaskClient, store: Store, alice: Person, desk: Desk
) -> None:
    desk.place(alice.number, "25")
    bob = new_person(client, store, "bob", "Bob Brown")
    theirs, nobodys = (bob.get(f"/accounts/{number}/holds") for number in (alice.number, new_account_number()))
    assert code_of(theirs) == (404, "not_found")
    assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    nothing = random_id()
    answers = [
        desk.place(new_account_number(), "1"),
        desk.place("cash-USD", "1"),
        desk.get(f"/accounts/{new_account_number()}/holds"),
        desk.get(f"/holds/{nothing}"),
        desk.capture(nothing),
        desk.release(nothing),
    ]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("amount", value) for value in (0, -1, "1.001", None, True, {"$gt": ""}, 10**14)],
        *[("type", value) for value in ("", "fee", None, 1, ["card"])],
        *[("reason", value) for value in ("", "x" * 141, None, 5, "a\nb")],
        *[("expires_at", value) for value in ("tomorrow", 5, None, {"$gt": ""}, "2100-13-01")],
        *[(field, "x") for field in ("status", "remaining", "placed_by", "currency", "account_id", "id")],
    ],
)
def test_a_hold_of_the_wrong_shape_is_refused(alice: Person, desk: Desk, field: str, value: Any) -> None:
    answer = desk.place(alice.number, **{"amount": "1", field: value})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", 0), ("amount", None), ("to", "cash-USD"), ("final", "yes"), ("final", None), ("x", 1)],
)
def test_a_capture_of_the_wrong_shape_is_refused(alice: Person, desk: Desk, field: str, value: Any) -> None:
    hold_id = desk.place(alice.number, "1").json["id"]
    answer = desk.capture(hold_id, **{field: value})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_nothing_is_held_on_a_frozen_account(alice: Person, desk: Desk, store: Store) -> None:
    store.journal.post(status_change(alice.number, AccountStatus.FROZEN))
    assert code_of(desk.place(alice.number, "1")) == (409, "account_frozen")


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "checker", Role.BANKER)


@pytest.fixture
def rich(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "richard", "Richard Roe", balance=5_000_000)


@pytest.mark.security("S08")
def test_to_take_much_out_of_a_hold_needs_a_second_person_wherever_it_goes(
    rich: Person, alice: Person, desk: Desk, checker: Login
) -> None:
    hold_id = desk.place(rich.number, "30000").json["id"]
    assert desk.capture(hold_id, amount="9999.99", to=alice.number).status_code == 201
    asked = [
        desk.capture(hold_id, amount="10000", to=alice.number),
        desk.capture(hold_id, amount="10000"),
        desk.capture(hold_id, to=alice.number),
    ]
    assert [(answer.status_code, answer.json["operation"]) for answer in asked] == [(202, "hold_capture")] * 3
    assert (rich.balance(), alice.balance()) == ("40000.01", "10099.99")
    decided = [decide(desk.client, checker, answer.json["id"]) for answer in asked]
    assert [outcome(answer) for answer in decided] == [(200, "executed"), (200, "executed"), (200, "failed")]
    assert decided[2].json["failure"] == "hold_exceeded"
    assert (rich.balance(), alice.balance()) == ("20000.01", "20099.99")
    left = desk.hold(hold_id)
    assert (left["status"], left["remaining"], left["captured"]) == ("open", "0.01", "29999.99")


def test_the_second_person_sees_what_is_taken_and_exactly_that_is(rich: Person, desk: Desk, checker: Login) -> None:
    hold_id = desk.place(rich.number, "20000").json["id"]
    asked = desk.capture(hold_id, key="k")
    assert asked.json["payload"] == {
        "hold": hold_id,
        "account": rich.number,
        "holders": ["Richard Roe"],
        "to": None,
        "to_holders": [],
        "amount": "20000.00",
        "currency": "USD",
        "takes_all": True,
        "final": None,
    }
    assert outcome(decide(desk.client, checker, asked.json["id"])) == (200, "executed")
    ended = desk.hold(hold_id)
    assert (ended["status"], ended["captured"], rich.balance()) == ("captured", "20000.00", "30000.00")
    again = desk.capture(hold_id, key="k")
    assert (again.status_code, again.json["status"]) == (202, "executed")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert code_of(desk.capture(hold_id, key="k", amount="20000")) == (422, "idempotency_mismatch")
