"""Writes of other documents beside a posting: both happen or neither does, and what was relied upon was so."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from pymongo.errors import PyMongoError

from app.domain.errors import InsufficientFunds, NotFound, StateConflict
from app.domain.ledger.book import Recorded
from app.models.collection import Document
from app.models.posting import Append, GuardedWrite, Request
from app.models.store import Store
from tests.factories.ledger import an_account, deposit, some_accounts, withdrawal
from tests.parallel import at_once

APPROVALS = "test_approvals"


def approve(store: Store, name: str) -> None:
    store.database[APPROVALS].insert_one({"_id": name, "state": "open"})


def using_up(name: str) -> GuardedWrite:
    """Use an approval up, if it is open."""
    return GuardedWrite(
        APPROVALS,
        guard={"_id": name, "state": "open"},
        refusal=StateConflict("The approval was used before."),
        update={"$set": {"state": "used"}},
    )


def adding(name: str, **fields: object) -> GuardedWrite:
    """Add an approval, if there is none of this name."""
    return GuardedWrite(
        APPROVALS, guard={"_id": name}, refusal=StateConflict("It is there already."), insert={"_id": name, **fields}
    )


def approvals(store: Store) -> list[Document]:
    return list(store.database[APPROVALS].find().sort("_id"))


def balance(store: Store, number: str) -> int:
    return store.accounts.get_customer_account(number).balance


def test_a_document_is_changed_with_the_posting(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    store.journal.post(deposit(number, 100), also=[using_up("a")])
    assert balance(store, number) == 100
    assert approvals(store) == [{"_id": "a", "state": "used"}]


def test_a_document_is_added_with_the_posting(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    store.journal.post(deposit(number, 100), also=[adding("b", state="new"), using_up("a")])
    assert approvals(store) == [{"_id": "a", "state": "used"}, {"_id": "b", "state": "new"}]


def test_nothing_moves_where_the_document_is_not_as_relied_upon(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    store.journal.post(deposit(number, 100), also=[using_up("a")])
    for write in (using_up("a"), using_up("nothing"), adding("a")):
        with pytest.raises(StateConflict):
            store.journal.post(deposit(number, 100), also=[write])
    assert balance(store, number) == 100


def test_a_second_write_that_does_not_hold_undoes_the_first(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    with pytest.raises(StateConflict):
        store.journal.post(deposit(number, 100), also=[using_up("a"), using_up("nothing")])
    assert approvals(store) == [{"_id": "a", "state": "open"}]
    assert balance(store, number) == 0


def test_nothing_is_written_beside_a_posting_that_the_rules_refuse(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    with pytest.raises(InsufficientFunds):
        store.journal.post(withdrawal(number, 100), also=[using_up("a"), adding("b")])
    with pytest.raises(NotFound):
        store.journal.post(deposit("nobody", 100), also=[using_up("a"), adding("b")])
    assert approvals(store) == [{"_id": "a", "state": "open"}]


def test_a_missed_guard_refuses_its_own_intent_and_no_neighbour(store: Store) -> None:
    numbers = some_accounts(store, 5)
    approve(store, "a")
    requests = [Request(deposit(number, 100)) for number in numbers]
    requests[1] = Request(deposit(numbers[1], 100), also=(using_up("nothing"),))
    requests[2] = Request(deposit(numbers[2], 100), also=(using_up("a"),))
    requests[3] = Request(deposit(numbers[3], 100), also=(adding("a"),))
    outcomes = store.journal.post_many(requests)
    assert [type(each) for each in outcomes] == [Recorded, StateConflict, Recorded, StateConflict, Recorded]
    assert [balance(store, number) for number in numbers] == [100, 0, 100, 0, 100]
    assert approvals(store) == [{"_id": "a", "state": "used"}]


def test_what_two_intents_of_one_batch_would_use_up_is_used_once(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    requests = [Request(deposit(number, 100), also=(using_up("a"),)) for _ in range(3)]
    requests += [Request(deposit(number, 100), also=(adding("b"),)) for _ in range(3)]
    outcomes = store.journal.post_many(requests)
    assert [type(each) for each in outcomes] == 2 * [Recorded, StateConflict, StateConflict]
    assert balance(store, number) == 200


def test_a_guard_that_would_let_others_change_its_document_unseen_is_a_fault_of_the_program(store: Store) -> None:
    """An update that changes nothing is no write to the server: it conflicts with nobody."""
    number = an_account(store)
    approve(store, "a")
    looking = GuardedWrite(
        APPROVALS, {"_id": "a", "state": "open"}, StateConflict(), update={"$set": {"state": "open"}}
    )
    with pytest.raises(ValueError, match="must change its document"):
        store.journal.post(deposit(number, 100), also=[looking])
    assert balance(store, number) == 0


def test_many_who_come_too_late_cost_one_transaction_not_one_each(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = an_account(store)
    approve(store, "a")
    requests = [Request(deposit(number, 100), also=(using_up("a"),)) for _ in range(50)]
    transactions = Mock(wraps=store.client.start_session)
    monkeypatch.setattr(store.client, "start_session", transactions)
    outcomes = store.journal.post_many(requests)
    assert [type(each) for each in outcomes] == [Recorded, *49 * [StateConflict]]
    assert transactions.call_count == 1
    assert balance(store, number) == 100


def test_many_who_would_add_what_is_there_cost_one_transaction_not_one_each(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = an_account(store)
    requests = [Request(deposit(number, 100), also=(adding("a"),)) for _ in range(20)]
    transactions = Mock(wraps=store.client.start_session)
    monkeypatch.setattr(store.client, "start_session", transactions)
    outcomes = store.journal.post_many(requests)
    assert [type(each) for each in outcomes] == [Recorded, *19 * [StateConflict]]
    assert transactions.call_count == 1
    assert balance(store, number) == 100


def test_what_is_appended_stands_and_falls_with_its_own_posting(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")

    def telling(name: str) -> Append:
        return Append(APPROVALS, {"_id": name})

    outcomes = store.journal.post_many(
        [
            Request(deposit(number, 100, key="k"), also=(telling("done"),)),
            Request(deposit(number, 100, key="k"), also=(telling("replayed"),)),
            Request(withdrawal(number, 500), also=(telling("refused by the rules"),)),
            Request(deposit(number, 100), also=(using_up("nothing"), telling("refused by a guard"))),
            Request(deposit(number, 100), also=(using_up("a"), using_up("nothing"), telling("refused later"))),
        ]
    )
    assert [type(each) for each in outcomes] == [Recorded, Recorded, InsufficientFunds, StateConflict, StateConflict]
    assert [each["_id"] for each in approvals(store)] == ["a", "done"]


def test_a_document_that_another_unique_index_refuses_refuses_its_own_intent_and_no_neighbour(store: Store) -> None:
    number = an_account(store)
    store.database[APPROVALS].create_index("label", unique=True)
    requests = [Request(deposit(number, 100), also=(adding(each, label="one"),)) for each in "ab"]
    outcomes = store.journal.post_many([*requests, Request(deposit(number, 7))])
    assert [type(each) for each in outcomes] == [Recorded, StateConflict, Recorded]
    assert balance(store, number) == 107
    store.database[APPROVALS].drop()


def test_what_many_callers_would_use_up_at_once_is_used_once(store: Store) -> None:
    numbers = some_accounts(store, 8)
    approve(store, "a")

    def use(turn: int) -> bool:
        try:
            store.journal.post(deposit(numbers[turn], 100), also=[using_up("a")])
        except StateConflict:
            return False
        return True

    assert at_once(8, use).count(True) == 1
    assert sum(balance(store, number) for number in numbers) == 100


def test_a_replay_uses_nothing_up_again(store: Store) -> None:
    number = an_account(store)
    approve(store, "a")
    for replayed in (False, True):
        answer = store.journal.post(deposit(number, 100, key="k"), also=[using_up("a")])
        assert answer.replayed is replayed
    assert balance(store, number) == 100


def test_an_intent_that_a_missed_guard_refused_may_be_asked_for_again(store: Store) -> None:
    number = an_account(store)
    for _ in range(2):
        with pytest.raises(StateConflict):
            store.journal.post(deposit(number, 100, key="k"), also=[using_up("a")])
    approve(store, "a")
    assert not store.journal.post(deposit(number, 100, key="k"), also=[using_up("a")]).replayed


def test_a_write_that_the_database_refuses_takes_the_posting_back(store: Store) -> None:
    number = an_account(store)
    broken = GuardedWrite("accounts", guard={"_id": "x"}, refusal=StateConflict(), insert={"_id": "x", "balance": 0.5})
    with pytest.raises(PyMongoError):
        store.journal.post(deposit(number, 100), also=[broken])
    assert balance(store, number) == 0
    store.journal.post(deposit(number, 100))
    assert balance(store, number) == 100
