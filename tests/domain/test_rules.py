"""The rules of the ledger, one by one: what each intent does, and by which name it is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.accounts import Account, AccountKind, AccountStatus, AccountType
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    AlreadyReversed,
    BalanceOutOfRange,
    BankError,
    CurrencyMismatch,
    HoldEnded,
    HoldExceeded,
    HoldNotExpired,
    IdempotencyMismatch,
    InsufficientFunds,
    NotFound,
    NotReversible,
)
from app.domain.ledger.book import Book, Outcome, Recorded
from app.domain.ledger.draft import Moment
from app.domain.ledger.intents import Intent, Leg
from app.domain.ledger.records import Hold, HoldStatus, TransactionType
from app.domain.ledger.rules import apply
from app.domain.money import AMOUNT_MINOR_MAX, BALANCE_MINOR_MAX
from tests.factories.ledger import (
    ALICE,
    BOB,
    OPENED_AT,
    account_state,
    capture,
    closing,
    deposit,
    expiry,
    hold,
    posting_of,
    release,
    reversal,
    status_change,
    transfer,
    withdrawal,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STRIPE = 3
CASH = f"cash-USD#{STRIPE:02d}"


def a_book(*accounts: Account) -> Book:
    """Return a book with these accounts, and this writer's stripe of the cash account."""
    cash = Account(
        id=CASH, kind=AccountKind.INTERNAL, type=AccountType.INTERNAL, currency="USD",
        overdraft_limit=BALANCE_MINOR_MAX, opened_at=OPENED_AT,
    )  # fmt: skip
    return Book(stripe=STRIPE, accounts={account.id: account for account in (cash, *accounts)})


def applied(book: Book, *intents: Intent, now: datetime = NOW) -> list[Outcome]:
    return apply(book, intents, Moment(now, now.date().isoformat()))


def recorded(book: Book, intent: Intent, *, now: datetime = NOW) -> Recorded:
    (outcome,) = applied(book, intent, now=now)
    assert isinstance(outcome, Recorded), outcome
    return outcome


def contents(book: Book) -> tuple[object, ...]:
    """Return everything in a book, to see that nothing changed."""
    return (
        dict(book.accounts), dict(book.holds), dict(book.transactions), dict(book.reversals),
        set(book.changed_accounts), set(book.changed_holds), list(book.new_transactions), list(book.new_entries),
    )  # fmt: skip


def refused(book: Book, intent: Intent, *, now: datetime = NOW) -> type[BankError]:
    """Apply an intent that is to be refused, see that the book is untouched, and return by which name it was."""
    before = contents(book)
    (outcome,) = applied(book, intent, now=now)
    assert isinstance(outcome, BankError), outcome
    assert contents(book) == before
    return type(outcome)


# ---- postings --------------------------------------------------------------------------------------------------------


def test_a_deposit_is_one_transaction_with_an_entry_on_either_side() -> None:
    account = account_state(balance=500, seq=4)
    book = a_book(account)
    outcome = recorded(book, deposit(account.id, 1_000, description="wages"))
    credit, debit = outcome.entries
    assert (credit.account_id, credit.seq, credit.amount, credit.balance_after) == (account.id, 5, 1_000, 1_500)
    assert (debit.account_id, debit.seq, debit.amount, debit.balance_after) == (CASH, 1, -1_000, -1_000)
    assert (credit.counterparty, debit.counterparty) == ("cash-USD", account.id)
    assert [posting.entry_id for posting in outcome.transaction.postings] == [credit.id, debit.id]
    assert (book.accounts[account.id].balance, book.accounts[account.id].seq) == (1_500, 5)
    assert (book.new_transactions, book.new_entries) == ([outcome.transaction], [credit, debit])
    assert (outcome.transaction.description, credit.description) == ("wages", "wages")
    assert not outcome.replayed


def test_a_debit_takes_what_is_available_to_the_last_cent_and_not_one_more() -> None:
    account = account_state(balance=1_000, held=300, overdraft_limit=50)
    assert refused(a_book(account), withdrawal(account.id, 751)) is InsufficientFunds
    book = a_book(account)
    recorded(book, withdrawal(account.id, 750))
    assert book.accounts[account.id].available == 0


def test_a_forced_debit_passes_what_is_available_and_names_its_approval() -> None:
    account = account_state(balance=100)
    book = a_book(account)
    outcome = recorded(book, withdrawal(account.id, 500, forced_by="approval 7"))
    assert outcome.transaction.forced_by == "approval 7"
    assert book.accounts[account.id].balance == -400


