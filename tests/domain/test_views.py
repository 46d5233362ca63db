"""Accounts and lines as people see them: money, names and the other side, as far as each may know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.account_views import AccountView, Holder
from app.domain.accounts import AccountStatus, AccountType, Limits, StatusDecision
from app.domain.actor import Actor, Role
from app.domain.errors import ValidationFailed
from app.domain.history import HistoryFilter
from app.domain.ledger.records import Entry, Hold, HoldStatus, TransactionType
from app.domain.lines import ALL_NUMBERS, Counterparty, Exchange, Line, LineInFull, counterparty_of, shown_to
from app.domain.masking import masked_name, masked_number
from app.domain.money import AMOUNT_MINOR_MAX, Money
from tests.factories.ledger import OPENED_AT, account_state

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def dollars(amount_minor: int) -> Money:
    return Money(amount_minor, "USD")


# ---- masking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Alice Ann Archer", "A*** A***"),
        ("Bob Brown", "B*** B***"),
        ("Cher", "C***"),
        ("  Dora   Mary Dent ", "D*** D***"),
        ("", ""),
    ],
)
def test_of_a_name_the_first_letters_of_the_first_and_the_last_word_are_shown(name: str, masked: str) -> None:
    assert masked_name(name) == masked


def test_of_a_number_the_last_four_digits_are_shown() -> None:
    assert masked_number("123456789012") == "********9012"
    assert masked_number("9012") == "9012"


# ---- accounts --------------------------------------------------------------------------------------------------------

DECISION = StatusDecision("Lost card.", "bella-id", NOW)
ACCOUNT = account_state(
    id="111",
    holders=("c1", "c2"),
    holder_names=("Alice Archer", None),
    primary_for=("c1",),
    type=AccountType.SAVINGS,
    status=AccountStatus.FROZEN_DEBITS,
    balance=1_000,
    held=300,
    overdraft_limit=50,
    minimum_balance=20,
    limits=Limits(withdrawal=400, transfer_daily=0),
    product="SAVER",
    branch="HQ",
    nickname="Holiday",
    status_decision=DECISION,
)


def test_a_holder_sees_their_account_in_money() -> None:
    assert AccountView.for_holder(ACCOUNT, "c1", iban="XX00 111") == AccountView(
        number="111",
        iban="XX00 111",
        nickname="Holiday",
        product="SAVER",
        branch="HQ",
        type=AccountType.SAVINGS,
        currency="USD",
        status=AccountStatus.FROZEN_DEBITS,
        blocked=False,
        balance=dollars(1_000),
        available=dollars(730),
        held=dollars(300),
        overdraft_limit=dollars(50),
        minimum_balance=dollars(20),
        limits={"withdrawal": dollars(400), "withdrawal_daily": None, "transfer": None, "transfer_daily": dollars(0)},
        opened_at=OPENED_AT,
        primary=True,
        holder_names=("Alice Archer", None),
        holders=(),
        status_decision=DECISION,
    )


def test_an_account_is_primary_for_those_who_get_it_when_they_name_none() -> None:
    assert not AccountView.for_holder(ACCOUNT, "c2", iban=None).primary
    holders = {each: Holder(each, None, None, None) for each in ("c2", "c1", "c3")}
    assert AccountView.for_staff(ACCOUNT, holders, iban=None).primary
    assert not AccountView.for_staff(ACCOUNT._replace(primary_for=()), holders, iban=None).primary


def test_staff_see_who_holds_an_account() -> None:
    holders = {each: Holder(each, f"user {each}", None, None) for each in ("c2", "c1", "c3")}
    view = AccountView.for_staff(ACCOUNT, holders, iban="XX00 111")
    assert view.holders == (holders["c1"], holders["c2"])
    assert (view.number, view.iban) == ("111", "XX00 111")


def test_an_account_is_blocked_while_a_holder_is_suspended() -> None:
    assert AccountView.for_holder(ACCOUNT._replace(suspended_holders=("c2",)), "c1", iban=None).blocked


def test_who_holds_an_account_is_told_name_by_name_and_to_others_masked() -> None:
    assert account_state(holders=("c1", "c2")).names_of_holders == (None, None)
    assert ACCOUNT.names_of_holders == ("Alice Archer", None)
    assert ACCOUNT.masked_holders == "A*** A***"
    assert ACCOUNT._replace(holder_names=("Alice Archer", "Bob Brown")).masked_holders == "A*** A*** & B*** B***"
    assert account_state().masked_holders is None
    assert ACCOUNT._replace(holder_names=(None, None)).masked_holders is None


# ---- lines -----------------------------------------------------------------------------------------------------------


def an_entry(**facts: Any) -> Entry:
    defaults: dict[str, Any] = {
        "id": "e1",
        "account_id": "111",
        "seq": 1,
        "transaction_id": "t1",
        "amount": -300,
        "currency": "USD",
        "balance_after": 700,
        "type": TransactionType.TRANSFER,
        "description": None,
        "counterparty": "123456789012",
        "counterparty_name": "B*** B***",
        "business_date": "2026-11-20",
        "value_date": "2026-11-20",
        "created_at": NOW,
    }
    return Entry(**defaults | facts)


CUSTOMER = Actor("carol-id", "carol", Role.CUSTOMER, "s1", customer_id="c1")
BANKER = Actor("bella-id", "bella", Role.BANKER, "s2")
EXCHANGED = {
    "fx_quote": "q1", "fx_pair": "EUR/USD", "fx_rate": "1.25", "fx_spread": "0", "fx_given_rate": "0.8",
    "fx_source": "3.00 USD", "fx_target": "2.40 EUR",
}  # fmt: skip


def test_customers_see_their_own_numbers_in_full_and_staff_all() -> None:
    masked, full = Counterparty("B*** B***", "********9012"), Counterparty("B*** B***", "123456789012")
    assert counterparty_of(an_entry(), shown_to(CUSTOMER)) == masked
    assert counterparty_of(an_entry(), shown_to(CUSTOMER, ["123456789012"])) == full
    assert counterparty_of(an_entry(), shown_to(CUSTOMER, iter(["111"]))) == masked
    assert counterparty_of(an_entry(), shown_to(BANKER)) == full
    assert counterparty_of(an_entry(), ALL_NUMBERS) == full


def test_the_banks_own_accounts_are_nobodys() -> None:
    for counterparty in (None, "cash-USD"):
        assert counterparty_of(an_entry(counterparty=counterparty, counterparty_name=None), ALL_NUMBERS) is None


def test_a_line_tells_its_reference_and_the_exchange_that_it_came_from() -> None:
    line = Line.of(an_entry(), {"reference": "R-7", **EXCHANGED}, shown=ALL_NUMBERS)
    assert line == Line(
        entry=an_entry(),
        counterparty=Counterparty("B*** B***", "123456789012"),
        reference="R-7",
        exchange=Exchange("0.8", "2.40", "EUR", "q1"),
    )
    needed = {name: EXCHANGED[name] for name in ("fx_quote", "fx_given_rate", "fx_source", "fx_target")}
    assert Line.of(an_entry(), needed, shown=()).exchange == line.exchange
    other_side = Line.of(an_entry(currency="EUR"), EXCHANGED, shown=())
    assert (other_side.exchange, other_side.reference) == (Exchange("0.8", "3.00", "USD", "q1"), None)
    assert other_side.counterparty == Counterparty("B*** B***", "********9012")


@pytest.mark.parametrize("missing", ["fx_quote", "fx_given_rate", "fx_source", "fx_target"])
def test_of_an_exchange_that_is_not_told_whole_nothing_is_shown(missing: str) -> None:
    told = {name: text for name, text in EXCHANGED.items() if name != missing}
    assert Line.of(an_entry(), told, shown=()).exchange is None


def test_staff_see_what_a_line_reverses_and_what_reversed_it() -> None:
    line = LineInFull.of(an_entry(), {}, shown=ALL_NUMBERS, reverses="t0", reversed_by=None)
    assert isinstance(line, LineInFull)
    assert (line.reverses, line.reversed_by, line.reference) == ("t0", None, None)


def test_an_entry_says_which_way_the_money_went_and_how_much_was_there_then() -> None:
    out, into = an_entry(), an_entry(amount=300, account_id="cash-USD#03")
    assert (out.direction, into.direction) == ("debit", "credit")
    assert (an_entry(amount=-1).direction, an_entry(amount=1).direction) == ("debit", "credit")
    assert out.absolute_amount == into.absolute_amount == dollars(300)
    assert out.money_after == dollars(700)
    assert (out.account_name, into.account_name) == ("111", "cash-USD")


def test_a_hold_is_told_in_money_and_as_it_was_placed_whatever_has_become_of_it() -> None:
    facts: dict[str, Any] = {
        "id": "h1", "account_id": "111", "amount": 300, "currency": "USD", "type": "card", "reason": "Hotel",
        "expires_at": None, "placed_by": "bella-id", "placed_at": NOW,
    }  # fmt: skip
    placed = Hold(**facts, remaining=300)
    later: dict[str, Any] = {"ended_by": "bert-id", "ended_at": NOW, "end_reason": "Done."}
    ended = Hold(**facts, remaining=20, captured=280, status=HoldStatus.CAPTURED, **later)
    assert (ended.money, ended.money_remaining, ended.money_captured) == (dollars(300), dollars(20), dollars(280))
    assert ended.as_placed() == placed
    assert placed.as_placed() == placed


# ---- filters of the history ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exponent", "bounds"), [(0, (2, 10)), (2, (105, 1_099)), (3, (1_050, 10_999)), (4, (10_500, 109_999))]
)
def test_bounds_are_rounded_into_the_span_that_was_asked_for(exponent: int, bounds: tuple[int, int]) -> None:
    assert HistoryFilter(min_amount="1.05", max_amount="10.9999").minor_bounds(exponent) == bounds


def test_a_bound_that_is_not_given_bounds_nothing() -> None:
    assert HistoryFilter().minor_bounds(2) == (None, None)
    assert HistoryFilter(min_amount="1").minor_bounds(2) == (100, None)
    assert HistoryFilter(max_amount="1").minor_bounds(2) == (None, 100)


def test_a_bound_beyond_every_amount_stays_in_the_databases_range() -> None:
    assert HistoryFilter(min_amount="9" * 15).minor_bounds(4) == (AMOUNT_MINOR_MAX + 1, None)
    largest = str(Money(AMOUNT_MINOR_MAX, "USD"))
    assert HistoryFilter(max_amount=largest).minor_bounds(2) == (None, AMOUNT_MINOR_MAX)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"since": NOW, "until": NOW - timedelta(milliseconds=1)}, "from"),
        ({"min_amount": "10", "max_amount": "9.99"}, "min_amount"),
        ({"min_amount": "10", "max_amount": "9"}, "min_amount"),
    ],
)
def test_bounds_that_leave_nothing_between_them_are_refused(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        HistoryFilter(**facts)
    assert set(refusal.value.errors or {}) == {field}


def test_bounds_are_inclusive_and_each_may_stand_alone() -> None:
    for facts in (
        {"since": NOW, "until": NOW},
        {"since": NOW},
        {"until": NOW},
        {"min_amount": "10", "max_amount": "10.0"},
        {"min_amount": "9", "max_amount": "10"},
        {"min_amount": "10"},
        {"max_amount": "10"},
    ):
        HistoryFilter(**facts)  # type: ignore[arg-type]


def test_whatever_an_index_does_not_tell_needs_lines_to_be_looked_at() -> None:
    assert not HistoryFilter(since=NOW, until=NOW).needs_scan
    for facts in ({"type": TransactionType.DEPOSIT}, {"direction": "credit"}, {"min_amount": "1"}, {"max_amount": "1"}):
        assert HistoryFilter(**facts).needs_scan  # type: ignore[arg-type]
