"""Who holds an account is decided by two people: one alone could let a puppet in and send the money away."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.domain.operations.base import OperationName
from app.models.store import Store
from tests.factories.accounts import Bank
from tests.factories.approvals import approval_of, outcome, without_second_person
from tests.factories.approvals import decide as decide_approval
from tests.factories.customers import decide, with_version
from tests.factories.people import Person, code_of, new_person
from tests.factories.users import Login, new_staff
from tests.parallel import at_once


@pytest.fixture
def bank(client: FlaskClient, store: Store) -> Bank:
    return Bank.staffed(client, store)


@pytest.fixture
def checker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "boris", Role.BANKER)


@pytest.fixture
def alice(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "alice", "Alice Archer", balance=5_000)


@pytest.fixture
def puppet(client: FlaskClient, store: Store) -> Person:
    return new_person(client, store, "puppet", "Peter Puppet")


def keyed(login: Login, key: str | None) -> dict[str, str]:
    return login.headers | ({"Idempotency-Key": key} if key else {})


def join(bank: Bank, account: Person, who: Person, *, key: str | None = None) -> TestResponse:
    path = f"/banker/accounts/{account.number}/holders"
    return bank.client.post(path, json={"customer": who.id}, headers=keyed(bank.banker, key))


def leave(bank: Bank, account: Person, who: Person, *, key: str | None = None) -> TestResponse:
    path = f"/banker/accounts/{account.number}/holders/{who.id}"
    return bank.client.delete(path, headers=keyed(bank.banker, key))


def approved(bank: Bank, checker: Login, asked: TestResponse) -> dict[str, Any]:
    """Have what was asked for approved, and return the approval."""
    assert asked.status_code == 202, asked.text
    answer = decide_approval(bank.client, checker, asked.json["id"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def holders_of(store: Store, account: Person) -> tuple[str, ...]:
    return store.accounts.get_customer_account(account.number).holders


def take(who: Person, number: str) -> TestResponse:
    return who.post("/withdraw", {"amount": 1, "account": number})


def test_a_puppet_moves_nothing_before_a_second_person_has_let_them_in(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    asked = join(bank, alice, puppet)
    assert asked.status_code == 202
    sent = puppet.send(puppet.number, 50, **{"from": alice.number})
    assert code_of(sent) == code_of(take(puppet, alice.number)) == (404, "not_found")
    assert puppet.get(f"/accounts/{alice.number}").status_code == 404
    assert (holders_of(store, alice), alice.balance()) == ((alice.id,), "50.00")
    assert approved(bank, checker, asked)["status"] == "executed"
    assert holders_of(store, alice) == (alice.id, puppet.id)
    assert take(puppet, alice.number).status_code == 201


def test_whoever_asked_for_a_holder_does_not_let_them_in(
    bank: Bank, store: Store, alice: Person, puppet: Person
) -> None:
    for asked in (join(bank, alice, puppet), join(bank, alice, puppet)):
        assert outcome(decide_approval(bank.client, bank.banker, asked.json["id"])) == (403, "maker_is_checker")
    assert holders_of(store, alice) == (alice.id,)


def test_the_second_person_sees_the_account_who_holds_it_and_who_joins_or_leaves(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    numbers = {who.id: store.customers.get(who.id).number for who in (alice, puppet)}
    peter = {"customer": puppet.id, "customer_number": numbers[puppet.id], "full_name": "Peter Puppet"}
    asked = join(bank, alice, puppet)
    assert (asked.json["operation"], asked.json["subject"]) == ("holders_change", alice.number)
    assert asked.json["payload"] == {
        "account": alice.number,
        "holders": ["Alice Archer"],
        "customer_numbers": [numbers[alice.id]],
        "joins": peter,
        "leaves": None,
    }
    done = approved(bank, checker, asked)
    leaving = leave(bank, alice, puppet)
    assert leaving.json["payload"] == {
        "account": alice.number,
        "holders": ["Alice Archer", "Peter Puppet"],
        "customer_numbers": list(numbers.values()),
        "joins": None,
        "leaves": peter,
    }
    posted = store.transactions.find(done["transaction_id"])
    assert posted is not None
    assert (posted.type, posted.metadata["approval"]) == ("holders_change", done["id"])


def test_a_holder_stays_until_a_second_person_lets_them_go(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    approved(bank, checker, join(bank, alice, puppet))
    assert puppet.post(f"/accounts/{alice.number}/primary", {}).status_code == 200
    asked = leave(bank, alice, puppet)
    assert take(puppet, alice.number).status_code == 201
    assert approved(bank, checker, asked)["status"] == "executed"
    assert (take(puppet, alice.number).status_code, holders_of(store, alice)) == (404, (alice.id,))
    assert [each["primary"] for each in puppet.get("/accounts").json["items"]] == [True]


def test_who_is_suspended_meanwhile_does_not_join(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    asked = join(bank, alice, puppet)
    assert decide(bank.client, bank.banker, puppet.id, "suspend").status_code == 200
    ended = approved(bank, checker, asked)
    assert (ended["status"], ended["failure"]) == ("failed", "customer_not_active")
    assert decide(bank.client, bank.banker, puppet.id, "reactivate").status_code == 200
    again = decide_approval(bank.client, checker, asked.json["id"])
    assert outcome(again) == (409, "approval_decided")
    assert holders_of(store, alice) == (alice.id,)


def test_who_is_suspended_meanwhile_does_not_leave(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    approved(bank, checker, join(bank, alice, puppet))
    asked = leave(bank, alice, puppet)
    assert decide(bank.client, bank.banker, puppet.id, "suspend").status_code == 200
    assert approved(bank, checker, asked)["failure"] == "state_conflict"
    assert holders_of(store, alice) == (alice.id, puppet.id)


def test_a_customer_suspended_while_they_are_let_in_moves_nothing(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    """Whichever comes first: either they don't join, or the account that they joined is blocked."""
    asked, app = join(bank, alice, puppet).json["id"], bank.client.application

    def work(which: int) -> TestResponse:
        client = app.test_client()
        return decide_approval(client, checker, asked) if which else decide(client, bank.banker, puppet.id, "suspend")

    suspended, decided = at_once(2, work)
    assert (suspended.status_code, decided.status_code) == (200, 200)
    joined = puppet.id in holders_of(store, alice)
    assert decided.json["status"] == ("executed" if joined else "failed")
    assert code_of(take(puppet, alice.number)) == ((409, "account_blocked") if joined else (404, "not_found"))


