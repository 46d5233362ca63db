"""A sound ledger reconciles, also while money moves through it; a damaged one is found out, and the damage named."""

from __future__ import annotations

import itertools
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from bson import Int64

from app.domain.accounts import STRIPES, AccountStatus, InternalAccount
from app.domain.errors import NotFound
from app.domain.ids import random_id
from app.domain.ledger.audit import Difference, Kind
from app.models.collection import Document, ensure_collections
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation, Report
from app.models.store import SPECS, Store
from tests.factories.ledger import (
    OPENED_AT,
    an_account,
    capture,
    deposit,
    hold,
    post_all,
    release,
    reversal,
    some_accounts,
    status_change,
    transfer,
    withdrawal,
)

BANKS_OWN = STRIPES * len(InternalAccount)


def reconciliation(store: Store) -> Reconciliation:
    return Reconciliation(LedgerReader(store.client, store.database))


def difference(store: Store) -> Difference | None:
    return reconciliation(store).run().difference


def test_a_new_bank_is_sound(store: Store) -> None:
    report = reconciliation(store).run()
    assert report == Report(accounts=BANKS_OWN, entries=0, transactions=0, difference=None)


def test_a_bank_that_has_seen_every_kind_of_movement_is_sound(store: Store) -> None:
    number, other = an_account(store, balance=10_000), an_account(store, balance=500)
    journal = store.journal
    journal.post(withdrawal(number, 2_000))
    moved = journal.post(transfer(number, other, 1_000))
    journal.post(reversal(moved.transaction.id))
    kept, taken, ended = (journal.post(hold(number, amount)).transaction.id for amount in (100, 200, 300))
    journal.post(capture(kept, 40, final=False))
    journal.post(capture(taken, 150, to=other))
    journal.post(release(ended))
    waiting = journal.post(hold(other, 50)).transaction.id
    journal.post(withdrawal(other, 2_000, forced_by="approval 7"))
    journal.post(capture(waiting, 50))
    journal.post(status_change(number, AccountStatus.FROZEN))

    report = reconciliation(store).run()

    assert report.difference is None
    assert (report.accounts, report.entries, report.transactions) == (BANKS_OWN + 2, 18, 15)


