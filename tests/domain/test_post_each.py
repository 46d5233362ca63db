"""Many movements posted as one: each by itself or all together, with what was refused kept beside what was paid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.accounts import Account, AccountKind, AccountStatus
from app.domain.errors import BankError, IdempotencyMismatch, NotFound
from app.domain.ledger import refused_parts
from app.domain.ledger.book import Book, Recorded
from app.domain.ledger.draft import Moment
from app.domain.ledger.intents import PostEach
from app.domain.ledger.records import TransactionType
from app.domain.ledger.rules import apply
from tests.factories.ledger import account_state, asked_by, transfer

MOMENT = Moment(datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31")


def book_of(*accounts: Account) -> Book:
    return Book(accounts={account.id: account for account in accounts})


def each_of(source: Account, *amounts: tuple[Account, int], **facts: Any) -> PostEach:
    parts = tuple(transfer(source.id, target.id, amount) for target, amount in amounts)
    all_or_nothing = facts.pop("all_or_nothing", False)
    return PostEach(account_id=source.id, parts=parts, all_or_nothing=all_or_nothing, **asked_by(**facts))


@pytest.fixture
def payer() -> Account:
    return account_state(balance=1_000)


@pytest.fixture
def payee() -> Account:
    return account_state()


def recorded(outcome: Recorded | BankError) -> Recorded:
    assert isinstance(outcome, Recorded), outcome
    return outcome


def test_each_part_becomes_a_transaction_of_its_own_beside_the_common_one(payer: Account, payee: Account) -> None:
    book = book_of(payer, payee)
    intent = each_of(payer, (payee, 300), (payee, 200))
    (outcome,) = apply(book, [intent], MOMENT)
    common = recorded(outcome).transaction
    assert (common.type, common.postings, common.account_id) == (TransactionType.BULK_POSTING, (), payer.id)
    assert refused_parts.told_by(common.metadata) == {}
    assert [each.id for each in book.new_transactions] == [intent.parts[0].id, intent.parts[1].id, intent.id]
    assert (book.account(payer.id).balance, book.account(payee.id).balance) == (500, 500)
    assert (book.account(payer.id).seq, len(book.new_entries)) == (2, 4)


def test_a_refused_part_leaves_the_others_alone_and_is_named(payer: Account, payee: Account) -> None:
    closed = account_state(status=AccountStatus.CLOSED)
    book = book_of(payer, payee, closed)
    intent = each_of(payer, (closed, 1), (payee, 1_001), (payee, 1_000), (payee, 1))
    (outcome,) = apply(book, [intent], MOMENT)
    assert refused_parts.told_by(recorded(outcome).transaction.metadata) == {
        0: "account_closed",
        1: "insufficient_funds",
        3: "insufficient_funds",
    }
    assert (book.account(payer.id).balance, book.account(payee.id).balance) == (0, 1_000)


def test_all_or_nothing_posts_nothing_where_one_part_is_refused_and_records_that(
    payer: Account, payee: Account
) -> None:
    book = book_of(payer, payee)
    (outcome,) = apply(book, [each_of(payer, (payee, 999), (payee, 2), all_or_nothing=True)], MOMENT)
    common = recorded(outcome).transaction
    assert refused_parts.told_by(common.metadata) == {1: "insufficient_funds"}
    assert (book.account(payer.id), book.account(payee.id).balance) == (payer, 0)
    assert (book.new_transactions, book.new_entries) == ([common], [])


def test_all_or_nothing_posts_all_where_none_is_refused(payer: Account, payee: Account) -> None:
    book = book_of(payer, payee)
    (outcome,) = apply(book, [each_of(payer, (payee, 999), (payee, 1), all_or_nothing=True)], MOMENT)
    recorded(outcome)
    assert (book.account(payer.id).balance, book.account(payee.id).balance) == (0, 1_000)
    assert len(book.new_transactions) == 3


@pytest.mark.parametrize("all_or_nothing", [False, True])
def test_a_repetition_posts_nothing_again_whatever_has_changed(
    payer: Account, payee: Account, all_or_nothing: bool
) -> None:
    book = book_of(payer, payee)
    intent = each_of(payer, (payee, 600), (payee, 600), all_or_nothing=all_or_nothing)
    (first,) = apply(book, [intent], MOMENT)
    book.accounts[payer.id] = book.account(payer.id)._replace(balance=10_000)
    (again,) = apply(book, [intent], MOMENT)
    assert recorded(again).replayed
    assert recorded(again).transaction == recorded(first).transaction
    assert book.account(payer.id).balance == 10_000


def test_another_request_under_the_same_id_is_refused(payer: Account, payee: Account) -> None:
    book = book_of(payer, payee)
    apply(book, [each_of(payer, (payee, 1), key="k")], MOMENT)
    (other,) = apply(book, [each_of(payer, (payee, 2), key="k", fingerprint="another")], MOMENT)
    assert isinstance(other, IdempotencyMismatch)


def test_it_is_for_customers_accounts() -> None:
    cash = account_state(id="cash-USD#00", kind=AccountKind.INTERNAL, holders=())
    (outcome,) = apply(book_of(cash), [each_of(cash)], MOMENT)
    assert isinstance(outcome, NotFound)


def test_it_names_every_account_that_its_parts_touch(payer: Account, payee: Account) -> None:
    assert each_of(payer, (payee, 1)).accounts == {payer.id, payee.id}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 600)), max_size=12), st.booleans())
def test_it_comes_to_what_its_parts_come_to_one_by_one(parts: list[tuple[int, int]], all_or_nothing: bool) -> None:
    source = account_state(balance=1_000)
    targets = [account_state(), account_state(status=AccountStatus.CLOSED), account_state(currency="EUR")]
    intent = each_of(source, *((targets[at], amount) for at, amount in parts), all_or_nothing=all_or_nothing)
    together, one_by_one = book_of(source, *targets), book_of(source, *targets)
    (outcome,) = apply(together, [intent], MOMENT)
    outcomes = apply(one_by_one, intent.parts, MOMENT)
    refused = {at: each.code for at, each in enumerate(outcomes) if isinstance(each, BankError)}
    assert refused_parts.told_by(recorded(outcome).transaction.metadata) == refused
    if all_or_nothing and refused:
        one_by_one = book_of(source, *targets)
    assert together.accounts == one_by_one.accounts
    assert together.new_entries == one_by_one.new_entries
