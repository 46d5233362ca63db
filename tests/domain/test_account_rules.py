"""The rules of accounts themselves, and of what may leave one in a day."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.accounts import AccountStatus, Limits, Spent, StatusDecision
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountFrozen,
    AccountHasHolds,
    AccountNotEmpty,
    AccountNumberTaken,
    BankError,
    CurrencyMismatch,
    DailyLimitExceeded,
    InsufficientFunds,
    NotFound,
    SameAccount,
    StateConflict,
    TermsInUse,
    TransactionLimitExceeded,
)
from app.domain.ledger.book import Book, Outcome, Recorded
from app.domain.ledger.draft import Moment
from app.domain.ledger.intents import Intent
from app.domain.ledger.records import TransactionType
from app.domain.ledger.rules import apply
from app.domain.money import AMOUNT_MINOR_MAX, BALANCE_MINOR_MAX
from tests.domain.test_rules import NOW, a_book, applied, recorded, refused
from tests.factories.ledger import (
    ALICE,
    BOB,
    account_state,
    block,
    closing,
    deposit,
    hold,
    new_holders,
    new_terms,
    opening,
    status_change,
    transfer,
    withdrawal,
)


def test_an_account_opens_with_cash_on_it() -> None:
    account = account_state()
    book = a_book()
    outcome = recorded(book, opening(account, amount=500))
    assert book.accounts[account.id].balance == 500
    assert book.new_accounts == {account.id}
    assert [(entry.amount, entry.balance_after) for entry in outcome.entries] == [(500, 500), (-500, -500)]
    assert outcome.transaction.type is TransactionType.ACCOUNT_OPENING


def test_an_account_that_has_just_opened_takes_money_in_the_same_batch() -> None:
    account = account_state()
    book = a_book()
    outcomes = applied(book, opening(account), deposit(account.id, 10), withdrawal(account.id, 4))
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    assert (book.accounts[account.id].balance, book.accounts[account.id].seq) == (6, 2)


def test_a_number_is_given_once() -> None:
    account = account_state()
    assert refused(a_book(account), opening(account)) is AccountNumberTaken


def test_a_customer_opens_no_account_for_somebody_else() -> None:
    book = a_book()
    assert refused(book, opening(account_state(), customer_id=BOB)) is NotFound
    assert not book.new_accounts


@pytest.mark.parametrize("facts", [{"balance": 1}, {"held": 1}, {"seq": 1}])
def test_only_an_empty_account_is_new(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="empty"):
        applied(a_book(), opening(account_state(**facts)))


def test_a_customer_who_closes_an_account_moves_no_more_than_its_limits_let_them() -> None:
    account = account_state(balance=700, limits=Limits(transfer=500, transfer_daily=600))
    target = account_state()
    book = a_book(account, target)
    close = closing(account.id, transfer_to=target.id, customer_id=ALICE)
    assert refused(book, close) is TransactionLimitExceeded
    recorded(book, transfer(account.id, target.id, 300))
    assert refused(book, close) is DailyLimitExceeded
    recorded(book, withdrawal(account.id, 100))
    recorded(book, close)
    assert book.accounts[account.id].status is AccountStatus.CLOSED


def test_a_closed_account_serves_nobody_and_keeps_who_closed_it_and_why() -> None:
    account = account_state(holders=(ALICE, BOB), primary_for=(ALICE, BOB))
    book = a_book(account)
    frozen = status_change(account.id, AccountStatus.FROZEN, initiator="bella", metadata={"reason": "The court."})
    recorded(book, frozen)
    assert book.accounts[account.id].status_decision == StatusDecision("The court.", "bella", NOW)
    assert book.accounts[account.id].primary_for == (ALICE, BOB)
    recorded(book, status_change(account.id, AccountStatus.ACTIVE))
    recorded(book, closing(account.id, initiator=BOB))
    assert book.accounts[account.id].primary_for == ()
    assert book.accounts[account.id].status_decision == StatusDecision(None, BOB, NOW)


def test_closing_moves_the_rest_in_the_same_step() -> None:
    account = account_state(balance=700, minimum_balance=100, limits=Limits(transfer=1, withdrawal=1))
    target = account_state(holders=(BOB,))
    book = a_book(account, target)
    outcome = recorded(book, closing(account.id, transfer_to=target.id))
    assert [(entry.account_id, entry.amount) for entry in outcome.entries] == [(account.id, -700), (target.id, 700)]
    assert outcome.entries[0].counterparty == target.id
    state = book.accounts[account.id]
    assert (state.status, state.balance, book.accounts[target.id].balance) == (AccountStatus.CLOSED, 0, 700)
    assert refused(book, deposit(account.id, 1)) is AccountClosed
    assert refused(book, closing(account.id)) is AccountClosed
    assert refused(book, status_change(account.id, AccountStatus.ACTIVE)) is AccountClosed


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"balance": 1}, AccountNotEmpty),
        ({"balance": -1}, AccountNotEmpty),
        ({"held": 5, "overdraft_limit": 5}, AccountHasHolds),
        ({"status": AccountStatus.FROZEN}, AccountFrozen),
        ({"status": AccountStatus.FROZEN_DEBITS}, AccountFrozen),
        ({"suspended_holders": (ALICE,)}, AccountBlocked),
    ],
)
def test_an_account_in_use_does_not_close(facts: dict[str, Any], refusal: type[BankError]) -> None:
    account = account_state(**facts)
    assert refused(a_book(account), closing(account.id)) is refusal


def test_what_is_left_goes_to_an_account_that_can_take_it() -> None:
    account, euros = account_state(balance=5), account_state(currency="EUR")
    shut = account_state(status=AccountStatus.CLOSED)
    book = a_book(account, euros, shut)
    for target, refusal in (
        (account.id, SameAccount),
        (euros.id, CurrencyMismatch),
        (shut.id, AccountClosed),
        ("123456789012", NotFound),
        ("cash-USD", NotFound),
    ):
        assert refused(book, closing(account.id, transfer_to=target)) is refusal
    assert book.accounts[account.id] == account


def test_what_an_account_owes_can_not_be_moved_by_closing_it() -> None:
    account, other = account_state(balance=-5, overdraft_limit=5), account_state(balance=10)
    assert refused(a_book(account, other), closing(account.id, transfer_to=other.id)) is AccountNotEmpty


def test_a_status_changes_only_from_where_that_makes_sense() -> None:
    account = account_state(status=AccountStatus.DORMANT)
    book = a_book(account)
    wake = status_change(account.id, AccountStatus.ACTIVE, only_from=(AccountStatus.FROZEN,))
    assert refused(book, wake) is StateConflict
    assert refused(book, status_change(account.id, AccountStatus.DORMANT)) is StateConflict
    recorded(book, status_change(account.id, AccountStatus.ACTIVE, only_from=(AccountStatus.DORMANT,)))
    assert book.accounts[account.id].status is AccountStatus.ACTIVE


def test_a_minimum_balance_stays_on_the_account() -> None:
    account = account_state(balance=100, minimum_balance=30)
    book = a_book(account)
    assert refused(book, withdrawal(account.id, 71)) is InsufficientFunds
    recorded(book, withdrawal(account.id, 70))


def test_terms_change_as_far_as_the_account_does_not_use_them() -> None:
    account = account_state(balance=-30, overdraft_limit=100)
    book = a_book(account)
    assert refused(book, new_terms(account.id, overdraft_limit=29)) is TermsInUse
    assert refused(book, new_terms(account.id, minimum_balance=71)) is TermsInUse
    recorded(book, new_terms(account.id, overdraft_limit=30))
    assert refused(book, withdrawal(account.id, 1)) is InsufficientFunds
    assert book.changed_terms == {account.id}


def test_terms_of_an_account_that_was_forced_below_nothing_may_still_get_better() -> None:
    account = account_state(balance=-50)
    book = a_book(account)
    recorded(book, new_terms(account.id, overdraft_limit=20))
    assert refused(book, new_terms(account.id, overdraft_limit=10)) is TermsInUse


def test_holders_join_and_leave_and_somebody_always_holds_the_account() -> None:
    account = account_state(holders=(ALICE,), holder_names=("Alice Archer",), primary_for=(ALICE,))
    book = a_book(account)
    recorded(book, new_holders(account.id, add=((BOB, "Bob Baker"),)))
    state = book.accounts[account.id]
    assert (state.holders, state.masked_holders) == ((ALICE, BOB), "A*** A*** & B*** B***")
    assert refused(book, new_holders(account.id, add=((BOB, None),))) is StateConflict
    recorded(book, new_holders(account.id, remove=(ALICE,)))
    state = book.accounts[account.id]
    assert (state.holders, state.holder_names, state.primary_for) == ((BOB,), ("Bob Baker",), ())
    assert refused(book, new_holders(account.id, remove=(BOB,))) is StateConflict
    assert refused(book, new_holders(account.id, remove=(ALICE,))) is StateConflict
    assert refused(book, deposit(account.id, 1, customer_id=ALICE)) is NotFound


def test_a_suspended_holder_stays_on_the_account() -> None:
    account = account_state(holders=(ALICE, BOB), suspended_holders=(ALICE,))
    assert refused(a_book(account), new_holders(account.id, remove=(ALICE,))) is StateConflict


def test_a_joint_account_is_blocked_while_any_holder_is_suspended() -> None:
    joint, own = account_state(balance=9, holders=(ALICE, BOB)), account_state(balance=9)
    book = a_book(joint, own)
    recorded(book, block(joint.id, own.id, holder=ALICE))
    assert refused(book, withdrawal(joint.id, 1, customer_id=BOB)) is AccountBlocked
    recorded(book, block(joint.id, holder=BOB))
    recorded(book, block(joint.id, own.id, holder=ALICE, blocked=False))
    assert refused(book, withdrawal(joint.id, 1)) is AccountBlocked
    recorded(book, withdrawal(own.id, 1))
    recorded(book, block(joint.id, holder=BOB, blocked=False))
    recorded(book, withdrawal(joint.id, 1))


def test_accounts_are_blocked_all_or_none() -> None:
    mine, somebody_elses = account_state(), account_state(holders=(BOB,))
    book = a_book(mine, somebody_elses)
    assert refused(book, block(mine.id, somebody_elses.id)) is StateConflict
    assert refused(book, block(mine.id, "123456789012")) is NotFound
    assert not book.accounts[mine.id].blocked


@pytest.mark.parametrize(
    ("limits", "move"),
    [
        (Limits(withdrawal=50, withdrawal_daily=120), withdrawal),
        (Limits(transfer=50, transfer_daily=120), lambda account, amount: transfer(account, "222", amount)),
    ],
)
def test_limits_bound_one_debit_and_the_sum_of_a_day(limits: Limits, move: Any) -> None:
    account = account_state(balance=1_000, limits=limits)
    book = a_book(account, account_state(id="222"))
    assert refused(book, move(account.id, 51)) is TransactionLimitExceeded
    for _ in range(2):
        recorded(book, move(account.id, 50))
    assert refused(book, move(account.id, 21)) is DailyLimitExceeded
    recorded(book, move(account.id, 20))
    assert refused(book, move(account.id, 1)) is DailyLimitExceeded
    recorded(book, deposit(account.id, 10))
    outcome = on_day(book, "2999-01-01", move(account.id, 50))
    assert isinstance(outcome, Recorded)
    assert sum(book.accounts[account.id].spent) == 50


def test_a_days_debits_may_come_to_more_than_a_balance_can() -> None:
    account = account_state(balance=AMOUNT_MINOR_MAX, business_date="2999-01-01", spent=Spent(BALANCE_MINOR_MAX, 0))
    book = a_book(account)
    outcome = on_day(book, "2999-01-01", withdrawal(account.id, AMOUNT_MINOR_MAX))
    assert isinstance(outcome, Recorded)
    assert book.accounts[account.id].spent == Spent(BALANCE_MINOR_MAX, 0)


def test_one_kind_of_limit_does_not_bound_the_other() -> None:
    account = account_state(balance=1_000, limits=Limits(withdrawal_daily=10, transfer_daily=10))
    book = a_book(account, account_state(id="222"))
    recorded(book, withdrawal(account.id, 10))
    recorded(book, new_terms(account.id, limits=Limits(withdrawal_daily=5, transfer_daily=10)))
    recorded(book, transfer(account.id, "222", 10))
    assert refused(book, withdrawal(account.id, 1)) is DailyLimitExceeded


def test_what_a_refused_debit_would_have_taken_is_not_counted() -> None:
    account = account_state(balance=30, limits=Limits(withdrawal_daily=30))
    book = a_book(account, account_state(id="222", status=AccountStatus.CLOSED))
    assert refused(book, transfer(account.id, "222", 30)) is AccountClosed
    assert refused(book, withdrawal(account.id, 31)) is DailyLimitExceeded
    recorded(book, withdrawal(account.id, 30))


def test_limits_do_not_bound_what_was_set_aside_nor_money_coming_in() -> None:
    account = account_state(balance=100, limits=Limits(0, 0, 0, 0))
    book = a_book(account)
    recorded(book, hold(account.id, 40))
    recorded(book, deposit(account.id, 10))


def on_day(book: Book, day: str, intent: Intent) -> Outcome:
    (outcome,) = apply(book, [intent], Moment(NOW, day))
    return outcome