def test_it_goes_on_over_page_and_batch_boundaries(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.ledger_reader.ACCOUNTS_PER_PAGE", 3)
    monkeypatch.setattr("app.models.ledger_reader.DOCUMENTS_PER_BATCH", 4)
    numbers = some_accounts(store, 14, balance=1_000)
    post_all(store, [transfer(numbers[0], number, 10) for number in numbers[1:]])
    report = reconciliation(store).run()
    assert report == Report(accounts=BANKS_OWN + 14, entries=54, transactions=27, difference=None)


def test_it_raises_no_false_alarm_while_money_moves(store: Store) -> None:
    numbers = some_accounts(store, 20, balance=100_000)
    stop = threading.Event()

    def move_money(seed: int) -> int:
        for turn in itertools.count():
            if stop.is_set():
                return turn
            source, target = numbers[(seed + turn) % 20], numbers[(seed + 3 * turn + 1) % 20]
            if source != target:
                moved = store.journal.post(transfer(source, target, 5))
                store.journal.post(reversal(moved.transaction.id))
            held = store.journal.post(hold(source, 7)).transaction.id
            store.journal.post(capture(held, 3) if turn % 2 else release(held))
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        moving = [pool.submit(move_money, seed) for seed in range(8)]
        try:
            reports = [reconciliation(store).run() for _ in range(10)]
            reports += [reconciliation(store).run_account(number) for number in numbers]
        finally:
            stop.set()
        assert all(each.result() > 0 for each in moving)

    assert {report.difference for report in reports} == {None}
    assert reports[0].entries < reports[9].entries
    assert difference(store) is None


def test_memory_does_not_grow_with_the_ledger(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.ledger_reader.DOCUMENTS_PER_BATCH", 200)
    numbers = some_accounts(store, 10)
    checked, peaks = [], []
    for deposits in (300, 2_700):
        post_all(store, [deposit(numbers[turn % 10], 100 + turn) for turn in range(deposits)])
        tracemalloc.start()
        checked.append(reconciliation(store).run().entries)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert checked == [600, 6_000]
    assert peaks[1] < 1.5 * peaks[0]


def test_one_account_can_be_checked_alone(store: Store) -> None:
    number, other, damaged = (an_account(store, balance=1_000) for _ in range(3))
    store.journal.post(transfer(number, other, 300))
    change(store, "accounts", {"_id": damaged}, {"balance": Int64(999)})
    report = reconciliation(store).run_account(number)
    assert report == Report(accounts=1, entries=2, transactions=2, difference=None)
    assert reconciliation(store).run_account(damaged).difference == Difference(
        Kind.ACCOUNT_BALANCE, f"account {damaged}", "1000", "999"
    )


def test_an_account_that_is_not_there_can_not_be_checked(store: Store) -> None:
    with pytest.raises(NotFound):
        reconciliation(store).run_account("123456789012")


# ---- damage ----------------------------------------------------------------------------------------------------------


def change(store: Store, collection: str, where: Document, fields: Document) -> None:
    """Change one document behind the bank's back, past its validator."""
    changed = store.database[collection].update_one(where, {"$set": fields}, bypass_document_validation=True)
    assert changed.modified_count == 1


def remove(store: Store, collection: str, where: Document) -> None:
    assert store.database[collection].delete_one(where).deleted_count == 1


def copy_of(store: Store, collection: str, where: Document, **fields: object) -> None:
    """Add a copy of a document with other fields behind the bank's back."""
    found = store.database[collection].find_one(where)
    store.database[collection].insert_one({**(found or {}), "_id": random_id(), **fields})


def test_a_changed_amount_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(withdrawal(number, 300))
    change(store, "entries", {"account_id": number, "seq": 2}, {"amount": Int64(-200)})
    assert difference(store) == Difference(Kind.ENTRY_BALANCE, f"account {number} entry 2", "800", "700")


def test_an_amount_changed_along_with_all_later_balances_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    change(store, "entries", {"account_id": number}, {"amount": Int64(900), "balance_after": Int64(900)})
    change(store, "accounts", {"_id": number}, {"balance": Int64(900)})
    assert difference(store) == Difference(Kind.TOTAL, "USD", "0", "-100")
    found = reconciliation(store).run_account(number).difference
    assert found is not None
    assert (found.kind, "amount=1000" in found.expected, "amount=900" in found.found) == (Kind.POSTING, True, True)


def test_a_deleted_entry_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(withdrawal(number, 300))
    remove(store, "entries", {"account_id": number, "seq": 1})
    assert difference(store) == Difference(Kind.NUMBERING, f"account {number} entry 2", "1", "2")


def test_a_deleted_last_entry_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(withdrawal(number, 300))
    remove(store, "entries", {"account_id": number, "seq": 2})
    assert difference(store) == Difference(Kind.NUMBERING, f"account {number} last entry", "2", "1")


def test_a_gap_in_the_numbers_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(withdrawal(number, 300))
    change(store, "entries", {"account_id": number, "seq": 2}, {"seq": Int64(3)})
    assert difference(store) == Difference(Kind.NUMBERING, f"account {number} entry 3", "2", "3")


def test_an_entry_beyond_the_last_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    copy_of(store, "entries", {"account_id": number}, seq=Int64(2), balance_after=Int64(2_000))
    found = difference(store)
    assert found is not None
    assert (found.kind, found.subject.split(" of ")[0]) == (Kind.ENTRY_SOURCE, f"account {number} entry 2")


def test_a_balance_edited_by_hand_is_found(store: Store) -> None:
    rich, poor = an_account(store, balance=1_000), an_account(store, balance=1_000)
    change(store, "accounts", {"_id": rich}, {"balance": Int64(1_500)})
    assert difference(store) == Difference(Kind.TOTAL, "USD", "0", "500")
    change(store, "accounts", {"_id": poor}, {"balance": Int64(500)})
    first = min(rich, poor)
    found = "1500" if first == rich else "500"
    assert difference(store) == Difference(Kind.ACCOUNT_BALANCE, f"account {first}", "1000", found)


def test_an_unbalanced_transaction_is_found(store: Store) -> None:
    number = an_account(store)
    moved = store.journal.post(deposit(number, 1_000)).transaction
    change(store, "transactions", {"_id": moved.id}, {"postings.0.amount": Int64(1_100)})
    assert reconciliation(store).run_account(number).difference == Difference(
        Kind.UNBALANCED, f"transaction {moved.id} in USD", "0", "100"
    )
    assert getattr(difference(store), "kind", None) is Kind.ENTRY_SOURCE


def test_a_held_sum_without_its_holds_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(hold(number, 300))
    remove(store, "holds", {"account_id": number})
    assert difference(store) == Difference(Kind.HELD, f"account {number}", "0", "300")


def test_a_hold_that_is_not_counted_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(hold(number, 300))
    change(store, "accounts", {"_id": number}, {"held": Int64(0)})
    assert difference(store) == Difference(Kind.HELD, f"account {number}", "300", "0")


def test_a_hold_or_an_entry_of_no_account_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(hold(number, 300))
    change(store, "holds", {"account_id": number}, {"account_id": "999"})
    assert difference(store) == Difference(Kind.STRAY_HOLD, "account 999", "an account", "none")
    change(store, "entries", {"account_id": number}, {"account_id": "999"})
    assert difference(store) == Difference(Kind.STRAY_ENTRY, "account 999", "an account", "none")


def test_a_debit_that_nobody_had_approved_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(withdrawal(number, 1_200, forced_by="approval 7"))
    assert difference(store) is None
    store.database["transactions"].update_one({"forced_by": "approval 7"}, {"$unset": {"forced_by": 1}})
    assert difference(store) == Difference(Kind.AVAILABLE, f"account {number}", "0 or more, or a forced debit", "-200")


def test_a_missing_transaction_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    lost = store.entries.find_many([each["_id"] for each in store.database["entries"].find({"account_id": number})])
    identity = next(iter(lost.values())).transaction_id
    remove(store, "transactions", {"_id": identity})
    subject = f"account {number} entry 1 of transaction {identity}"
    assert difference(store) == Difference(Kind.ENTRY_SOURCE, subject, "the transaction", "none")


def test_a_transaction_whose_entries_were_never_made_is_found(store: Store) -> None:
    an_account(store, balance=1_000)
    copy_of(store, "transactions", {"type": "deposit"})
    found = difference(store)
    assert found is not None
    assert found.kind is Kind.POSTING


def test_an_entry_that_no_posting_names_is_found(store: Store) -> None:
    number = an_account(store)
    moved = store.journal.post(deposit(number, 1_000)).transaction
    change(store, "transactions", {"_id": moved.id}, {"postings": []})
    found = difference(store)
    assert found is not None
    assert (found.kind, found.found) == (Kind.ENTRY_SOURCE, "[]")


def test_a_reversal_that_does_not_undo_its_original_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    first, second = (store.journal.post(withdrawal(number, amount)).transaction.id for amount in (100, 200))
    undone = store.journal.post(reversal(first)).transaction.id
    change(store, "transactions", {"_id": undone}, {"reverses": second})
    assert getattr(difference(store), "kind", None) is Kind.REVERSAL
    change(store, "transactions", {"_id": undone}, {"reverses": "nothing that exists"})
    assert difference(store) == Difference(
        Kind.REVERSAL, f"transaction {undone} which reverses nothing that exists", "a transaction to reverse", "none"
    )


def test_a_second_reversal_is_found(store: Store) -> None:
    number = an_account(store, balance=1_000)
    original = store.journal.post(withdrawal(number, 100)).transaction.id
    store.journal.post(reversal(original))
    again = store.journal.post(deposit(number, 100)).transaction.id
    store.database["transactions"].drop_index("one_reversal_per_transaction")
    try:
        change(store, "transactions", {"_id": again}, {"reverses": original})
        assert difference(store) == Difference(Kind.SECOND_REVERSAL, f"transaction {original}", "at most 1", "2")
    finally:
        store.database["transactions"].delete_many({})
        ensure_collections(store.database, SPECS)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"created_at": OPENED_AT}, Kind.ENTRY_TIME),
        ({"business_date": "2020-01-01"}, Kind.BUSINESS_DATE),
        ({"currency": "EUR"}, Kind.ENTRY_CURRENCY),
    ],
)
def test_a_fact_that_falls_back_or_changes_along_an_account_is_found(
    store: Store, fields: Document, kind: Kind
) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(withdrawal(number, 300))
    change(store, "entries", {"account_id": number, "seq": 2}, fields)
    found = difference(store)
    assert found is not None
    assert (found.kind, found.subject) == (kind, f"account {number} entry 2")


