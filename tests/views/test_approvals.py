"""A second person's decision over HTTP: never the maker's, once, and only for what was asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.controllers import staff
from app.domain.actor import Role
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.described import description_of
from tests.factories.approvals import LARGE, account_of, approval_of, asked_for, at_counter, decide, outcome
from tests.factories.clock import MovableClock
from tests.factories.users import Login, logged_in, new_customer, new_staff, register
from tests.parallel import at_once


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    assert register(client, "alice", full_name="Alice Archer").status_code == 201
    return logged_in(client, "alice")


@pytest.fixture
def number(client: FlaskClient, alice: Login) -> str:
    return account_of(client, alice)


@pytest.fixture
def maker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "bella", Role.BANKER)


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "boris", Role.BANKER)


def balance(client: FlaskClient, login: Login) -> str:
    return str(client.get("/balance", headers=login.headers).json["balance"])


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


@pytest.mark.security("S08")
def test_what_is_below_the_threshold_is_done_at_once_and_what_reaches_it_waits(
    client: FlaskClient, alice: Login, number: str, maker: Login
) -> None:
    assert at_counter(client, maker, number, "9999.99").status_code == 201
    answer = at_counter(client, maker, number, "10000")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/banker/approvals/{answer.json['id']}"
    assert balance(client, alice) == "9999.99"


def test_where_an_approval_is_found_is_told_as_the_request_was_addressed(
    app: Flask, client: FlaskClient, number: str, maker: Login
) -> None:
    path = f"/api/banker/accounts/{number}/deposit"
    answer = client.post(path, json={"amount": LARGE}, headers=maker.headers)
    assert answer.headers["Location"] == f"/api/banker/approvals/{answer.json['id']}"
    assert client.get(answer.headers["Location"], headers=maker.headers).json == answer.json
    described = description_of(app)["paths"]["/banker/accounts/{number}/deposit"]["post"]["responses"]
    assert [status for status, response in described.items() if "Location" in response.get("headers", {})] == ["202"]


def test_an_approval_shows_what_will_be_executed(client: FlaskClient, number: str, maker: Login) -> None:
    shown = at_counter(client, maker, number, "10000").json
    assert shown == approval_of(client, maker, shown["id"])
    assert (shown["operation"], shown["subject"], shown["status"]) == ("counter_deposit", number, "pending")
    assert shown["payload"] == {
        "account": number,
        "holders": ["Alice Archer"],
        "amount": "10000.00",
        "currency": "USD",
        "description": None,
    }
    assert shown["requested_by"]["username"] == "bella"
    assert (shown["decided_by"], shown["transaction_id"], shown["failure"]) == (None, None, None)


@pytest.mark.security("S09")
def test_what_is_approved_is_executed_once_and_names_its_approval(
    client: FlaskClient, store: Store, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number)
    answer = decide(client, checker, approval)
    assert outcome(answer) == (200, "executed")
    assert answer.json["decided_by"]["username"] == "boris"
    assert (answer.json["comment"], answer.json["failure"]) == ("seen", None)
    assert balance(client, alice) == "10000.00"
    transaction = client.get(f"/banker/transactions/{answer.json['transaction_id']}", headers=maker.headers).json
    assert (transaction["approval"], transaction["initiated_by"]) == (approval, answer.json["requested_by"]["id"])
    assert is_sound(store)


@pytest.mark.security("S08")
def test_the_maker_never_decides(client: FlaskClient, store: Store, alice: Login, number: str, maker: Login) -> None:
    approval = asked_for(client, maker, number)
    for login in (maker, logged_in(client, "bella")):
        for verdict in ("approve", "reject"):
            assert outcome(decide(client, login, approval, verdict)) == (403, "maker_is_checker")
    staff.set_role(store, "bella", Role.ADMIN)
    assert outcome(decide(client, logged_in(client, "bella"), approval)) == (403, "maker_is_checker")
    assert balance(client, alice) == "0.00"
    assert approval_of(client, logged_in(client, "bella"), approval)["status"] == "pending"


def test_an_administrator_may_be_the_second_person(
    client: FlaskClient, store: Store, number: str, maker: Login
) -> None:
    admin = new_staff(client, store, "adam", Role.ADMIN)
    assert outcome(decide(client, admin, asked_for(client, maker, number))) == (200, "executed")


def test_customers_neither_see_nor_decide(client: FlaskClient, alice: Login, number: str, maker: Login) -> None:
    approval = asked_for(client, maker, number)
    assert client.get(f"/banker/approvals/{approval}", headers=alice.headers).status_code == 403
    assert outcome(decide(client, alice, approval)) == (403, "forbidden")


@pytest.mark.security("S09")
def test_it_is_decided_once(client: FlaskClient, alice: Login, number: str, maker: Login, checker: Login) -> None:
    for first in ("approve", "reject"):
        approval = asked_for(client, maker, number)
        assert decide(client, checker, approval, first).status_code == 200
        for verdict in ("approve", "reject"):
            assert outcome(decide(client, checker, approval, verdict)) == (409, "approval_decided")
    assert balance(client, alice) == "10000.00"


def test_what_is_rejected_does_not_happen(
    client: FlaskClient, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number)
    assert decide(client, checker, approval, "reject", comment=None).status_code == 422
    answer = decide(client, checker, approval, "reject", comment="No signature")
    assert outcome(answer) == (200, "rejected")
    assert (answer.json["comment"], answer.json["transaction_id"]) == ("No signature", None)
    assert balance(client, alice) == "0.00"


@pytest.mark.security("S09")
def test_what_the_ledger_refuses_ends_the_approval_by_its_name(
    client: FlaskClient, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number, verb="withdraw")
    answer = decide(client, checker, approval)
    assert (outcome(answer), answer.json["failure"]) == ((200, "failed"), "insufficient_funds")
    assert outcome(decide(client, checker, approval)) == (409, "approval_decided")
    assert balance(client, alice) == "0.00"


@pytest.mark.security("S09")
def test_too_late_is_refused_whether_the_end_was_noted_or_not(
    app_with: Callable[..., Flask], clock: MovableClock, store: Store
) -> None:
    client = app_with(approval_hours=1).test_client()
    number = account_of(client, new_customer(client))
    approval = asked_for(client, new_staff(client, store, "bella", Role.BANKER), number)
    new_staff(client, store, "boris", Role.BANKER)
    clock.forward(timedelta(hours=1))
    checker = logged_in(client, "boris")
    assert approval_of(client, checker, approval)["status"] == "expired"
    assert outcome(decide(client, checker, approval)) == (409, "approval_expired")
    assert store.approvals.expire_due(clock.now()) == 1
    for verdict in ("approve", "reject"):
        assert outcome(decide(client, checker, approval, verdict)) == (409, "approval_expired")
    listed = client.get("/banker/approvals?status=expired", headers=checker.headers).json["items"]
    assert [each["id"] for each in listed] == [approval]


@pytest.mark.parametrize(
    "alteration",
    [
        {"payload.amount": "99999.00"},
        {"payload.account": "482915306750"},
        {"requested_by.id": "somebody else"},
        {"requested_by.username": "somebody else"},
        {"operation": "counter_withdrawal"},
        {"request_id": "another"},
    ],
)
def test_what_was_altered_in_the_database_is_not_executed(
    client: FlaskClient,
    store: Store,
    alice: Login,
    number: str,
    maker: Login,
    checker: Login,
    alteration: dict[str, str],
) -> None:
    approval = asked_for(client, maker, number)
    store.database["approvals"].update_one({"_id": approval}, {"$set": alteration})
    answer = decide(client, checker, approval)
    assert (outcome(answer), answer.json["failure"]) == ((200, "failed"), "approval_altered")
    assert balance(client, alice) == "0.00"


def test_a_longer_time_written_into_the_database_does_not_count(
    client: FlaskClient, store: Store, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number)
    later = store.clock.now() + timedelta(days=300)
    store.database["approvals"].update_one({"_id": approval}, {"$set": {"expires_at": later}})
    assert decide(client, checker, approval).json["failure"] == "approval_altered"


def test_a_checker_who_was_disabled_or_demoted_meanwhile_decides_nothing(
    app_with: Callable[..., Flask], client: FlaskClient, store: Store, alice: Login, number: str, maker: Login
) -> None:
    """A process that has not heard of it yet still believes their token, but not what it says of them."""
    checker = new_staff(client, store, "boris", Role.BANKER)
    approval = asked_for(client, maker, number)
    elsewhere = app_with().test_client()
    assert elsewhere.get("/auth/verify", headers=checker.headers).status_code == 200
    store.database["users"].update_one({"username": "boris"}, {"$set": {"disabled": True}})
    for verdict in ("approve", "reject"):
        assert outcome(decide(elsewhere, checker, approval, verdict)) == (403, "forbidden")
    assert approval_of(client, maker, approval)["status"] == "pending"


def test_what_a_dismissed_colleague_asked_for_can_only_be_rejected(
    client: FlaskClient, store: Store, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number)
    staff.set_disabled(store, "bella", disabled=True)
    assert outcome(decide(client, checker, approval)) == (409, "state_conflict")
    assert outcome(decide(client, checker, approval, "reject")) == (200, "rejected")
    assert balance(client, alice) == "0.00"


def test_a_repeated_request_leads_to_the_same_approval_and_in_the_end_to_its_outcome(
    client: FlaskClient, number: str, maker: Login, checker: Login
) -> None:
    first = at_counter(client, maker, number, "10000", key="k")
    again = at_counter(client, maker, number, "10000.00", key="k")
    assert first.json == again.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    done = decide(client, checker, first.json["id"]).json
    late = at_counter(client, maker, number, "10000", key="k")
    assert (late.status_code, late.json) == (202, done)


@pytest.mark.parametrize(("first", "second"), [("10000", "5"), ("5", "10000"), ("10000", "20000")])
def test_a_key_belongs_to_an_approval_or_to_a_direct_effect_for_ever(
    client: FlaskClient, number: str, maker: Login, first: str, second: str
) -> None:
    assert at_counter(client, maker, number, first, key="k").status_code in (201, 202)
    assert outcome(at_counter(client, maker, number, second, key="k")) == (422, "idempotency_mismatch")


def test_of_one_key_sent_at_once_for_a_direct_effect_and_an_approval_one_counts(
    client: FlaskClient, store: Store, number: str, maker: Login, app: Flask
) -> None:
    for turn in range(5):
        answers = at_once(
            8, lambda i, turn=turn: at_counter(app.test_client(), maker, number, ("10000", "5")[i % 2], key=f"k{turn}")
        )
        codes = {answer.status_code for answer in answers}
        assert codes in ({201, 422}, {202, 422})
    assert is_sound(store)


def test_a_decision_repeated_with_its_key_is_answered_as_the_first_time(
    client: FlaskClient, alice: Login, number: str, maker: Login, checker: Login
) -> None:
    approval = asked_for(client, maker, number)
    first = decide(client, checker, approval, key="d")
    again = decide(client, checker, approval, key="d")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert outcome(decide(client, checker, approval, "reject", key="d")) == (422, "idempotency_mismatch")
    assert outcome(decide(client, checker, approval, key="d", comment="other")) == (422, "idempotency_mismatch")
    assert balance(client, alice) == "10000.00"


def test_a_key_decides_one_approval_and_nothing_that_it_moved_before(
    client: FlaskClient, number: str, maker: Login, checker: Login
) -> None:
    approvals = [asked_for(client, maker, number) for _ in range(2)]
    assert decide(client, checker, approvals[0], key="d").status_code == 200
    assert outcome(decide(client, checker, approvals[1], key="d")) == (422, "idempotency_mismatch")
    assert at_counter(client, checker, number, "5", key="e").status_code == 201
    assert outcome(decide(client, checker, approvals[1], key="e")) == (422, "idempotency_mismatch")


def test_many_who_approve_at_once_execute_it_once(
    client: FlaskClient, store: Store, app_with: Callable[..., Flask], alice: Login, number: str, maker: Login
) -> None:
    logins = [new_staff(client, store, f"banker{i}", Role.BANKER) for i in range(4)]
    approval = asked_for(client, maker, number)
    clients = [app_with().test_client, app_with().test_client]
    answers = at_once(24, lambda i: decide(clients[i % 2](), logins[i % 4], approval))
    assert sorted({outcome(answer) for answer in answers}) == [(200, "executed"), (409, "approval_decided")]
    assert [answer.status_code for answer in answers].count(200) == 1
    assert balance(client, alice) == "10000.00"
    assert is_sound(store)


def test_of_an_approval_and_a_rejection_at_once_one_counts(
    client: FlaskClient, store: Store, app_with: Callable[..., Flask], alice: Login, number: str, maker: Login
) -> None:
    logins = [new_staff(client, store, f"banker{i}", Role.BANKER) for i in range(2)]
    clients = [app_with().test_client, app_with().test_client]
    executed = 0
    for _ in range(6):
        approval = asked_for(client, maker, number)
        answers = at_once(
            8,
            lambda i, approval=approval: decide(
                clients[i % 2](), logins[i % 2], approval, ("approve", "reject")[i % 2]
            ),
        )
        assert [answer.status_code for answer in answers].count(200) == 1
        executed += approval_of(client, maker, approval)["status"] == "executed"
    assert balance(client, alice) == f"{executed * 10000}.00"
    assert is_sound(store)


@pytest.mark.parametrize(
    "body", [{"comment": {"$gt": ""}}, {"comment": ""}, {"comment": "x" * 501}, {"status": "executed"}]
)
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_a_decision_of_another_shape_is_refused(
    client: FlaskClient, number: str, maker: Login, checker: Login, verdict: str, body: dict[str, object]
) -> None:
    approval = asked_for(client, maker, number)
    answer = client.post(f"/banker/approvals/{approval}/{verdict}", json=body, headers=checker.headers)
    assert outcome(answer) == (422, "validation_failed")
    assert approval_of(client, maker, approval)["status"] == "pending"


def test_the_list_narrows_and_pages(client: FlaskClient, number: str, maker: Login, checker: Login) -> None:
    mine = [asked_for(client, maker, number) for _ in range(3)]
    theirs = asked_for(client, checker, number, verb="withdraw")
    decide(client, checker, mine[0])

    def listed(query: str, login: Login = maker) -> list[str]:
        page = client.get(f"/banker/approvals?{query}", headers=login.headers).json
        return [each["id"] for each in page["items"]]

    assert listed("") == [theirs, *reversed(mine)]
    assert listed("mine=true") == mine[::-1]
    assert listed("mine=true", checker) == [theirs]
    assert listed("status=pending") == [theirs, mine[2], mine[1]]
    assert listed("status=executed&operation=counter_deposit&mine=true") == [mine[0]]
    assert listed("operation=counter_withdrawal") == [theirs]
    page = client.get("/banker/approvals?limit=3", headers=maker.headers).json
    assert listed(f"limit=3&cursor={page['next_cursor']}") == [mine[0]]


@pytest.mark.parametrize(
    "query", ["status=any", "operation[$ne]=x", "mine=yes", "requested_by=x", "limit=1000", "cursor=%24"]
)
def test_a_question_about_approvals_that_makes_no_sense_is_refused(
    client: FlaskClient, maker: Login, query: str
) -> None:
    assert client.get(f"/banker/approvals?{query}", headers=maker.headers).status_code == 422


def test_an_approval_that_is_not_there_is_not_found(client: FlaskClient, maker: Login) -> None:
    for answer in (
        client.get("/banker/approvals/nothing", headers=maker.headers),
        decide(client, maker, "nothing"),
        decide(client, maker, "nothing", "reject"),
    ):
        assert outcome(answer) == (404, "not_found")
