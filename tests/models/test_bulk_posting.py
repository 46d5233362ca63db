"""The thread that posts files of payments: what is stuck waits, what is not goes on, and nothing is posted twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from bson import Int64

from app.domain.bulk import Bulk, BulkStatus
from app.domain.bulk_files import BulkMode, Payment
from app.domain.errors import AccountBusy, IdempotencyMismatch
from app.domain.ids import random_id
from app.models.bulk_intake import keep
from app.models.bulk_posting import post_bulk, take_up_left_behind
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, deposit, some_accounts
from tests.fail_points import failing, named_store
from tests.parallel import at_once

SOON_S = 40


@pytest.fixture
def hasty(config: Config, store: Store) -> Iterator[Store]:
    """A store on the emptied database whose postings give up soon."""
    other = named_store(replace(config, posting_deadline_ms=300))
    yield other
    other.close()


def a_bulk(store: Store, source: str, payees: list[str], *, mode: BulkMode = BulkMode.PER_LINE) -> Bulk:
    """Keep a file that pays 0.01 to each, and let its posting begin."""
    now = store.clock.now()
    bulk = Bulk(
        id=random_id(),
        request_id=random_id(),
        digest="of the file",
        source=source,
        currency="USD",
        mode=mode,
        lines=len(payees),
        total=len(payees),
        requested_by="bella",
        requested_at=now,
    )
    assert keep(store, bulk, [Payment(payee, 1, None, None) for payee in payees]) is None
    store.bulks.start(bulk.id, approval=None, now=now, session=None)
    return bulk


def balance_of(store: Store, number: str) -> int:
    return store.accounts.get_customer_account(number).balance


def test_a_file_whose_account_is_held_waits_and_lets_another_pass(store: Store, hasty: Store) -> None:
    stuck, free, payee, other = some_accounts(store, 4, balance=100)
    waiting, passing = a_bulk(store, stuck, [payee]), a_bulk(store, free, [other])
    with store.client.start_session() as session, session.start_transaction():
        held = {"$set": {"overdraft_limit": Int64(1)}}
        store.database["accounts"].update_one({"_id": stuck}, held, session=session)
        with pytest.raises(AccountBusy):
            post_bulk(hasty, waiting.id)
        late, soon = hasty.bulk_poster.take(waiting.id), hasty.bulk_poster.take(passing.id)
        assert soon.wait(SOON_S)
        assert not late.is_set()
        assert (balance_of(store, other), balance_of(store, payee)) == (101, 100)
        session.abort_transaction()
        assert late.wait(SOON_S)
    assert store.bulks.get(waiting.id).status is BulkStatus.COMPLETED
    assert balance_of(store, payee) == 101


@pytest.mark.parametrize("mode", list(BulkMode))
def test_several_at_one_file_at_once_pay_each_line_once(config: Config, store: Store, mode: BulkMode) -> None:
    payees = some_accounts(store, 20)
    source = an_account(store, balance=600)
    bulk = a_bulk(store, source, payees * 30, mode=mode)
    others = [Store.open(config) for _ in range(3)]
    ended = at_once(3, lambda number: post_bulk(others[number], bulk.id))
    for other in others:
        other.close()
    assert {(each.status, each.posted, each.posted_total) for each in ended} == {(BulkStatus.COMPLETED, 600, 600)}
    assert {balance_of(store, payee) for payee in payees} == {30}
    assert balance_of(store, source) == 0


@pytest.mark.parametrize("command", ["find", "update", "insert", "commitTransaction", "findAndModify"])
def test_a_command_that_fails_in_the_middle_loses_and_doubles_nothing(
    config: Config, store: Store, command: str
) -> None:
    payees = some_accounts(store, 10)
    bulk = a_bulk(store, an_account(store, balance=600), payees * 60)
    other = named_store(config)
    with failing(other, command, mode={"times": 3}, closeConnection=True):
        assert other.bulk_poster.take(bulk.id).wait(SOON_S)
    other.close()
    ended = store.bulks.get(bulk.id)
    assert (ended.status, ended.posted, ended.refused) == (BulkStatus.COMPLETED, 600, 0)
    assert {balance_of(store, payee) for payee in payees} == {60}


def test_a_file_left_behind_is_taken_up_by_the_job_and_one_under_way_is_not(store: Store) -> None:
    source, payee = some_accounts(store, 2, balance=100)
    left, under_way = a_bulk(store, source, [payee]), a_bulk(store, source, [payee])
    long_ago = store.clock.now().replace(year=2020)
    store.database["bulks"].update_one({"_id": left.id}, {"$set": {"progressed_at": long_ago}})
    assert take_up_left_behind(store) == "1 taken up, 1 ended"
    assert store.bulks.get(left.id).status is BulkStatus.COMPLETED
    assert store.bulks.get(under_way.id).status is BulkStatus.RUNNING
    assert take_up_left_behind(store) == "0 taken up, 0 ended"


def test_a_file_kept_under_a_key_that_had_another_effect_is_refused(store: Store) -> None:
    source, payee = some_accounts(store, 2, balance=100)
    used = store.journal.post(deposit(payee, 1)).transaction.id
    bulk = replace(a_bulk(store, source, [payee]), id=random_id(), request_id=used)
    with pytest.raises(IdempotencyMismatch):
        keep(store, bulk, [Payment(payee, 1, None, None)])
    assert store.bulks.find(bulk.id) is None


def test_a_file_whose_key_had_another_effect_meanwhile_ends_without_a_payment(store: Store) -> None:
    source, payee = some_accounts(store, 2, balance=100)
    bulk = a_bulk(store, source, [payee])
    store.database["bulks"].update_one(
        {"_id": bulk.id}, {"$set": {"request_id": store.journal.post(deposit(payee, 1)).transaction.id}}
    )
    ended = post_bulk(store, bulk.id)
    assert (ended.status, ended.posted) == (BulkStatus.REFUSED, 0)
    assert (balance_of(store, source), balance_of(store, payee)) == (100, 101)


def test_a_store_that_closes_leaves_the_rest_of_its_files_to_others(config: Config, store: Store) -> None:
    payees = some_accounts(store, 10)
    bulk = a_bulk(store, an_account(store, balance=10_000), payees * 1_000)
    first = Store.open(config)
    first.bulk_poster.take(bulk.id)
    first.close()
    assert store.bulks.get(bulk.id).status is BulkStatus.RUNNING
    assert store.bulk_poster.take(bulk.id).wait(3 * SOON_S)
    assert {balance_of(store, payee) for payee in payees} == {1_000}


@pytest.mark.parametrize("mode", list(BulkMode))
def test_a_large_file_gets_on_while_somebody_pays_one_of_its_payees_without_a_pause(
    config: Config, store: Store, mode: BulkMode
) -> None:
    busy, *payees = some_accounts(store, 250)
    bulk = a_bulk(store, an_account(store, balance=1_000), [busy, *payees] * 4, mode=mode)
    other, ended = Store.open(config), threading.Event()

    def pay_on(_: int) -> int:
        times = 0
        while not ended.is_set():
            other.journal.post(deposit(busy, 1))
            times += 1
        return times

    with ThreadPoolExecutor(8) as pool:
        payments = pool.map(pay_on, range(8))
        try:
            assert post_bulk(store, bulk.id).posted == 1_000
        finally:
            ended.set()
    assert balance_of(store, busy) == 4 + sum(payments)
    other.close()