def test_a_credit_passes_even_where_it_leaves_the_account_below_zero() -> None:
    account = account_state(balance=-900)
    book = a_book(account)
    recorded(book, deposit(account.id, 100))
    assert book.accounts[account.id].balance == -800


@pytest.mark.parametrize(
    ("facts", "credit", "debit"),
    [
        ({"status": AccountStatus.CLOSED}, AccountClosed, AccountClosed),
        ({"status": AccountStatus.FROZEN}, AccountFrozen, AccountFrozen),
        ({"status": AccountStatus.FROZEN_DEBITS}, None, AccountFrozen),
        ({"status": AccountStatus.DORMANT}, None, AccountDormant),
        ({"suspended_holders": (ALICE,)}, None, AccountBlocked),
        ({"currency": "EUR"}, CurrencyMismatch, CurrencyMismatch),
        ({}, None, None),
    ],
)
def test_the_state_of_an_account_decides_which_way_money_may_go(
    facts: dict[str, object], credit: type[BankError] | None, debit: type[BankError] | None
) -> None:
    account = account_state(balance=1_000, **facts)
    for intent, refusal in ((deposit(account.id, 10), credit), (withdrawal(account.id, 10), debit)):
        if refusal is None:
            recorded(a_book(account), intent)
        else:
            assert refused(a_book(account), intent) is refusal


def test_a_suspended_customer_moves_nothing_but_still_receives() -> None:
    account = account_state(balance=1_000, suspended_holders=(ALICE,))
    other = account_state(balance=1_000, holders=(BOB,))
    assert refused(a_book(account), deposit(account.id, 10, customer_id=ALICE)) is AccountBlocked
    recorded(a_book(account, other), transfer(other.id, account.id, 10, customer_id=BOB))


def test_an_account_that_does_not_exist_is_not_found() -> None:
    assert refused(a_book(), deposit("123456789012", 10)) is NotFound


def test_nobody_moves_money_on_an_account_that_they_do_not_hold() -> None:
    account = account_state(balance=1_000)
    for intent in (
        deposit(account.id, 10, customer_id=BOB),
        withdrawal(account.id, 10, customer_id=BOB),
        hold(account.id, 10, customer_id=BOB),
        status_change(account.id, AccountStatus.FROZEN, customer_id=BOB),
    ):
        assert refused(a_book(account), intent) is NotFound


@pytest.mark.parametrize("status", AccountStatus)
def test_a_debit_of_an_account_that_the_customer_does_not_hold_is_not_found_whatever_its_state(
    status: AccountStatus,
) -> None:
    own, other = account_state(), account_state(balance=1_000, holders=(BOB,), status=status)
    sneaky = posting_of(own.id, Leg(other.id, -10, "USD"), Leg(own.id, 10, "USD"), customer_id=ALICE)
    assert refused(a_book(own, other), sneaky) is NotFound


def test_a_joint_account_is_moved_by_each_of_its_holders() -> None:
    account = account_state(balance=1_000, holders=(ALICE, BOB))
    for customer in (ALICE, BOB):
        recorded(a_book(account), withdrawal(account.id, 10, customer_id=customer))


@pytest.mark.parametrize("amount", [AMOUNT_MINOR_MAX + 1, 0])
def test_an_amount_out_of_range_is_refused(amount: int) -> None:
    account = account_state()
    assert refused(a_book(account), deposit(account.id, amount)) is BalanceOutOfRange


def test_a_balance_never_passes_the_largest_that_is_kept_exactly() -> None:
    rich = account_state(balance=BALANCE_MINOR_MAX - 5)
    assert refused(a_book(rich), deposit(rich.id, 6)) is BalanceOutOfRange
    recorded(a_book(rich), deposit(rich.id, 5))
    poor = account_state(balance=-BALANCE_MINOR_MAX + 5)
    assert refused(a_book(poor), withdrawal(poor.id, 6, forced_by="approval 7")) is BalanceOutOfRange


def test_legs_that_do_not_sum_to_zero_are_a_fault_of_the_program() -> None:
    account = account_state()
    for legs in ([Leg(account.id, 10, "USD"), Leg("cash-USD", -9, "USD")], []):
        with pytest.raises(ValueError, match="sum to zero"):
            applied(a_book(account), posting_of(account.id, *legs))


