"""Payees on the real database, by several processes at once."""

from __future__ import annotations

from app.domain.accounts import new_account_number
from app.domain.errors import BankError, StateConflict
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, post_all, transfer
from tests.parallel import at_once

ROUNDS = 20
WRITERS = 16


def test_the_first_payees_of_a_customer_are_all_saved_however_many_at_once(config: Config) -> None:
    stores = [Store.open(config) for _ in range(2)]
    for number in range(ROUNDS):
        customer = f"customer {number}"

        def save(place: int, customer: str = customer) -> None:
            store = stores[place % 2]
            store.payees.add(customer, new_account_number(), "x", now=store.clock.now())

        at_once(WRITERS, save)
        assert len(stores[0].payees.list_saved(customer)) == WRITERS
    for store in stores:
        store.close()


def test_first_payments_to_several_payees_at_once_are_all_made_and_trusted(store: Store) -> None:
    source = an_account(store, balance=1_000)
    targets = [an_account(store) for _ in range(8)]

    def pay(place: int) -> None:
        also = store.payees.trust("alice", targets[place])
        store.journal.post(transfer(source, targets[place], 10), also=also)

    at_once(len(targets), pay)
    assert all(store.payees.is_trusted("alice", target) for target in targets)


def test_of_first_payments_to_one_payee_at_once_those_that_come_too_late_are_refused_and_can_be_sent_again(
    store: Store,
) -> None:
    source, target = an_account(store, balance=1_000), an_account(store)
    also = store.payees.trust("alice", target)

    def pay(_: int) -> str:
        try:
            store.journal.post(transfer(source, target, 10), also=also)
        except StateConflict as refusal:
            return refusal.code
        return "done"

    assert sorted(at_once(6, pay)) == ["done", *["state_conflict"] * 5]
    assert store.payees.trust("alice", target) == ()
    assert not [each for each in post_all(store, [transfer(source, target, 10)]) if isinstance(each, BankError)]


def test_only_so_many_are_trusted_and_the_first_make_room(store: Store) -> None:
    source, target = an_account(store, balance=1_000), an_account(store)
    trusted = [new_account_number() for _ in range(500)]
    store.database["payees"].insert_one({"_id": "alice", "trusted": trusted})
    store.journal.post(transfer(source, target, 10), also=store.payees.trust("alice", target))
    assert [store.payees.is_trusted("alice", each) for each in (trusted[0], trusted[1], target)] == [False, True, True]