def test_who_joins_is_called_as_the_second_person_was_shown(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    asked = join(bank, alice, puppet)
    path = f"/banker/customers/{puppet.id}"
    read = bank.client.get(path, headers=bank.banker.headers)
    renamed = bank.client.patch(path, json={"full_name": "Paul Other"}, headers=with_version(bank.banker, read))
    assert renamed.status_code == 200
    assert approved(bank, checker, asked)["failure"] == "state_conflict"
    assert holders_of(store, alice) == (alice.id,)


def test_two_holders_asked_to_leave_at_once_leave_one_behind(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    approved(bank, checker, join(bank, alice, puppet))
    asked = [leave(bank, alice, who) for who in (alice, puppet)]
    assert [approved(bank, checker, each)["failure"] for each in asked] == [None, "state_conflict"]
    assert holders_of(store, alice) == (puppet.id,)


def test_what_makes_no_sense_is_not_asked_for(bank: Bank, alice: Person, puppet: Person) -> None:
    assert code_of(join(bank, alice, alice)) == (409, "state_conflict")
    assert code_of(leave(bank, alice, alice)) == (409, "state_conflict")
    assert code_of(leave(bank, alice, puppet)) == (404, "not_found")
    decide(bank.client, bank.banker, puppet.id, "suspend")
    assert code_of(join(bank, alice, puppet)) == (409, "customer_not_active")
    decide(bank.client, bank.banker, puppet.id, "reactivate")
    assert bank.act(puppet.number, "close").status_code == 200
    assert code_of(join(bank, puppet, alice)) == (409, "account_closed")
    approvals = bank.client.get("/banker/approvals", headers=bank.banker.headers).json["items"]
    assert approvals == []


def test_a_repeated_request_finds_what_it_asked_for_whatever_became_of_it(
    bank: Bank, checker: Login, alice: Person, puppet: Person
) -> None:
    for ask, key in ((join, "in"), (leave, "out")):
        asked = ask(bank, alice, puppet, key=key)
        again = ask(bank, alice, puppet, key=key)
        assert (again.status_code, again.json["id"]) == (202, asked.json["id"])
        assert again.headers["Idempotent-Replayed"] == "true"
        assert approved(bank, checker, asked)["status"] == "executed"
        late = ask(bank, alice, puppet, key=key)
        assert (late.status_code, late.json["id"], late.json["status"]) == (202, asked.json["id"], "executed")
    assert code_of(join(bank, alice, puppet, key="out")) == (422, "idempotency_mismatch")


def test_where_no_second_person_is_asked_a_key_has_one_effect(
    bank: Bank, store: Store, alice: Person, puppet: Person
) -> None:
    asked = join(bank, alice, puppet, key="asked")
    without_second_person(store, OperationName.HOLDERS_CHANGE)
    assert join(bank, alice, puppet, key="in").status_code == 201
    gone = leave(bank, alice, puppet, key="out")
    assert (gone.status_code, [each["username"] for each in gone.json["items"]]) == (200, ["alice"])
    for ask, key, status in ((join, "in", 201), (leave, "out", 200)):
        again = ask(bank, alice, puppet, key=key)
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (status, "true")
    assert join(bank, alice, puppet, key="asked").json["id"] == asked.json["id"]
    decide(bank.client, bank.banker, puppet.id, "suspend")
    assert join(bank, alice, puppet, key="in").status_code == 201
    assert join(bank, alice, puppet, key="asked").status_code == 202
    for other in (
        join(bank, alice, puppet, key="out"),
        leave(bank, alice, puppet, key="in"),
        join(bank, puppet, alice, key="in"),
    ):
        assert code_of(other) == (422, "idempotency_mismatch")
    assert holders_of(store, alice) == (alice.id,)


def test_of_many_who_send_one_request_at_once_one_lets_the_customer_in(
    bank: Bank, store: Store, alice: Person, puppet: Person
) -> None:
    without_second_person(store, OperationName.HOLDERS_CHANGE)
    app = bank.client.application
    desks = [Bank(app.test_client(), bank.banker, bank.admin) for _ in range(20)]
    answers = at_once(20, lambda each: join(desks[each], alice, puppet, key="k"))
    assert {answer.status_code for answer in answers} == {201}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert holders_of(store, alice) == (alice.id, puppet.id)


def test_a_change_of_holders_leaves_one_record_for_the_asking_and_one_for_the_decision(
    bank: Bank, store: Store, checker: Login, alice: Person, puppet: Person
) -> None:
    asked = join(bank, alice, puppet)
    approved(bank, checker, asked)
    trail = list(store.database["audit"].find({"subject": f"account:{alice.number}"}).sort("_id"))
    assert [each["action"] for each in trail] == ["money.holders_change.ask", "money.holders_change"]
    assert all(each["after"]["joins"]["customer"] == puppet.id for each in trail)
    assert approval_of(bank.client, checker, asked.json["id"])["status"] == "executed"