def test_acting_upon_an_account_that_is_not_posted_to_is_a_fault_of_the_program() -> None:
    account, bystander = account_state(balance=100), account_state()
    with pytest.raises(ValueError, match="must have a leg"):
        applied(
            a_book(account, bystander),
            posting_of(bystander.id, Leg(account.id, -10, "USD"), Leg("cash-USD", 10, "USD")),
        )


def test_every_currency_must_sum_to_zero_by_itself() -> None:
    dollars, euros = account_state(balance=1_000), account_state(currency="EUR")
    with pytest.raises(ValueError, match="sum to zero"):
        applied(a_book(dollars, euros), posting_of(dollars.id, Leg(dollars.id, -10, "USD"), Leg(euros.id, 10, "EUR")))


def test_an_exchange_has_four_legs_in_two_currencies() -> None:
    dollars, euros = account_state(balance=1_000), account_state(currency="EUR")
    position = [account_state(id=f"fx-{currency}#03", currency=currency, holders=(), kind=AccountKind.INTERNAL,
                              overdraft_limit=10_000) for currency in ("USD", "EUR")]  # fmt: skip
    book = a_book(dollars, euros, *position)
    legs = (
        Leg(dollars.id, -110, "USD"),
        Leg("fx-USD", 110, "USD"),
        Leg("fx-EUR", -100, "EUR"),
        Leg(euros.id, 100, "EUR"),
    )
    outcome = recorded(book, posting_of(dollars.id, *legs))
    assert [entry.balance_after for entry in outcome.entries] == [890, 110, -100, 100]
    assert [entry.counterparty for entry in outcome.entries] == [euros.id, None, None, dollars.id]


def test_an_account_touched_twice_gets_two_entries_in_a_row() -> None:
    account = account_state(balance=1_000, seq=7)
    book = a_book(account)
    legs = (
        Leg(account.id, -100, "USD"),
        Leg("cash-USD", 100, "USD"),
        Leg(account.id, -3, "USD"),
        Leg("cash-USD", 3, "USD"),
    )
    outcome = recorded(book, posting_of(account.id, *legs))
    mine = [entry for entry in outcome.entries if entry.account_id == account.id]
    assert [(entry.seq, entry.balance_after) for entry in mine] == [(8, 900), (9, 897)]
    assert len({entry.id for entry in outcome.entries}) == 4
    assert mine[0].id < mine[1].id
    assert mine[0].counterparty == "cash-USD"
    assert outcome.entry_of(account.id) == mine[0]


def test_a_later_leg_that_is_refused_undoes_the_earlier_ones() -> None:
    account, closed = account_state(balance=1_000), account_state(status=AccountStatus.CLOSED)
    assert refused(a_book(account, closed), transfer(account.id, closed.id, 10)) is AccountClosed


def test_internal_accounts_take_neither_holds_nor_statuses_which_another_writer_would_seek_on_its_own_stripe() -> None:
    for intent in (hold("cash-USD", 10), status_change("cash-USD", AccountStatus.FROZEN)):
        assert refused(a_book(), intent) is NotFound


def test_internal_accounts_are_posted_on_the_writers_own_stripe() -> None:
    account = account_state()
    book = a_book(account)
    assert recorded(book, deposit(account.id, 10)).transaction.postings[1].account_id == CASH
    assert book.accounts_needed(deposit(account.id, 10)) == {account.id, CASH}


# ---- time ------------------------------------------------------------------------------------------------------------


def test_time_never_falls_along_an_account_even_where_the_clock_does() -> None:
    late = account_state(balance=1_000, last_entry_at=NOW + timedelta(hours=2), business_date="2026-11-25")
    other = account_state()
    book = a_book(late, other)
    outcome = recorded(book, transfer(late.id, other.id, 10))
    assert {entry.created_at for entry in outcome.entries} == {NOW + timedelta(hours=2)}
    assert {entry.business_date for entry in outcome.entries} == {outcome.transaction.business_date} == {"2026-11-25"}
    assert book.accounts[other.id].last_entry_at == NOW + timedelta(hours=2)
    assert book.accounts[other.id].business_date == "2026-11-25"


def test_the_value_date_is_the_business_date_unless_it_is_given() -> None:
    account = account_state()
    book = a_book(account)
    plain = recorded(book, deposit(account.id, 10))
    dated = recorded(book, deposit(account.id, 10, value_date="2026-11-02"))
    assert (plain.transaction.value_date, plain.entries[0].value_date) == ("2026-11-20", "2026-11-20")
    assert (dated.transaction.value_date, dated.entries[0].value_date) == ("2026-11-02", "2026-11-02")
    assert dated.transaction.business_date == "2026-11-20"


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_the_same_request_again_gets_the_first_answer_and_moves_nothing() -> None:
    account = account_state()
    book = a_book(account)
    first, again = applied(book, deposit(account.id, 10, key="k"), deposit(account.id, 10, key="k"))
    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert (again.transaction, again.entries, again.replayed) == (first.transaction, (), True)
    assert book.accounts[account.id].balance == 10
    assert len(book.new_entries) == 2


