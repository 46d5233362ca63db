"""The proof of a written ledger: a sound one is found sound, and each damage is named where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain.accounts import AccountStatus
from app.domain.ledger.audit import AccountWalk, Difference, Kind, check_reversal, check_total, check_transaction
from app.domain.ledger.book import Book
from app.domain.ledger.intents import Leg
from app.domain.ledger.records import Entry, Posting, Transaction, TransactionType
from tests.domain.test_rules import NOW, a_book, recorded
from tests.factories.ledger import (
    BOB,
    account_state,
    capture,
    closing,
    deposit,
    hold,
    new_terms,
    posting_of,
    reversal,
    transfer,
    withdrawal,
)

LATER = NOW + timedelta(days=1)


def found(
    book: Book, account_id: str = "111", *, held: int = 0, entries: list[Entry] | None = None
) -> list[Difference]:
    """Walk along an account as the book, or `entries`, tell of it, and return what is found."""
    walk = AccountWalk(book.accounts[account_id], held=held)
    lines = entries if entries is not None else [each for each in book.new_entries if each.account_id == account_id]
    differences: list[Difference] = []
    for entry in lines:
        differences += walk.step(entry, book.transactions.get(entry.transaction_id))
    return [*differences, *walk.end()]


def a_ledger(**facts: Any) -> tuple[Book, list[Entry]]:
    """Return a book in which account 111 was paid 10.00, sent 3.00 to 222 and, a day later, paid out 2.00."""
    book = a_book(account_state(id="111", **facts), account_state(id="222", holders=(BOB,)))
    recorded(book, deposit("111", 1_000, description="wages"))
    recorded(book, transfer("111", "222", 300))
    recorded(book, withdrawal("111", 200), now=LATER)
    return book, [each for each in book.new_entries if each.account_id == "111"]


def with_entry(entries: list[Entry], position: int, **facts: Any) -> list[Entry]:
    return [*entries[:position], entries[position]._replace(**facts), *entries[position + 1 :]]


def with_account(book: Book, **facts: Any) -> Book:
    book.accounts["111"] = book.accounts["111"]._replace(**facts)
    return book


def with_transaction(book: Book, entry: Entry, **facts: Any) -> Book:
    book.transactions[entry.transaction_id] = book.transactions[entry.transaction_id]._replace(**facts)
    return book


def test_a_sound_ledger_is_found_sound() -> None:
    book, _ = a_ledger()
    for account_id in book.accounts:
        assert found(book, account_id) == []
    entries = {entry.id: entry for entry in book.new_entries}
    for transaction in book.new_transactions:
        assert list(check_transaction(transaction, entries)) == []


def test_an_account_on_which_nothing_happened_is_sound() -> None:
    assert found(a_book(account_state(id="111"))) == []


def test_a_difference_is_told_in_one_line() -> None:
    difference = Difference(Kind.HELD, "account 111", "0", "300")
    assert str(difference) == "held amount: account 111: expected 0, found 300"


# ---- an account and its entries --------------------------------------------------------------------------------------


def test_a_gap_in_the_numbers_is_named() -> None:
    book, entries = a_ledger()
    assert found(book, entries=[entries[0], entries[2]])[0] == Difference(
        Kind.NUMBERING, "account 111 entry 3", "2", "3"
    )
    assert found(book, entries=entries[1:])[:2] == [
        Difference(Kind.NUMBERING, "account 111 entry 2", "1", "2"),
        Difference(Kind.ENTRY_BALANCE, "account 111 entry 2", "-300", "700"),
    ]


def test_entries_that_are_missing_at_the_end_are_named() -> None:
    book, entries = a_ledger()
    assert found(book, entries=entries[:2]) == [
        Difference(Kind.NUMBERING, "account 111 last entry", "3", "2"),
        Difference(Kind.ACCOUNT_BALANCE, "account 111", "700", "500"),
        Difference(Kind.LAST_ENTRY, "account 111 time", str(NOW), str(LATER)),
        Difference(Kind.LAST_ENTRY, "account 111 business date", "2026-11-20", "2026-11-21"),
    ]
    assert found(book, entries=[]) == [
        Difference(Kind.NUMBERING, "account 111 last entry", "3", "0"),
        Difference(Kind.ACCOUNT_BALANCE, "account 111", "0", "500"),
        Difference(Kind.LAST_ENTRY, "account 111 time", "none", str(LATER)),
        Difference(Kind.LAST_ENTRY, "account 111 business date", "none", "2026-11-21"),
    ]


def test_a_balance_that_does_not_follow_is_named() -> None:
    book, entries = a_ledger()
    assert found(book, entries=with_entry(entries, 2, balance_after=400)) == [
        Difference(Kind.ENTRY_BALANCE, "account 111 entry 3", "500", "400"),
        Difference(Kind.ACCOUNT_BALANCE, "account 111", "400", "500"),
    ]
    assert found(with_account(book, balance=501)) == [Difference(Kind.ACCOUNT_BALANCE, "account 111", "500", "501")]


def test_an_entry_in_another_currency_is_named() -> None:
    book, _ = a_ledger()
    differences = found(with_account(book, currency="EUR"))
    assert differences == [
        Difference(Kind.ENTRY_CURRENCY, f"account 111 entry {seq}", "EUR", "USD") for seq in (1, 2, 3)
    ]


def test_time_that_falls_along_an_account_is_named() -> None:
    book, entries = a_ledger()
    early = NOW - timedelta(milliseconds=1)
    book = with_transaction(book, entries[1], created_at=early)
    assert found(book, entries=with_entry(entries, 1, created_at=early)) == [
        Difference(Kind.ENTRY_TIME, "account 111 entry 2", f"{NOW} or later", str(early))
    ]
    book, entries = a_ledger()
    book = with_transaction(book, entries[1], business_date="2026-11-19")
    assert found(book, entries=with_entry(entries, 1, business_date="2026-11-19")) == [
        Difference(Kind.BUSINESS_DATE, "account 111 entry 2", "2026-11-20 or later", "2026-11-19")
    ]


def test_what_is_held_is_the_sum_of_the_open_holds() -> None:
    book, _ = a_ledger()
    assert found(book, held=300) == [Difference(Kind.HELD, "account 111", "300", "0")]
    recorded(book, hold("111", 300))
    assert found(book, held=300) == []


def test_a_closed_account_has_nothing_on_it() -> None:
    book, _ = a_ledger()
    recorded(book, closing("111", transfer_to="222"), now=LATER)
    assert found(book) == []
    book, _ = a_ledger()
    assert found(with_account(book, status=AccountStatus.CLOSED)) == [
        Difference(Kind.AVAILABLE, "account 111, closed", "(0, 0)", "(500, 0)")
    ]


def test_what_is_held_on_a_closed_account_makes_up_for_nothing() -> None:
    book, _ = a_ledger()
    recorded(book, hold("111", 500))
    assert found(with_account(book, status=AccountStatus.CLOSED), held=500) == [
        Difference(Kind.AVAILABLE, "account 111, closed", "(0, 0)", "(500, 500)")
    ]


# ---- below zero ------------------------------------------------------------------------------------------------------


def test_an_account_is_below_zero_only_by_a_forced_debit() -> None:
    book, _ = a_ledger(overdraft_limit=0)
    recorded(book, withdrawal("111", 700, forced_by="a1"), now=LATER)
    assert found(book) == []
    book, _ = a_ledger()
    recorded(book, withdrawal("111", 500), now=LATER)
    assert found(book) == []
    assert found(with_account(book, overdraft_limit=-1)) == [
        Difference(Kind.AVAILABLE, "account 111", "0 or more, or a forced debit", "-1")
    ]


def test_a_debit_after_the_forced_one_was_not_forced() -> None:
    book, _ = a_ledger()
    recorded(book, withdrawal("111", 400, forced_by="a1"), now=LATER)
    recorded(book, withdrawal("111", 100), now=LATER)
    assert [each.kind for each in found(with_account(book, overdraft_limit=-1))] == [Kind.AVAILABLE]


def test_neither_a_credit_nor_a_capture_takes_an_account_below_zero() -> None:
    book, _ = a_ledger()
    held = recorded(book, hold("111", 300), now=LATER).transaction.hold_id
    assert held is not None
    recorded(book, withdrawal("111", 500, forced_by="a1"), now=LATER)
    recorded(book, capture(held, 300), now=LATER)
    recorded(book, deposit("111", 1), now=LATER)
    assert book.accounts["111"].available == -299
    assert found(book) == []


def test_a_new_account_may_be_short_of_what_must_stay_on_it_and_no_more() -> None:
    book = a_book(account_state(id="111", minimum_balance=500))
    assert found(book) == []
    recorded(book, deposit("111", 100))
    assert found(book) == []
    assert [each.kind for each in found(with_account(book, overdraft_limit=-101))] == [Kind.AVAILABLE]


def test_an_account_from_which_much_was_sent_is_not_short_of_what_must_stay_by_itself() -> None:
    book, _ = a_ledger()
    recorded(book, new_terms("111", minimum_balance=500), now=LATER)
    assert found(book) == []
    assert [each.kind for each in found(with_account(book, minimum_balance=501))] == [Kind.AVAILABLE]


# ---- an entry and its transaction ------------------------------------------------------------------------------------


def test_an_entry_of_no_transaction_is_named() -> None:
    book, entries = a_ledger()
    del book.transactions[entries[1].transaction_id]
    subject = f"account 111 entry 2 of transaction {entries[1].transaction_id}"
    assert found(book) == [Difference(Kind.ENTRY_SOURCE, subject, "the transaction", "none")]


def test_an_entry_that_no_posting_made_is_named() -> None:
    book, entries = a_ledger()
    subject = f"account 111 entry 2 of transaction {entries[1].transaction_id}"
    mine, other = book.transactions[entries[1].transaction_id].postings
    expected = str(Posting("111", -300, "USD", entries[1].id))
    for postings, told in (
        ((other,), "[]"),
        ((mine, mine, other), str([mine, mine])),
        ((mine._replace(amount=-301), other), str(mine._replace(amount=-301))),
        ((mine._replace(account_id="333"), other), str(mine._replace(account_id="333"))),
        ((mine._replace(currency="EUR"), other), str(mine._replace(currency="EUR"))),
    ):
        differences = found(with_transaction(book, entries[1], postings=postings))
        assert differences[0] == Difference(Kind.ENTRY_SOURCE, subject, expected, told)


@pytest.mark.parametrize(
    ("facts", "kind", "suffix", "told"),
    [
        ({"created_at": LATER}, Kind.ENTRY_TIME, "", (str(LATER), str(NOW))),
        ({"business_date": "2026-11-21"}, Kind.BUSINESS_DATE, "", ("2026-11-21", "2026-11-20")),
        ({"value_date": "2026-11-02"}, Kind.ENTRY_DETAIL, " value date", ("2026-11-02", "2026-11-20")),
        ({"type": TransactionType.DEPOSIT}, Kind.ENTRY_DETAIL, " type", ("deposit", "transfer")),
        ({"description": "rent"}, Kind.ENTRY_DETAIL, " description", ("rent", "none")),
    ],
)
def test_an_entry_tells_the_story_of_its_transaction(
    facts: dict[str, Any], kind: Kind, suffix: str, told: tuple[str, str]
) -> None:
    book, entries = a_ledger()
    subject = f"account 111 entry 2 of transaction {entries[1].transaction_id}{suffix}"
    assert found(with_transaction(book, entries[1], **facts)) == [Difference(kind, subject, *told)]


def test_the_other_side_of_an_entry_is_the_other_customer_or_else_the_one_other_account() -> None:
    book, entries = a_ledger()
    subject = "account 111 entry {} of transaction {} counterparty"
    assert [each.counterparty for each in entries] == ["cash-USD", "222", "cash-USD"]
    assert found(book, entries=with_entry(entries, 1, counterparty=None)) == [
        Difference(Kind.ENTRY_DETAIL, subject.format(2, entries[1].transaction_id), "222", "none")
    ]
    assert found(book, entries=with_entry(entries, 0, counterparty="cash-USD#03")) == [
        Difference(Kind.ENTRY_DETAIL, subject.format(1, entries[0].transaction_id), "cash-USD", "cash-USD#03")
    ]


def test_where_several_customers_or_several_of_the_banks_accounts_take_part_nobody_is_the_other_side() -> None:
    fee = account_state(id="fee-USD#03", holders=(), overdraft_limit=1_000)
    book = a_book(account_state(id="111", balance=0), account_state(id="222"), account_state(id="333"), fee)
    recorded(book, deposit("111", 1_000))
    recorded(book, posting_of("111", Leg("111", -20, "USD"), Leg("222", 15, "USD"), Leg("cash-USD", 5, "USD")))
    three = (Leg("111", -20, "USD"), Leg("222", 15, "USD"), Leg("333", 5, "USD"))
    recorded(book, posting_of("111", *three))
    lines = [each for each in book.new_entries if each.account_id == "111"]
    assert [each.counterparty for each in lines] == ["cash-USD", "222", None]
    assert found(book) == []


# ---- a transaction and its entries -----------------------------------------------------------------------------------


def checked(transaction: Transaction, book: Book, **replaced: Entry | None) -> list[Difference]:
    entries = {entry.id: entry for entry in book.new_entries}
    known = {entry_id: entry for entry_id, entry in (entries | replaced).items() if entry is not None}
    return list(check_transaction(transaction, known))


def test_postings_that_do_not_sum_to_zero_are_named_by_currency() -> None:
    book, entries = a_ledger()
    moved = book.transactions[entries[1].transaction_id]
    mine, other = moved.postings
    differences = checked(moved._replace(postings=(mine._replace(amount=-301), other)), book)
    assert differences[0] == Difference(Kind.UNBALANCED, f"transaction {moved.id} in USD", "0", "-1")
    euros = checked(moved._replace(postings=(mine, other._replace(currency="EUR"))), book)
    assert euros[:2] == [
        Difference(Kind.UNBALANCED, f"transaction {moved.id} in USD", "0", "-300"),
        Difference(Kind.UNBALANCED, f"transaction {moved.id} in EUR", "0", "300"),
    ]


def test_a_posting_without_its_entry_is_named() -> None:
    book, entries = a_ledger()
    moved = book.transactions[entries[1].transaction_id]
    subject = f"transaction {moved.id} entry {entries[1].id}"
    expected = f"{moved.postings[0]} of transaction {moved.id}"
    for entry, told in (
        (None, "none"),
        (entries[1]._replace(amount=-299), f"{moved.postings[0]._replace(amount=-299)} of transaction {moved.id}"),
        (entries[1]._replace(transaction_id="t9"), f"{moved.postings[0]} of transaction t9"),
    ):
        assert checked(moved, book, **{entries[1].id: entry}) == [Difference(Kind.POSTING, subject, expected, told)]


def test_a_transaction_acts_upon_an_account_that_it_touches() -> None:
    book, entries = a_ledger()
    moved = book.transactions[entries[1].transaction_id]
    assert checked(moved._replace(account_id="333"), book) == [
        Difference(Kind.SUBJECT, f"transaction {moved.id}", "one of ['111', '222']", "333")
    ]
    paid = book.transactions[entries[0].transaction_id]
    assert checked(paid._replace(account_id="cash-USD#07"), book) == []
    assert checked(moved._replace(account_id="333", postings=()), book) == []


# ---- reversals and totals --------------------------------------------------------------------------------------------


def test_a_reversal_posts_the_opposite_whichever_stripe_it_came_to() -> None:
    book, entries = a_ledger()
    paid = book.transactions[entries[2].transaction_id]
    undone = recorded(book, reversal(paid.id), now=LATER).transaction
    assert list(check_reversal(undone, paid)) == []
    elsewhere = [each._replace(account_id=each.account_id.replace("#03", "#07")) for each in undone.postings]
    assert list(check_reversal(undone._replace(postings=tuple(elsewhere)), paid)) == []
    subject = f"transaction {undone.id} which reverses {paid.id}"
    expected = "[('111', 200, 'USD'), ('cash-USD', -200, 'USD')]"
    assert list(check_reversal(undone._replace(postings=paid.postings), paid)) == [
        Difference(Kind.REVERSAL, subject, expected, "[('111', -200, 'USD'), ('cash-USD', 200, 'USD')]")
    ]
    assert list(check_reversal(undone, None)) == [
        Difference(Kind.REVERSAL, subject, "a transaction to reverse", "none")
    ]


def test_all_accounts_of_a_currency_sum_to_zero() -> None:
    assert list(check_total("USD", 0)) == []
    assert list(check_total("USD", -100)) == [Difference(Kind.TOTAL, "USD", "0", "-100")]
