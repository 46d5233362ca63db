"""Accounts are opened, closed and changed through the journal, on the real database."""

from __future__ import annotations

import pytest

from app.domain.accounts import AccountStatus, Limits
from app.domain.errors import AccountClosed, AccountNumberTaken, BankError, DailyLimitExceeded
from app.domain.ids import random_id
from app.domain.ledger.book import Recorded
from app.models.ledger_reader import LedgerReader
from app.models.posting import Append, Request
from app.models.reconcile import Reconciliation
from app.models.store import Store
from config import Config
from tests.factories.ledger import (
    ALICE,
    BOB,
    account_state,
    an_account,
    block,
    closing,
    deposit,
    new_holders,
    new_terms,
    opening,
    transfer,
    withdrawal,
)
from tests.parallel import at_once

EVENTS = "test_events"


def is_sound(store: Store) -> bool:
    return Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_an_account_is_kept_whole_as_it_was_opened(store: Store) -> None:
    account = account_state(
        holders=(ALICE, BOB),
        holder_names=("Alice Archer", None),
        primary_for=(ALICE,),
        limits=Limits(withdrawal=10, transfer_daily=70),
        minimum_balance=5,
        product="everyday",
        branch="main",
        nickname="Household",
    )
    store.journal.post(opening(account, amount=500))
    kept = store.accounts.get_owned(account.id, BOB)
    assert kept == account._replace(
        balance=500, seq=1, last_entry_at=kept.last_entry_at, business_date=kept.business_date
    )
    assert is_sound(store)


def test_terms_and_holders_are_kept_and_postings_leave_them_alone(store: Store) -> None:
    number = an_account(store, balance=100, nickname="Rent")
    store.journal.post(new_terms(number, limits=Limits(withdrawal_daily=50), overdraft_limit=30, minimum_balance=10))
    store.journal.post(new_holders(number, add=((BOB, "Bob Baker"),)))
    store.journal.post(block(number))
    store.journal.post(block(number, blocked=False))
    store.journal.post(withdrawal(number, 50, customer_id=BOB))
    kept = store.accounts.get_owned(number, BOB)
    assert (kept.limits, kept.overdraft_limit, kept.minimum_balance) == (Limits(withdrawal_daily=50), 30, 10)
    assert (kept.holders, kept.suspended_holders, kept.nickname) == ((ALICE, BOB), (), "Rent")
    assert (kept.balance, kept.spent.withdrawn) == (50, 50)
    assert is_sound(store)


def test_two_writers_give_a_number_once(config: Config, store: Store) -> None:
    account, other = account_state(), Store.open(config)
    try:
        stores = [store, other]

        def open_it(number: int) -> object:
            return stores[number].journal.post_many([Request(opening(account, amount=10))])[0]

        outcomes = at_once(2, open_it)
    finally:
        other.close()
    assert {type(outcome) for outcome in outcomes} == {Recorded, AccountNumberTaken}
    assert store.accounts.get_customer_account(account.id).balance == 10
    assert is_sound(store)


def test_a_closed_account_holds_nothing_however_many_deposits_raced_with_its_closing(store: Store) -> None:
    number, target = an_account(store, balance=100), an_account(store)

    def work(turn: int) -> object:
        intent = closing(number, transfer_to=target) if turn == 10 else deposit(number, 7)
        return store.journal.post_many([Request(intent)])[0]

    outcomes = at_once(20, work)
    paid_in = 100 + 7 * sum(isinstance(each, Recorded) for turn, each in enumerate(outcomes) if turn != 10)
    assert isinstance(outcomes[10], Recorded)
    assert {type(each) for each in outcomes} <= {Recorded, AccountClosed}
    closed = store.accounts.get_customer_account(number)
    assert (closed.status, closed.balance) == (AccountStatus.CLOSED, 0)
    assert store.accounts.get_customer_account(target).balance == paid_in
    assert is_sound(store)


@pytest.mark.usefixtures("one_day")
def test_of_fifty_parallel_debits_a_limit_for_three_lets_three_through(store: Store) -> None:
    number, other = an_account(store, balance=10_000, limits=Limits(30, 30, 30, 30)), an_account(store)
    for move in (lambda: withdrawal(number, 10), lambda: transfer(number, other, 10)):
        outcomes = at_once(50, lambda _, move=move: store.journal.post_many([Request(move())])[0])
        assert sum(isinstance(each, Recorded) for each in outcomes) == 3
        assert {type(each) for each in outcomes} == {Recorded, DailyLimitExceeded}
    assert is_sound(store)


def test_what_is_appended_is_written_with_its_intent_and_only_then(store: Store) -> None:
    number = an_account(store)

    def event(name: str) -> Append:
        return Append(EVENTS, {"_id": name})

    done, replayed = random_id(), "again"
    first = deposit(number, 10, key=done)
    outcomes = store.journal.post_many(
        [
            Request(first, (event("done"),)),
            Request(withdrawal(number, 11), (event("refused"),)),
            Request(withdrawal(number, 10), (event("done too"),)),
        ]
    )
    store.journal.post_many([Request(first, (event(replayed),))])
    assert [isinstance(each, BankError) for each in outcomes] == [False, True, False]
    assert {each["_id"] for each in store.database[EVENTS].find()} == {"done", "done too"}