def test_another_request_under_the_same_key_is_refused() -> None:
    account = account_state()
    book = a_book(account)
    recorded(book, deposit(account.id, 10, key="k"))
    assert refused(book, deposit(account.id, 20, key="k", fingerprint="another")) is IdempotencyMismatch


def test_a_replay_is_answered_before_any_other_rule() -> None:
    account = account_state(balance=10)
    book = a_book(account)
    recorded(book, withdrawal(account.id, 10, key="k", customer_id=ALICE))
    recorded(book, closing(account.id))
    assert recorded(book, withdrawal(account.id, 10, key="k", customer_id=ALICE)).replayed


def test_a_refusal_is_not_pinned_to_its_key() -> None:
    account = account_state()
    book = a_book(account)
    outcomes = applied(
        book, withdrawal(account.id, 10, key="k"), deposit(account.id, 10), withdrawal(account.id, 10, key="k")
    )
    assert isinstance(outcomes[0], InsufficientFunds)
    assert isinstance(outcomes[2], Recorded)
    assert not outcomes[2].replayed


def test_intents_of_one_batch_see_those_before_them() -> None:
    account = account_state()
    book = a_book(account)
    outcomes = applied(book, *[deposit(account.id, 10), *(withdrawal(account.id, 4) for _ in range(3))])
    assert [type(outcome) for outcome in outcomes] == [Recorded, Recorded, Recorded, InsufficientFunds]
    assert book.accounts[account.id].balance == 2


# ---- holds -----------------------------------------------------------------------------------------------------------


def a_held(amount: int, *, expires_at: datetime | None = None, **facts: object) -> tuple[Book, Account, Hold]:
    """Return a book with an account of 1,000 on which `amount` is held."""
    account = account_state(balance=1_000, **facts)
    book = a_book(account, account_state(id="222", holders=(BOB,)))
    outcome = recorded(book, hold(account.id, amount, expires_at=expires_at))
    assert outcome.transaction.hold_id is not None
    return book, account, book.holds[outcome.transaction.hold_id]


def test_a_hold_takes_from_what_is_available_and_not_from_the_balance() -> None:
    book, account, held = a_held(300)
    state = book.accounts[account.id]
    assert (state.balance, state.held, state.available, state.seq) == (1_000, 300, 700, 0)
    assert (held.status, held.amount, held.remaining, held.placed_at) == (HoldStatus.OPEN, 300, 300, NOW)
    assert (book.new_transactions[0].type, book.new_transactions[0].postings) == (TransactionType.HOLD, ())
    assert refused(book, withdrawal(account.id, 701)) is InsufficientFunds


def test_a_hold_needs_its_amount_available() -> None:
    book, account, _ = a_held(300)
    assert refused(book, hold(account.id, 701)) is InsufficientFunds
    recorded(book, hold(account.id, 700))


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MINOR_MAX + 1])
def test_a_hold_of_no_amount_is_refused(amount: int) -> None:
    account = account_state(balance=1_000)
    assert refused(a_book(account), hold(account.id, amount)) is BalanceOutOfRange


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"status": AccountStatus.CLOSED}, AccountClosed),
        ({"status": AccountStatus.FROZEN}, AccountFrozen),
        ({"status": AccountStatus.FROZEN_DEBITS}, AccountFrozen),
        ({"suspended_holders": (ALICE,)}, AccountBlocked),
        ({"currency": "EUR"}, CurrencyMismatch),
    ],
)
def test_a_hold_is_refused_where_a_debit_would_be(facts: dict[str, object], refusal: type[BankError]) -> None:
    account = account_state(balance=1_000, **facts)
    assert refused(a_book(account), hold(account.id, 10)) is refusal


def test_a_hold_is_captured_whole_and_ends() -> None:
    book, account, held = a_held(300)
    outcome = recorded(book, capture(held.id, 300, to="222"))
    assert [(entry.account_id, entry.amount) for entry in outcome.entries] == [(account.id, -300), ("222", 300)]
    assert (outcome.transaction.type, outcome.transaction.hold_id) == (TransactionType.HOLD_CAPTURE, held.id)
    state, ended = book.accounts[account.id], book.holds[held.id]
    assert (state.balance, state.held) == (700, 0)
    assert (ended.status, ended.remaining, ended.ended_at) == (HoldStatus.CAPTURED, 0, NOW)


