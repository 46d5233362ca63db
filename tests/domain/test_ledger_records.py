"""What the ledger writes down: all that an intent tells, every effect marked as changed, and nothing besides."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.accounts import AccountKind, AccountStatus, Limits, Spent
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    BalanceOutOfRange,
    HoldEnded,
    InsufficientFunds,
    NotFound,
    PayeeUnavailable,
    StateConflict,
    ValidationFailed,
)
from app.domain.ledger import refused_parts
from app.domain.ledger.book import Book, Recorded
from app.domain.ledger.draft import Moment
from app.domain.ledger.intents import AskApproval, ChangeTerms, Close, Intent, Leg, PostEach
from app.domain.ledger.records import Hold, HoldStatus, TransactionType
from app.domain.ledger.rules import apply
from app.domain.money import AMOUNT_MINOR_MAX
from tests.domain.test_rules import CASH, NOW, a_book, applied, recorded, refused
from tests.factories.ledger import (
    ALICE,
    BOB,
    account_state,
    asked_by,
    block,
    capture,
    closing,
    deposit,
    expiry,
    hold,
    new_holders,
    new_terms,
    opening,
    posting_of,
    release,
    reversal,
    status_change,
    transfer,
    withdrawal,
)

TOLD: dict[str, Any] = {
    "initiator": "bella", "channel": "counter", "branch": "HQ", "description": "as agreed",
    "metadata": {"reference": "R-7"}, "fingerprint": "f",
}  # fmt: skip


def two_accounts(**facts: Any) -> Book:
    """Return a book with account 111 of Alice, with 10.00 on it, and 222 of Bob."""
    book = a_book(account_state(id="111", balance=1_000, **facts), account_state(id="222", holders=(BOB,)))
    recorded(book, deposit("222", 500))
    return book


def marks(book: Book) -> tuple[set[str], set[str], set[str], set[str]]:
    return (set(book.new_accounts), set(book.changed_accounts), set(book.changed_terms), set(book.changed_holds))


# ---- every transaction -----------------------------------------------------------------------------------------------


def a_request(kind: str, book: Book) -> Intent:
    """Return an intent of a kind, with all that a request can tell."""
    held = recorded(book, hold("111", 10, expires_at=NOW + timedelta(days=1))).transaction.id
    moved = recorded(book, transfer("111", "222", 10)).transaction.id
    requests: dict[str, Intent] = {
        "deposit": deposit("111", 10, **TOLD),
        "reversal": reversal(moved, **TOLD),
        "hold": hold("111", 10, **TOLD),
        "hold_capture": capture(held, 10, to="222", **TOLD),
        "hold_release": release(held, **TOLD),
        "account_opening": opening(account_state(id="333"), amount=10, **TOLD),
        "account_closing": closing("222", transfer_to="111", **TOLD),
        "status_change": status_change("111", AccountStatus.FROZEN, **TOLD),
        "terms_change": new_terms("111", overdraft_limit=10, **TOLD),
        "holders_change": new_holders("111", add=((BOB, None),), **TOLD),
        "block_change": block("111", **TOLD),
        "approval_request": AskApproval(subject="111", **asked_by(**TOLD)),
        "bulk_posting": PostEach(account_id="111", parts=(), **asked_by(**TOLD)),
    }
    return requests[kind]


@pytest.mark.parametrize(
    ("kind", "account"),
    [
        ("deposit", "111"), ("reversal", "111"), ("hold", "111"), ("hold_capture", "111"), ("hold_release", "111"),
        ("account_opening", "333"), ("account_closing", "222"), ("status_change", "111"), ("terms_change", "111"),
        ("holders_change", "111"), ("block_change", "111"), ("approval_request", "111"), ("bulk_posting", "111"),
    ],
)  # fmt: skip
def test_a_transaction_tells_all_of_the_request_that_it_stems_from(kind: str, account: str) -> None:
    book = two_accounts()
    intent = a_request(kind, book)
    done = recorded(book, intent)
    transaction = done.transaction
    assert (transaction.id, transaction.type, transaction.account_id) == (intent.id, kind, account)
    assert (transaction.initiated_by, transaction.channel, transaction.branch) == ("bella", "counter", "HQ")
    assert (transaction.description, transaction.fingerprint) == ("as agreed", "f")
    assert transaction.metadata == {"reference": "R-7"}
    assert (transaction.created_at, transaction.business_date) == (NOW, "2026-11-20")
    assert transaction.value_date == "2026-11-20"
    for entry, posting in zip(done.entries, transaction.postings, strict=True):
        assert (entry.transaction_id, entry.type, entry.description) == (intent.id, kind, "as agreed")
        assert (entry.account_id, entry.amount, entry.currency, entry.id) == posting
        assert (entry.created_at, entry.business_date, entry.value_date) == (NOW, "2026-11-20", "2026-11-20")
    assert book.transactions[intent.id] == transaction
    assert recorded(book, intent).replayed


def test_an_entry_names_the_other_side_masked() -> None:
    book = two_accounts(holder_names=("Alice Archer",))
    sent = recorded(book, transfer("111", "222", 10))
    assert [entry.counterparty_name for entry in sent.entries] == [None, "A*** A***"]
    paid = recorded(book, deposit("111", 10))
    assert [(entry.counterparty, entry.counterparty_name) for entry in paid.entries] == [
        ("cash-USD", None), ("111", "A*** A***"),
    ]  # fmt: skip


# ---- what has changed ------------------------------------------------------------------------------------------------


def test_what_a_transaction_changed_is_marked_as_it_has_to_be_stored() -> None:
    book = a_book(account_state(id="111", balance=1_000), account_state(id="222"))
    recorded(book, transfer("111", "222", 10))
    assert marks(book) == (set(), {"111", "222"}, set(), set())
    recorded(book, opening(account_state(id="333"), amount=5))
    assert marks(book) == ({"333"}, {"111", "222", "333", CASH}, set(), set())
    held = recorded(book, hold("111", 10)).transaction.id
    assert marks(book)[2:] == (set(), {held})
    recorded(book, status_change("222", AccountStatus.FROZEN))
    assert marks(book)[2:] == ({"222"}, {held})
    recorded(book, AskApproval(subject="444", **asked_by()))
    assert marks(book)[:3] == ({"333"}, {"111", "222", "333", CASH}, {"222"})


def test_a_reversal_is_known_by_what_it_reverses() -> None:
    book = two_accounts()
    moved = recorded(book, transfer("111", "222", 10)).transaction.id
    undone = recorded(book, reversal(moved)).transaction.id
    assert book.reversals == {moved: undone}


def test_a_copy_of_a_book_holds_all_of_it_and_leaves_it_as_it_is() -> None:
    book = two_accounts()
    held = recorded(book, hold("111", 10)).transaction.id
    moved = recorded(book, transfer("111", "222", 10)).transaction.id
    recorded(book, reversal(moved))
    recorded(book, opening(account_state(id="333")))
    recorded(book, status_change("333", AccountStatus.FROZEN))
    trial, before = book.copy(), book.copy()
    assert trial == book
    assert all(getattr(trial, each.name) for each in fields(trial))
    recorded(trial, release(held))
    recorded(trial, opening(account_state(id="444"), amount=5))
    recorded(trial, status_change("222", AccountStatus.FROZEN))
    recorded(trial, reversal(recorded(trial, deposit("111", 1)).transaction.id))
    recorded(trial, hold("111", 5))
    assert book == before
    book.become(trial)
    assert book == trial


def test_an_intents_accounts_are_known_before_they_are_read() -> None:
    book = two_accounts()
    held = recorded(book, hold("111", 10)).transaction.id
    moved = recorded(book, transfer("111", "222", 10)).transaction.id
    paid = recorded(book, deposit("111", 10)).transaction.id
    frozen = recorded(book, status_change("222", AccountStatus.FROZEN_DEBITS)).transaction.id
    needs: list[tuple[Intent, set[str]]] = [
        (deposit("111", 10), {"111", CASH}),
        (transfer("111", "222", 10), {"111", "222"}),
        (posting_of("333", Leg("111", -10, "USD"), Leg("222", 10, "USD")), {"111", "222", "333"}),
        (reversal(moved), {"111", "222"}),
        (reversal(paid), {"111", CASH}),
        (reversal(frozen), {"222"}),
        (reversal("nothing"), set()),
        (hold("111", 10), {"111"}),
        (capture(held, 10, to="222"), {"111", "222"}),
        (capture(held, 10), {"111", CASH}),
        (release(held), {"111"}),
        (expiry(held), {"111"}),
        (release("nothing"), set()),
        (opening(account_state(id="333")), {"333"}),
        (opening(account_state(id="333"), amount=5), {"333", CASH}),
        (closing("111"), {"111"}),
        (closing("111", transfer_to="222"), {"111", "222"}),
        (status_change("111", AccountStatus.FROZEN), {"111"}),
        (new_terms("111"), {"111"}),
        (new_holders("111"), {"111"}),
        (block("111", "222"), {"111", "222"}),
        (AskApproval(subject="111", **asked_by()), set()),
    ]
    for intent, accounts in needs:
        assert book.accounts_needed(intent) == accounts, intent
        needed = Book(
            stripe=book.stripe, holds=book.holds, transactions=dict(book.transactions), reversals=dict(book.reversals),
            accounts={name: each for name, each in book.accounts.items() if name in accounts},
        )  # fmt: skip
        (in_full,), (in_part,) = applied(book.copy(), intent), applied(needed, intent)
        assert (type(in_full), getattr(in_full, "entries", None)) == (type(in_part), getattr(in_part, "entries", None))


def test_the_entry_on_an_account_is_the_first_that_the_transaction_made_there() -> None:
    book = two_accounts()
    done = recorded(book, transfer("111", "222", 10))
    assert done.entry_of("222") == done.entries[1]


def test_a_writer_without_a_stripe_of_its_own_takes_the_first() -> None:
    assert Book().resolve("cash-USD") == Book().resolve("cash-USD#07") == "cash-USD#00"
    assert Book().resolve("111") == "111"


# ---- holds -----------------------------------------------------------------------------------------------------------


def test_a_hold_keeps_who_placed_it_why_and_until_when() -> None:
    book = two_accounts()
    until = NOW + timedelta(milliseconds=1)
    placed = recorded(book, hold("111", 300, expires_at=until, initiator="bella")).transaction
    assert book.holds[placed.id] == Hold(
        id=placed.id,
        account_id="111",
        amount=300,
        remaining=300,
        currency="USD",
        type="card",
        reason="a purchase",
        expires_at=until,
        placed_by="bella",
        placed_at=NOW,
    )
    assert placed.hold_id == placed.id


def test_a_hold_ends_in_the_future() -> None:
    for expires_at in (NOW, NOW - timedelta(days=1)):
        assert refused(two_accounts(), hold("111", 1, expires_at=expires_at)) is ValidationFailed
    (refusal,) = applied(two_accounts(), hold("111", 1, expires_at=NOW))
    assert isinstance(refusal, ValidationFailed)
    assert set(refusal.errors or {}) == {"expires_at"}


def test_the_smallest_amount_is_set_aside_and_captured_like_any_other() -> None:
    assert refused(a_book(account_state(id="111")), hold("111", 1)) is InsufficientFunds
    book = two_accounts()
    held = recorded(book, hold("111", 1)).transaction.id
    recorded(book, capture(held, 1))
    assert (book.accounts["111"].balance, book.accounts["111"].held) == (999, 0)


def test_the_largest_amount_can_be_set_aside() -> None:
    book = a_book(account_state(id="111", balance=AMOUNT_MINOR_MAX))
    recorded(book, hold("111", AMOUNT_MINOR_MAX))
    assert book.accounts["111"].held == AMOUNT_MINOR_MAX


def test_an_ended_hold_keeps_who_ended_it_when_why_and_what_was_taken() -> None:
    book = two_accounts()
    held = recorded(book, hold("111", 300)).transaction.id
    part = recorded(book, capture(held, 100, final=False, initiator="bella")).transaction
    open_hold = book.holds[held]
    assert (open_hold.captured, open_hold.remaining, open_hold.ended_by) == (100, 200, None)
    assert (part.hold_id, part.account_id) == (held, "111")
    recorded(book, release(held, initiator="bella", description="Cancelled."))
    ended = book.holds[held]
    assert (ended.captured, ended.remaining, ended.status) == (100, 0, HoldStatus.RELEASED)
    assert (ended.ended_by, ended.ended_at, ended.end_reason) == ("bella", NOW, "Cancelled.")


def test_a_capture_that_names_no_amount_takes_all_that_is_left() -> None:
    book = two_accounts()
    held = recorded(book, hold("111", 300)).transaction.id
    recorded(book, capture(held, 100, final=False))
    recorded(book, capture(held, None, initiator="bella"))
    ended = book.holds[held]
    assert (ended.captured, ended.remaining, ended.status) == (300, 0, HoldStatus.CAPTURED)
    assert (ended.ended_by, ended.end_reason) == ("bella", None)
    assert (book.accounts["111"].balance, book.accounts["111"].held) == (700, 0)


def test_a_capture_after_the_holds_time_says_so() -> None:
    book = two_accounts()
    held = recorded(book, hold("111", 300, expires_at=NOW + timedelta(hours=1))).transaction.id
    recorded(book.copy(), capture(held, 300), now=NOW + timedelta(minutes=59))
    assert refused(book, capture(held, 300), now=NOW + timedelta(hours=1)) is HoldEnded
    expired = recorded(book, expiry(held), now=NOW + timedelta(hours=1)).transaction
    assert (expired.type, expired.account_id, expired.hold_id) == (TransactionType.HOLD_EXPIRY, "111", held)


# ---- who may be told what --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [AccountStatus.FROZEN])
def test_that_an_account_is_frozen_is_told_to_its_holders_and_the_bank_alone(status: AccountStatus) -> None:
    payer, payee = account_state(id="111", balance=10), account_state(id="222", holders=(BOB,), status=status)
    assert refused(a_book(payer, payee), transfer("111", "222", 1, customer_id=ALICE)) is PayeeUnavailable


def test_a_payee_who_is_suspended_still_receives_and_one_who_sends_does_not() -> None:
    payer = account_state(id="111", balance=10, holders=(ALICE, BOB))
    payee = account_state(id="222", holders=(BOB,), suspended_holders=(BOB,))
    recorded(a_book(payer, payee), transfer("111", "222", 1, customer_id=ALICE))
    assert refused(a_book(payer, payee), transfer("111", "222", 1, customer_id=BOB)) is AccountBlocked


def test_a_dormant_account_takes_no_hold() -> None:
    assert refused(a_book(account_state(id="111", status=AccountStatus.DORMANT)), hold("111", 1)) is AccountDormant


# ---- accounts --------------------------------------------------------------------------------------------------------


def test_an_account_opens_only_for_a_customer() -> None:
    with pytest.raises(ValueError, match="customer"):
        applied(a_book(), opening(account_state(kind=AccountKind.INTERNAL)))


def test_an_account_is_not_closed_by_giving_it_the_status() -> None:
    with pytest.raises(ValueError, match="closing"):
        applied(two_accounts(), status_change("111", AccountStatus.CLOSED))


def test_what_is_left_of_a_closed_account_goes_to_nobody_but_those_it_may() -> None:
    def close(only_to: tuple[str, ...]) -> Close:
        return Close(account_id="222", transfer_to="111", only_to=only_to, **asked_by())

    for book, only_to in ((two_accounts(), (BOB,)), (two_accounts(holders=(ALICE, BOB)), (BOB,))):
        assert refused(book, close(only_to)) is NotFound
    for only_to in ((), (ALICE,), (ALICE, BOB)):
        recorded(two_accounts(), close(only_to))


def test_terms_change_only_in_place_of_those_that_were_decided_on() -> None:
    limits = Limits(withdrawal=5)

    def change(**expected: Any) -> ChangeTerms:
        return ChangeTerms(account_id="111", overdraft_limit=7, **expected, **asked_by())

    book = two_accounts(limits=limits, overdraft_limit=50)
    assert refused(book, change(expected_limits=Limits())) is StateConflict
    assert refused(book, change(expected_overdraft_limit=0)) is StateConflict
    recorded(book, change(expected_limits=limits, expected_overdraft_limit=50))
    assert (book.accounts["111"].overdraft_limit, book.accounts["111"].limits) == (7, limits)


def test_all_terms_may_change_at_once_and_what_is_not_named_stays() -> None:
    book = two_accounts()
    limits = Limits(transfer=5)
    recorded(book, new_terms("111", limits=limits, overdraft_limit=0, minimum_balance=20))
    account = book.accounts["111"]
    assert (account.limits, account.overdraft_limit, account.minimum_balance) == (limits, 0, 20)
    recorded(book, new_terms("111", minimum_balance=0))
    assert book.accounts["111"] == account._replace(minimum_balance=0)


def test_an_account_has_ten_holders_at_most() -> None:
    book = two_accounts()
    nine = tuple((f"c{number}", None) for number in range(9))
    assert refused(book, new_holders("111", add=(*nine, ("c9", None)))) is StateConflict
    recorded(book, new_holders("111", add=nine))
    assert len(book.accounts["111"].holders) == 10


def test_one_may_join_while_another_leaves() -> None:
    book = two_accounts(primary_for=(ALICE,))
    recorded(book, new_holders("111", add=((BOB, "Bob Brown"), ("carol", None)), remove=(ALICE,)))
    account = book.accounts["111"]
    assert (account.holders, account.holder_names) == ((BOB, "carol"), ("Bob Brown", None))
    assert account.primary_for == ()


def test_only_customers_accounts_are_blocked() -> None:
    cash = account_state(id=CASH, kind=AccountKind.INTERNAL)
    assert refused(Book(stripe=3, accounts={CASH: cash}), block("cash-USD")) is NotFound


def test_whoever_is_suspended_twice_is_let_go_at_once() -> None:
    book = two_accounts()
    for blocked in (True, True, False):
        recorded(book, block("111", blocked=blocked))
    assert book.accounts["111"].suspended_holders == ()


# ---- amounts and days ------------------------------------------------------------------------------------------------


def test_the_largest_amount_can_be_moved_and_the_last_of_a_balance() -> None:
    book = two_accounts()
    recorded(book, deposit("111", AMOUNT_MINOR_MAX))
    recorded(book, withdrawal("111", AMOUNT_MINOR_MAX))
    assert refused(book, withdrawal("111", AMOUNT_MINOR_MAX + 1, forced_by="a1")) is BalanceOutOfRange


def test_what_left_an_account_is_counted_by_kind_on_the_day_that_it_left() -> None:
    book = two_accounts()
    recorded(book, withdrawal("111", 1))
    recorded(book, transfer("111", "222", 20))
    recorded(book, withdrawal("111", 3))
    assert book.accounts["111"].spent == Spent(4, 20)
    assert book.accounts["222"].spent == Spent()
    recorded(book, deposit("111", 5))
    assert book.accounts["111"].spent == Spent(4, 20)
    tomorrow = NOW + timedelta(days=1)
    recorded(book, deposit("111", 5), now=tomorrow)
    assert book.accounts["111"].spent == Spent()
    recorded(book, transfer("111", "222", 2), now=tomorrow)
    assert book.accounts["111"].spent == Spent(0, 2)


def test_a_limit_counts_on_the_later_day_where_an_account_is_ahead_of_the_clock() -> None:
    account = account_state(
        id="111", balance=100, limits=Limits(withdrawal_daily=10), business_date="2026-11-21", spent=Spent(10, 0)
    )
    (outcome,) = apply(a_book(account), [withdrawal("111", 1)], Moment(NOW, "2026-11-20"))
    assert not isinstance(outcome, Recorded)
    (outcome,) = apply(a_book(account), [withdrawal("111", 1)], Moment(NOW, "2026-11-22"))
    assert isinstance(outcome, Recorded)


def test_both_debits_of_one_transaction_count_together() -> None:
    legs = (Leg("111", -30, "USD"), Leg("222", 30, "USD")) * 2
    assert refused(two_accounts(limits=Limits(transfer=59)), posting_of("111", *legs)).code == (
        "transaction_limit_exceeded"
    )
    assert refused(two_accounts(limits=Limits(transfer_daily=59)), posting_of("111", *legs)).code == (
        "daily_limit_exceeded"
    )
    recorded(two_accounts(limits=Limits(transfer=60, transfer_daily=60)), posting_of("111", *legs))


def test_limits_bind_withdrawals_and_transfers_and_nothing_that_staff_put_right() -> None:
    book = two_accounts(limits=Limits(0, 0, 0, 0))
    legs = (Leg("111", -30, "USD"), Leg("222", 30, "USD"))
    recorded(book, replace(posting_of("111", *legs), type=TransactionType.ADJUSTMENT))
    assert book.accounts["111"].spent == Spent()
    assert refused(book, posting_of("111", *legs)).code == "transaction_limit_exceeded"


def test_money_that_is_held_in_the_same_batch_is_not_there_any_more() -> None:
    book = two_accounts()
    outcomes = applied(book, hold("111", 600), hold("111", 401), withdrawal("111", 401), withdrawal("111", 400))
    assert [type(each) for each in outcomes] == [Recorded, InsufficientFunds, InsufficientFunds, Recorded]


def test_a_closed_account_changes_no_more() -> None:
    for intent in (
        new_terms("111", overdraft_limit=1),
        new_holders("111", add=((BOB, None),)),
        hold("111", 1),
        closing("111"),
    ):
        assert refused(a_book(account_state(id="111", status=AccountStatus.CLOSED)), intent) is AccountClosed


# ---- refused parts ---------------------------------------------------------------------------------------------------


def test_which_parts_were_refused_is_noted_alike_in_every_release() -> None:
    noted = {"refused": "0:account_closed 12:insufficient_funds"}
    assert refused_parts.noted({0: "account_closed", 12: "insufficient_funds"}) == noted
    assert refused_parts.told_by(noted | {"bulk": "b1"}) == {0: "account_closed", 12: "insufficient_funds"}
    assert refused_parts.noted({}) == {}
    assert refused_parts.told_by({}) == {}


def test_what_a_part_tells_is_kept_beside_what_was_refused() -> None:
    book = two_accounts()
    parts = (transfer("111", "222", 1), transfer("111", "222", 9_999))
    intent = PostEach(account_id="111", parts=parts, **asked_by(metadata={"bulk": "b1"}))
    assert recorded(book, intent).transaction.metadata == {"bulk": "b1", "refused": "1:insufficient_funds"}
    assert replace(intent, parts=()).accounts == {"111"}