@pytest.mark.parametrize(
    ("collection", "fields"),
    [
        ("entries", {"amount": 1_000.0}),
        ("accounts", {"balance": 1_000}),
        ("transactions", {"type": "magic"}),
        ("holds", {"status": "lost"}),
    ],
)
def test_a_document_that_its_validator_would_refuse_is_found(store: Store, collection: str, fields: Document) -> None:
    number = an_account(store, balance=1_000)
    store.journal.post(hold(number, 100))
    damaged = store.database[collection].find_one({"account_id": number}) or {"_id": number}
    change(store, collection, {"_id": damaged["_id"]}, fields)
    expected = Difference(
        Kind.MALFORMED, f"{collection} {damaged['_id']}", "the form its validator asks for", "another"
    )
    assert difference(store) == expected
    assert reconciliation(store).run_account(number).difference == expected


@pytest.mark.parametrize(
    ("collection", "fields", "kind"),
    [
        ("accounts", {"last_entry_at": OPENED_AT}, Kind.LAST_ENTRY),
        ("accounts", {"business_date": "2020-01-01"}, Kind.LAST_ENTRY),
        ("transactions", {"created_at": OPENED_AT}, Kind.ENTRY_TIME),
        ("transactions", {"business_date": "2020-01-01"}, Kind.BUSINESS_DATE),
    ],
)
def test_an_account_or_a_transaction_that_tells_another_time_than_its_entries_is_found(
    store: Store, collection: str, fields: Document, kind: Kind
) -> None:
    number = an_account(store, balance=1_000)
    change(store, collection, {"_id": number} if collection == "accounts" else {}, fields)
    assert getattr(difference(store), "kind", None) is kind