def test_a_hold_is_captured_in_parts_and_the_last_part_releases_the_rest() -> None:
    book, account, held = a_held(300)
    recorded(book, capture(held.id, 100, final=False))
    state = book.accounts[account.id]
    assert (state.balance, state.held, book.holds[held.id].remaining) == (900, 200, 200)
    assert book.holds[held.id].ended_at is None
    recorded(book, capture(held.id, 50))
    state = book.accounts[account.id]
    assert (state.balance, state.held, state.available) == (850, 0, 850)
    assert book.holds[held.id].status is HoldStatus.CAPTURED


def test_a_hold_captured_in_parts_to_the_last_cent_has_ended() -> None:
    book, _, held = a_held(300)
    recorded(book, capture(held.id, 300, final=False))
    assert book.holds[held.id].status is HoldStatus.CAPTURED


@pytest.mark.parametrize("amount", [301, 0, -5])
def test_a_capture_takes_no_more_than_is_left_of_the_hold(amount: int) -> None:
    book, _, held = a_held(300)
    assert refused(book, capture(held.id, amount)) is HoldExceeded


def test_a_hold_is_good_for_its_amount_also_after_a_forced_debit() -> None:
    book, account, held = a_held(300)
    recorded(book, withdrawal(account.id, 900, forced_by="approval 7"))
    recorded(book, capture(held.id, 300))
    assert book.accounts[account.id].balance == -200
    assert refused(book, withdrawal(account.id, 1)) is InsufficientFunds


@pytest.mark.parametrize("end", [lambda held: capture(held, 10), release])
def test_a_hold_ends_once(end) -> None:  # type: ignore[no-untyped-def]
    book, account, held = a_held(300)
    recorded(book, end(held.id))
    assert book.accounts[account.id].held == 0
    for again in (capture(held.id, 10), release(held.id), expiry(held.id)):
        assert refused(book, again) is HoldEnded


def test_a_released_hold_gives_back_what_is_left_of_it() -> None:
    book, account, held = a_held(300)
    recorded(book, capture(held.id, 100, final=False))
    recorded(book, release(held.id))
    assert (book.accounts[account.id].balance, book.accounts[account.id].held) == (900, 0)
    assert book.holds[held.id].status is HoldStatus.RELEASED


def test_a_hold_expires_when_its_time_has_come_and_counts_until_that_is_posted() -> None:
    book, account, held = a_held(300, expires_at=NOW + timedelta(days=7))
    assert refused(book, expiry(held.id)) is HoldNotExpired
    later = NOW + timedelta(days=7)
    assert refused(book, withdrawal(account.id, 701), now=later) is InsufficientFunds
    assert refused(book, capture(held.id, 10), now=later) is HoldEnded
    recorded(book, expiry(held.id), now=later)
    assert book.accounts[account.id].available == 1_000
    assert book.holds[held.id].status is HoldStatus.EXPIRED
    assert refused(book, release(held.id), now=later) is HoldEnded


def test_a_hold_without_an_end_never_expires() -> None:
    book, _, held = a_held(300)
    assert refused(book, expiry(held.id), now=NOW + timedelta(days=36_500)) is HoldNotExpired


def test_a_hold_that_does_not_exist_is_not_found() -> None:
    for intent in (capture("nothing", 10), release("nothing"), expiry("nothing")):
        assert refused(a_book(), intent) is NotFound


@pytest.mark.parametrize("state", ["open", "ended", "expired"])
def test_a_hold_of_somebody_else_is_not_found_whatever_has_become_of_it(state: str) -> None:
    book, _, held = a_held(300, expires_at=NOW + timedelta(days=7))
    if state == "ended":
        recorded(book, release(held.id))
    now = NOW + timedelta(days=8 if state == "expired" else 0)
    for intent in (
        capture(held.id, 10, customer_id=BOB),
        capture(held.id, 999, customer_id=BOB),
        release(held.id, customer_id=BOB),
        expiry(held.id, customer_id=BOB),
    ):
        assert refused(book, intent, now=now) is NotFound


def test_a_frozen_account_keeps_its_holds_until_they_end() -> None:
    book, account, held = a_held(300)
    recorded(book, status_change(account.id, AccountStatus.FROZEN))
    assert refused(book, capture(held.id, 300)) is AccountFrozen
    recorded(book, release(held.id))
    assert book.accounts[account.id].held == 0


