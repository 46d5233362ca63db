"""The rules against a naive ledger: whatever is asked, in whatever order and company, both decide and count alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.domain.accounts import Account, AccountKind, AccountStatus, InternalAccount, Limits, Spent, new_stripes
from app.domain.errors import BankError
from app.domain.ledger.audit import AccountWalk, check_reversal, check_transaction
from app.domain.ledger.book import Book, Outcome
from app.domain.ledger.draft import Moment
from app.domain.ledger.intents import CaptureHold, ExpireHold, Intent, PlaceHold, Post, ReleaseHold, Reverse
from app.domain.ledger.records import Entry, Hold, HoldStatus, Transaction
from app.domain.ledger.rules import apply
from tests.domain.naive_ledger import REPLAYED, NaiveLedger, PaperAccount
from tests.factories.ledger import (
    ALICE,
    BOB,
    OPENED_AT,
    account_state,
    block,
    capture,
    closing,
    deposit,
    expiry,
    hold,
    new_holders,
    new_terms,
    opening,
    release,
    reversal,
    status_change,
    transfer,
    withdrawal,
)

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OWNERS = {"111": ALICE, "222": ALICE, "333": BOB, "444": BOB, "555": ALICE}
"""By whom an account is opened; others may come to hold it, too."""
OVERDRAFTS = {"111": 0, "222": 50, "333": 0}
"""The accounts that are there from the start; the others may be opened."""

numbers = st.sampled_from([*sorted(OVERDRAFTS) * 3, *sorted(OWNERS)])
amounts = st.integers(1, 120)
askers = st.sampled_from(["the bank", "the bank", "holder", "holder", "holder", "stranger"])
statuses = st.sampled_from([*[AccountStatus.ACTIVE] * 4, *(set(AccountStatus) - {AccountStatus.CLOSED})])
picks = st.integers(0, 1_000)
approvals = st.sampled_from([None, None, None, "approval 7"])
bounds = st.sampled_from([None, None, 20, 60, 100])
customers = st.sampled_from([ALICE, BOB, "carol"])


class Ledger(RuleBasedStateMachine):
    """What storage would hold, beside the naive ledger. Intents gather into batches, each posted by some writer."""

    def __init__(self) -> None:
        super().__init__()
        stripes = new_stripes(InternalAccount.CASH, "USD", now=OPENED_AT)
        customers = [
            account_state(id=number, holders=(OWNERS[number],), overdraft_limit=overdraft)
            for number, overdraft in OVERDRAFTS.items()
        ]
        self.accounts: dict[str, Account] = {each.id: each for each in (*stripes, *customers)}
        self.holds: dict[str, Hold] = {}
        self.transactions: dict[str, Transaction] = {}
        self.entries: dict[str, Entry] = {}
        self.paper = NaiveLedger({each.id: PaperAccount([*each.holders], each.overdraft_limit) for each in customers})
        self.now = START
        self.batch: list[Intent] = []
        self.asked: list[Intent] = []
        self.placed: list[PlaceHold] = []
        self.posted: list[Post] = []

    # ---- what may be asked -------------------------------------------------------------------------------------------

    @initialize(first=st.lists(st.tuples(numbers, amounts), min_size=1, max_size=3))
    def begin_with_some_money(self, first: list[tuple[str, int]]) -> None:
        for number, amount in first:
            self.deposit(number, amount, "the bank")
        self.post(stripe=0)

    @rule(number=numbers, amount=amounts, asker=askers)
    def deposit(self, number: str, amount: int, asker: str) -> None:
        self.ask_to_move(deposit(number, amount, customer_id=who(asker, number)))

    @rule(number=numbers, amount=amounts, asker=askers, approval=approvals)
    def withdraw(self, number: str, amount: int, asker: str, approval: str | None) -> None:
        self.ask_to_move(withdrawal(number, amount, customer_id=who(asker, number), forced_by=approval))

    @rule(source=numbers, to=numbers, amount=amounts, asker=askers)
    def transfer(self, source: str, to: str, amount: int, asker: str) -> None:
        self.ask_to_move(transfer(source, to, amount, customer_id=who(asker, source)))

    @rule(number=numbers, amount=amounts, asker=askers, minutes=st.sampled_from([None, 1, 60]))
    def place_hold(self, number: str, amount: int, asker: str, minutes: int | None) -> None:
        expires_at = None if minutes is None else self.now + timedelta(minutes=minutes)
        placed = hold(number, amount, customer_id=who(asker, number), expires_at=expires_at)
        self.placed.append(placed)
        self.ask(placed)

    @precondition(lambda self: self.placed)
    @rule(
        pick=picks,
        part=st.none() | amounts,
        to=st.sampled_from(["cash-USD", *OWNERS]),
        final=st.booleans(),
        asker=askers,
    )
    def capture(self, pick: int, part: int | None, to: str, final: bool, asker: str) -> None:
        placed = self.placed[pick % len(self.placed)]
        amount = None if part is None else 1 + part % (placed.amount + 1)
        self.ask(capture(placed.id, amount, to=to, final=final, customer_id=who(asker, placed.account_id)))

    @precondition(lambda self: self.placed)
    @rule(pick=picks, asker=askers)
    def release(self, pick: int, asker: str) -> None:
        placed = self.placed[pick % len(self.placed)]
        self.ask(release(placed.id, customer_id=who(asker, placed.account_id)))

    @precondition(lambda self: self.placed)
    @rule(pick=picks)
    def expire(self, pick: int) -> None:
        self.ask(expiry(self.placed[pick % len(self.placed)].id))

    @rule(pick=picks, approval=approvals, asker=askers)
    def reverse(self, pick: int, approval: str | None, asker: str) -> None:
        posted = self.posted[pick % len(self.posted)]
        self.ask(reversal(posted.id, forced_by=approval, customer_id=who(asker, posted.account_id)))

    @rule(pick=picks)
    def reverse_anything(self, pick: int) -> None:
        self.ask(reversal(self.asked[pick % len(self.asked)].id))

    @rule(number=numbers, status=statuses)
    def change_status(self, number: str, status: AccountStatus) -> None:
        self.ask(status_change(number, status))

    @rule(
        number=numbers,
        to=st.sampled_from([None, *OWNERS]),
        asker=askers,
        really=st.integers(0, 5).map(lambda n: n == 0),
    )
    def close(self, number: str, to: str | None, asker: str, really: bool) -> None:
        if really:
            self.ask(closing(number, transfer_to=to, customer_id=who(asker, number)))

    @rule(number=numbers, amount=st.just(0) | amounts, asker=askers)
    def open(self, number: str, amount: int, asker: str) -> None:
        new = account_state(id=number, holders=(OWNERS[number],))
        self.ask(opening(new, amount=amount, customer_id=who(asker, number)))

    @rule(number=numbers, once=bounds, daily=bounds, kind=st.sampled_from(["withdrawal", "transfer"]))
    def set_limits(self, number: str, once: int | None, daily: int | None, kind: str) -> None:
        self.ask(new_terms(number, limits=Limits(**{kind: once, f"{kind}_daily": daily})))

    @rule(number=numbers, overdraft=st.none() | st.integers(0, 60), minimum=st.none() | st.integers(0, 30))
    def set_overdraft_or_minimum(self, number: str, overdraft: int | None, minimum: int | None) -> None:
        self.ask(new_terms(number, overdraft_limit=overdraft, minimum_balance=minimum))

    @rule(number=numbers, joining=st.sets(customers, max_size=1), leaving=st.sets(customers, max_size=1))
    def change_holders(self, number: str, joining: set[str], leaving: set[str]) -> None:
        self.ask(new_holders(number, add=tuple((each, each) for each in joining), remove=tuple(leaving)))

    @rule(
        which=st.sets(numbers, min_size=1, max_size=2), holder=customers, blocked=st.sampled_from([False, False, True])
    )
    def suspend_or_readmit_a_holder(self, which: set[str], holder: str, blocked: bool) -> None:
        self.ask(block(*sorted(which), holder=holder, blocked=blocked))

    @rule(pick=picks, altered=st.integers(0, 3).map(lambda roll: roll == 0))
    def ask_again(self, pick: int, altered: bool) -> None:
        intent = self.asked[pick % len(self.asked)]
        self.batch.append(replace(intent, fingerprint="something else") if altered else intent)

    # ---- what happens meanwhile --------------------------------------------------------------------------------------

    @rule(minutes=st.integers(-5, 90) | st.sampled_from([-1_440, 1_440]))
    def let_time_pass_or_set_the_clock_back(self, minutes: int) -> None:
        self.post(stripe=1)
        self.now += timedelta(minutes=minutes)

    @rule(stripe=st.integers(0, 15))
    def post(self, stripe: int) -> None:
        """Post the batch as the journal does: on a book of what the batch needs, read from storage."""
        book = self.read(stripe)
        outcomes = apply(book, self.batch, Moment(self.now, self.now.date().isoformat()))
        for intent, outcome in zip(self.batch, outcomes, strict=True):
            against = self.paper.take(intent, self.now, stripe)
            assert verdict(outcome) in (against or {"done"}), (intent, outcome, against)
        assert not self.transactions.keys() & {each.id for each in book.new_transactions}
        assert not self.entries.keys() & {each.id for each in book.new_entries}
        self.accounts |= {name: book.accounts[name] for name in book.changed_accounts}
        self.holds |= {name: book.holds[name] for name in book.changed_holds}
        self.transactions |= {each.id: each for each in book.new_transactions}
        self.entries |= {each.id: each for each in book.new_entries}
        self.batch = []

    # ---- what must be true at any time -------------------------------------------------------------------------------

    @invariant()
    def both_ledgers_count_alike(self) -> None:
        if self.batch:
            return
        for account in self.accounts.values():
            assert (account.balance, account.held) == (self.paper.balance(account.id), self.paper.held(account.id))
            assert (account.business_date or "") == self.paper.last_day(account.id)
        assert sum(each.balance for each in self.accounts.values()) == 0
        open_holds = {name: each.left for name, each in self.paper.holds.items() if each.open}
        assert {n: each.remaining for n, each in self.holds.items() if each.status is HoldStatus.OPEN} == open_holds
        assert {n: each.captured for n, each in self.holds.items()} == {n: h.taken for n, h in self.paper.holds.items()}
        assert self.transactions.keys() == self.paper.done.keys()

    @invariant()
    def both_ledgers_know_the_same_accounts(self) -> None:
        if self.batch:
            return
        known = {each.id: each for each in self.accounts.values() if each.kind is AccountKind.CUSTOMER}
        assert known.keys() == self.paper.accounts.keys()
        for number, paper in self.paper.accounts.items():
            account = known[number]
            assert (account.status, account.holders) == (paper.status, tuple(paper.holders))
            assert (account.overdraft_limit, account.minimum_balance) == (paper.overdraft, paper.minimum)
            assert account.limits._asdict() == Limits()._asdict() | paper.limits
            assert set(account.suspended_holders) == paper.suspended
            assert account.available == self.paper.available(number)
            day = account.business_date or ""
            spent = Spent(*(self.paper.spent(number, kind, day) for kind in ("withdrawal", "transfer")))
            assert account.spent == spent

    @invariant()
    def the_books_are_in_order(self) -> None:
        if self.batch:
            return
        for account in self.accounts.values():
            walk = AccountWalk(account, held=self.paper.held(account.id))
            lines = [entry for entry in self.entries.values() if entry.account_id == account.id]
            for entry in lines:
                assert not list(walk.step(entry, self.transactions.get(entry.transaction_id)))
            assert not list(walk.end())
            assert [entry.id for entry in lines] == sorted(entry.id for entry in lines)
        for transaction in self.transactions.values():
            assert not list(check_transaction(transaction, self.entries))
            if transaction.reverses is not None:
                assert not list(check_reversal(transaction, self.transactions.get(transaction.reverses)))

    # ---- how it is done ----------------------------------------------------------------------------------------------

    def ask(self, intent: Intent) -> None:
        self.batch.append(intent)
        self.asked.append(intent)

    def ask_to_move(self, intent: Post) -> None:
        self.posted.append(intent)
        self.ask(intent)

    def teardown(self) -> None:
        self.post(stripe=2)

    def read(self, stripe: int) -> Book:
        book = Book(stripe=stripe)
        wanted = {each.id for each in self.batch} | {e.transaction_id for e in self.batch if isinstance(e, Reverse)}
        for each in self.transactions.values():
            if each.id in wanted or each.reverses in wanted:
                book.transactions[each.id] = each
                if each.reverses is not None:
                    book.reversals[each.reverses] = each.id
        meant = {each.hold_id for each in self.batch if isinstance(each, CaptureHold | ReleaseHold | ExpireHold)}
        book.holds = {name: each for name, each in self.holds.items() if name in meant}
        needed = {name for each in self.batch for name in book.accounts_needed(each)}
        book.accounts = {name: each for name, each in self.accounts.items() if name in needed}
        return book


def who(asker: str, number: str) -> str | None:
    """Return the customer that an intent acts for: none, where the bank itself asks. A stranger may hold it by now."""
    stranger = BOB if OWNERS[number] == ALICE else ALICE
    return {"the bank": None, "holder": OWNERS[number], "stranger": stranger}[asker]


def verdict(outcome: Outcome) -> str:
    if isinstance(outcome, BankError):
        return outcome.code
    return REPLAYED if outcome.replayed else "done"


class TestLedger(Ledger.TestCase):  # type: ignore[name-defined, misc]
    settings = settings(max_examples=settings().max_examples * 5 // 2, stateful_step_count=60, deadline=None)