@pytest.mark.parametrize(
    "fields",
    [{"type": "withdrawal"}, {"description": "rent"}, {"value_date": "2020-01-01"}, {"counterparty": "somebody else"}],
)
def test_an_entry_that_tells_another_story_than_its_transaction_is_found(store: Store, fields: Document) -> None:
    number = an_account(store, balance=1_000)
    change(store, "entries", {"account_id": number}, fields)
    found = difference(store)
    assert found is not None
    assert (found.kind, found.found) == (Kind.ENTRY_DETAIL, *fields.values())


def test_a_transaction_that_names_an_account_that_it_did_not_post_to_is_found(store: Store) -> None:
    number, other = some_accounts(store, 2, balance=1_000)
    change(store, "transactions", {"account_id": number}, {"account_id": other})
    found = difference(store)
    assert found is not None
    assert (found.kind, found.found) == (Kind.SUBJECT, other)


def test_two_postings_that_share_an_entry_are_found(store: Store) -> None:
    number = an_account(store)
    moved = store.journal.post(deposit(number, 1_000)).transaction
    postings = store.database["transactions"].find_one({"_id": moved.id})["postings"]  # type: ignore[index]
    change(store, "transactions", {"_id": moved.id}, {"postings": postings * 2})
    assert getattr(difference(store), "kind", None) is Kind.ENTRY_SOURCE