# ---- reversals -------------------------------------------------------------------------------------------------------


def test_a_reversal_posts_the_opposite_and_names_what_it_undoes() -> None:
    source, target = account_state(balance=1_000), account_state(holders=(BOB,))
    book = a_book(source, target)
    moved = recorded(book, transfer(source.id, target.id, 300)).transaction
    undone = recorded(book, reversal(moved.id)).transaction
    assert (undone.type, undone.reverses, undone.account_id) == (TransactionType.REVERSAL, moved.id, source.id)
    assert sorted((posting.account_id, posting.amount) for posting in undone.postings) == sorted(
        (posting.account_id, -posting.amount) for posting in moved.postings
    )
    assert (book.accounts[source.id].balance, book.accounts[target.id].balance) == (1_000, 0)


def test_a_transaction_is_reversed_once_whoever_asks() -> None:
    account = account_state()
    book = a_book(account)
    moved = recorded(book, deposit(account.id, 300)).transaction
    recorded(book, reversal(moved.id))
    assert refused(book, reversal(moved.id)) is AlreadyReversed


def test_of_two_reversals_in_one_batch_one_is_refused() -> None:
    account = account_state()
    book = a_book(account)
    moved = recorded(book, deposit(account.id, 300)).transaction
    outcomes = applied(book, reversal(moved.id), reversal(moved.id))
    assert [type(outcome) for outcome in outcomes] == [Recorded, AlreadyReversed]


def test_a_reversal_is_itself_not_reversed() -> None:
    account = account_state()
    book = a_book(account)
    moved = recorded(book, deposit(account.id, 300)).transaction
    undone = recorded(book, reversal(moved.id)).transaction
    assert refused(book, reversal(undone.id)) is NotReversible


def test_what_moved_no_money_is_not_reversed() -> None:
    book, _, held = a_held(300)
    assert refused(book, reversal(held.id)) is NotReversible


def test_a_transaction_that_does_not_exist_is_not_reversed() -> None:
    assert refused(a_book(), reversal("nothing")) is NotFound


def test_a_reversal_asks_for_the_money_to_be_there_unless_it_is_forced() -> None:
    account = account_state()
    book = a_book(account)
    moved = recorded(book, deposit(account.id, 300)).transaction
    recorded(book, withdrawal(account.id, 200))
    assert refused(book, reversal(moved.id)) is InsufficientFunds
    undone = recorded(book, reversal(moved.id, forced_by="approval 7")).transaction
    assert (book.accounts[account.id].balance, undone.forced_by) == (-200, "approval 7")


def test_somebody_elses_transaction_is_not_found_even_where_undoing_it_would_only_credit_them() -> None:
    account = account_state(balance=1_000)
    book = a_book(account)
    moved = recorded(book, withdrawal(account.id, 300)).transaction
    assert refused(book, reversal(moved.id, customer_id=BOB)) is NotFound
    recorded(book, reversal(moved.id))
    assert refused(book, reversal(moved.id, customer_id=BOB)) is NotFound


def test_a_reversal_gives_back_before_it_takes() -> None:
    account = account_state(balance=100)
    book = a_book(account)
    legs = (
        Leg("cash-USD", -50, "USD"),
        Leg(account.id, 50, "USD"),
        Leg(account.id, -150, "USD"),
        Leg("cash-USD", 150, "USD"),
    )
    moved = recorded(book, posting_of(account.id, *legs)).transaction
    recorded(book, reversal(moved.id))
    assert book.accounts[account.id].balance == 100


# ---- the state of an account -----------------------------------------------------------------------------------------


def test_freezing_and_unfreezing_leaves_a_record_and_no_entry() -> None:
    account = account_state(balance=1_000)
    book = a_book(account)
    outcome = recorded(book, status_change(account.id, AccountStatus.FROZEN))
    assert (outcome.transaction.type, outcome.entries) == (TransactionType.STATUS_CHANGE, ())
    assert book.accounts[account.id].status is AccountStatus.FROZEN
    assert refused(book, deposit(account.id, 10)) is AccountFrozen
    recorded(book, status_change(account.id, AccountStatus.ACTIVE))
    recorded(book, deposit(account.id, 10))


def test_an_intent_that_no_rule_knows_is_a_fault_of_the_program() -> None:
    with pytest.raises(KeyError):
        applied(a_book(), Intent(id="1", fingerprint="f", initiated_by=ALICE, channel="test"))
