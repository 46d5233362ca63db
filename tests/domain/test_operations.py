"""What staff ask for: kept and shown as it will be executed, told apart by what was asked, posted as it says.

What an approval keeps and what a key's fingerprint covers must read the same in every release, so both are spelled out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.accounts import Account, AccountKind, AccountType, Limits
from app.domain.actor import Role
from app.domain.bulk import Bulk
from app.domain.bulk_files import BulkMode
from app.domain.errors import StateConflict
from app.domain.ledger.intents import CaptureHold, ChangeHolders, ChangeTerms, Leg, Open, Post, Reverse
from app.domain.ledger.records import Posting, Transaction, TransactionType
from app.domain.money import Money
from app.domain.operations.adjustment import Adjustment
from app.domain.operations.base import Operation, OperationName
from app.domain.operations.bulk_posting import BulkPosting
from app.domain.operations.cash import CounterDeposit, CounterWithdrawal
from app.domain.operations.fx_rate_change import FxRateChange
from app.domain.operations.hold_capture import HoldCapture
from app.domain.operations.holders_change import HoldersChange, Member
from app.domain.operations.opening import AccountOpening
from app.domain.operations.policy_change import PolicyChange
from app.domain.operations.registry import OPERATIONS
from app.domain.operations.reversal import Reversal, ReversalLeg
from app.domain.operations.staff_role_change import StaffRoleChange
from app.domain.operations.terms import LimitsChange, OverdraftChange
from app.domain.operations.transfer import BankerTransfer
from app.domain.policies import Policy, Rule
from app.domain.users import PasswordHash, User

NOW = datetime(2026, 11, 20, 12, 0, 0, 125_000, tzinfo=UTC)
FACTS: dict[str, Any] = {"id": "1", "fingerprint": "f", "initiated_by": "bert", "channel": "counter"}
ALICE, BOB = "111111111110", "222222222220"


def dollars(amount_minor: int) -> Money:
    return Money(amount_minor, "USD")


NEW_ACCOUNT = Account(
    id=ALICE,
    kind=AccountKind.CUSTOMER,
    type=AccountType.SAVINGS,
    currency="USD",
    holders=("c1", "c2"),
    holder_names=("Alice Archer", None),
    minimum_balance=500,
    limits=Limits(withdrawal=10_000, transfer_daily=1_050),
    product="SAVER",
    branch="HQ",
    nickname="Holiday",
    opened_at=datetime(1970, 1, 1, tzinfo=UTC),
)
OPENING = AccountOpening(account=NEW_ACCOUNT, deposit=dollars(2_500), is_numbered=True)
EMPTY_OPENING = AccountOpening(account=NEW_ACCOUNT._replace(branch=None, nickname=None))
DEPOSIT = CounterDeposit(account=ALICE, money=dollars(1_050), description="wages", holders=("Alice Archer", None))
WITHDRAWAL = CounterWithdrawal(account=ALICE, money=dollars(1_050), holders=("Alice Archer",))
ADJUSTMENT = Adjustment(account=ALICE, holders=("Alice Archer",), direction="debit", money=dollars(7), reason="Typo.")
TRANSFER = BankerTransfer(
    source=ALICE,
    source_holders=("Alice Archer",),
    target=BOB,
    target_holders=("Bob Brown", None),
    money=dollars(300),
    description="rent",
    reference="R-7",
)
CAPTURE = HoldCapture(
    hold="h1",
    account=ALICE,
    holders=("Alice Archer",),
    money=dollars(300),
    target=BOB,
    target_holders=("Bob Brown",),
    final=False,
)
CAPTURE_OF_ALL = HoldCapture(hold="h1", account=ALICE, holders=("Alice Archer",), money=dollars(300), takes_all=True)
REVERSAL = Reversal(
    transaction="t1",
    account=ALICE,
    holders=("Alice Archer",),
    legs=(
        ReversalLeg("cash-USD", (), dollars(-900)),
        ReversalLeg(BOB, ("Bob Brown",), dollars(300)),
        ReversalLeg(ALICE, ("Alice Archer",), dollars(600)),
    ),
    reason="Booked twice.",
    force=True,
)
OVERDRAFT = OverdraftChange(account=ALICE, holders=("Alice Archer",), before=dollars(0), limit=dollars(5_000))
LIMITS = LimitsChange(
    account=ALICE,
    holders=("Alice Archer",),
    currency="USD",
    before=Limits(withdrawal=100, transfer=None),
    limits=Limits(withdrawal=200, transfer=300),
    given=("withdrawal", "transfer"),
)
JOINING = HoldersChange(
    account=ALICE,
    holders=("Alice Archer",),
    customer_numbers=("C1",),
    joins=Member(customer="c2", customer_number="C2", full_name="Bob Brown"),
)
LEAVING = HoldersChange(
    account=ALICE,
    holders=("Alice Archer", None),
    customer_numbers=("C1", "C2"),
    leaves=Member(customer="c2", customer_number="C2", full_name=None),
)
RATE = FxRateChange(
    rate_id="r1", base="EUR", quote="USD", rate="1.25", spread="0.01", valid_from=NOW + timedelta(hours=1), set_by="ada"
)
RATE_AT_ONCE = replace(RATE, valid_from=None)
ROLE = StaffRoleChange(user="u1", username="bert", before=Role.BANKER, role=Role.ADMIN)
POLICY = PolicyChange(
    policy=Policy(OperationName.REVERSAL, Rule.AT_OR_ABOVE, (dollars(5_000), Money(70, "JPY"))),
    before=Policy(OperationName.REVERSAL, Rule.ALWAYS),
)
BULK = BulkPosting(
    bulk="b1",
    source=ALICE,
    source_holders=("Alice Archer",),
    mode=BulkMode.ALL_OR_NOTHING,
    lines=12,
    total=dollars(99_900),
    digest="d",
)

LIMITS_SHOWN = {"withdrawal": "100.00", "withdrawal_daily": None, "transfer": None, "transfer_daily": "10.50"}
OPENING_KEPT: dict[str, Any] = {
    "account": ALICE, "is_numbered": True, "product": "SAVER", "type": "savings", "customers": ["c1", "c2"],
    "holders": ["Alice Archer", None], "branch": "HQ", "nickname": "Holiday", "currency": "USD",
    "minimum_balance": "5.00", "limits": LIMITS_SHOWN, "opening_deposit": "25.00",
}  # fmt: skip
OPENING_SENT = {
    "number": ALICE, "product": "SAVER", "customers": ["c1", "c2"], "branch": "HQ", "nickname": "Holiday",
    "deposit_minor": 2_500,
}  # fmt: skip
BULK_SENT = {
    "bulk": "b1", "from": ALICE, "mode": "all_or_nothing", "lines": 12, "total": "999.00", "currency": "USD",
    "digest": "d",
}  # fmt: skip
RATE_SENT = {"base": "EUR", "quote": "USD", "rate": "1.25", "spread": "0.01"}
RULES = {
    "from": {"rule": "always", "thresholds": []},
    "to": {
        "rule": "at_or_above",
        "thresholds": [{"amount": "50.00", "currency": "USD"}, {"amount": "70", "currency": "JPY"}],
    },
}
BOTH_FROM_TO = {"currency": "USD", "from": "0.00", "to": "50.00"}
NO_LIMITS = {"withdrawal": None, "withdrawal_daily": None, "transfer": None, "transfer_daily": None}

KEPT_AND_SENT: list[tuple[Operation, dict[str, Any], dict[str, Any]]] = [
    (OPENING, OPENING_KEPT, OPENING_SENT),
    (
        EMPTY_OPENING,
        OPENING_KEPT | {"is_numbered": False, "branch": None, "nickname": None, "opening_deposit": None},
        OPENING_SENT | {"number": None, "branch": None, "nickname": None, "deposit_minor": None},
    ),
    (
        DEPOSIT,
        {
            "account": ALICE, "holders": ["Alice Archer", None], "amount": "10.50", "currency": "USD",
            "description": "wages",
        },
        {"account": ALICE, "money": {"amount_minor": 1_050, "currency": "USD"}, "description": "wages"},
    ),
    (
        WITHDRAWAL,
        {"account": ALICE, "holders": ["Alice Archer"], "amount": "10.50", "currency": "USD", "description": None},
        {"account": ALICE, "money": {"amount_minor": 1_050, "currency": "USD"}, "description": None},
    ),
    (
        ADJUSTMENT,
        {
            "account": ALICE, "holders": ["Alice Archer"], "direction": "debit", "amount": "0.07", "currency": "USD",
            "reason": "Typo.",
        },
        {
            "account": ALICE, "direction": "debit", "money": {"amount_minor": 7, "currency": "USD"}, "reason": "Typo.",
        },
    ),
    (
        TRANSFER,
        {
            "from": ALICE, "from_holders": ["Alice Archer"], "to": BOB, "to_holders": ["Bob Brown", None],
            "amount": "3.00", "currency": "USD", "description": "rent", "reference": "R-7",
        },
        {
            "from": ALICE, "to": BOB, "money": {"amount_minor": 300, "currency": "USD"}, "description": "rent",
            "reference": "R-7",
        },
    ),
    (
        CAPTURE,
        {
            "hold": "h1", "account": ALICE, "holders": ["Alice Archer"], "to": BOB, "to_holders": ["Bob Brown"],
            "amount": "3.00", "currency": "USD", "takes_all": False, "final": False,
        },
        {"hold": "h1", "amount_minor": 300, "to": BOB, "final": False},
    ),
    (
        CAPTURE_OF_ALL,
        {
            "hold": "h1", "account": ALICE, "holders": ["Alice Archer"], "to": None, "to_holders": [],
            "amount": "3.00", "currency": "USD", "takes_all": True, "final": None,
        },
        {"hold": "h1", "amount_minor": None, "to": None, "final": None},
    ),
    (
        REVERSAL,
        {
            "transaction": "t1", "account": ALICE, "holders": ["Alice Archer"],
            "legs": [
                {"account": "cash-USD", "holders": [], "amount": "-9.00", "currency": "USD"},
                {"account": BOB, "holders": ["Bob Brown"], "amount": "3.00", "currency": "USD"},
                {"account": ALICE, "holders": ["Alice Archer"], "amount": "6.00", "currency": "USD"},
            ],
            "reason": "Booked twice.", "force": True,
        },
        {"transaction": "t1", "reason": "Booked twice.", "force": True},
    ),
    (
        OVERDRAFT,
        {"account": ALICE, "holders": ["Alice Archer"], **BOTH_FROM_TO},
        {"account": ALICE, "limit": "50.00"},
    ),
    (
        LIMITS,
        {
            "account": ALICE, "holders": ["Alice Archer"], "currency": "USD",
            "from": NO_LIMITS | {"withdrawal": "1.00"},
            "to": NO_LIMITS | {"withdrawal": "2.00", "transfer": "3.00"},
            "given": ["withdrawal", "transfer"],
        },
        {"account": ALICE, "limits": {"transfer": "3.00", "withdrawal": "2.00"}},
    ),
    (
        JOINING,
        {
            "account": ALICE, "holders": ["Alice Archer"], "customer_numbers": ["C1"],
            "joins": {"customer": "c2", "customer_number": "C2", "full_name": "Bob Brown"}, "leaves": None,
        },
        {"account": ALICE, "joins": "c2", "leaves": None},
    ),
    (
        LEAVING,
        {
            "account": ALICE, "holders": ["Alice Archer", None], "customer_numbers": ["C1", "C2"], "joins": None,
            "leaves": {"customer": "c2", "customer_number": "C2", "full_name": None},
        },
        {"account": ALICE, "joins": None, "leaves": "c2"},
    ),
    (
        RATE,
        {**RATE_SENT, "valid_from": "2026-11-20T13:00:00.125+00:00", "id": "r1", "set_by": "ada"},
        {**RATE_SENT, "valid_from": "2026-11-20T13:00:00.125+00:00"},
    ),
    (RATE_AT_ONCE, {**RATE_SENT, "valid_from": None, "id": "r1", "set_by": "ada"}, {**RATE_SENT, "valid_from": None}),
    (
        ROLE,
        {"user": "u1", "username": "bert", "before": "banker", "role": "admin"},
        {"user": "u1", "role": "admin"},
    ),
    (POLICY, {"operation": "reversal", **RULES}, {"operation": "reversal", "to": RULES["to"]}),
    (BULK, {**BULK_SENT, "from_holders": ["Alice Archer"]}, BULK_SENT),
]  # fmt: skip


def test_every_operation_is_tried_here() -> None:
    assert {type(operation) for operation, _, _ in KEPT_AND_SENT} == set(OPERATIONS.values())
    assert set(OPERATIONS) == set(OperationName)
    assert all(OPERATIONS[name].NAME is name for name in OPERATIONS)


@pytest.mark.parametrize(("operation", "kept", "sent"), KEPT_AND_SENT)
def test_an_operation_is_kept_as_the_approver_sees_it_and_comes_back_the_same(
    operation: Operation, kept: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert operation.payload() == kept
    assert json.loads(json.dumps(operation.payload())) == kept
    assert type(operation).from_payload(json.loads(json.dumps(kept))) == operation


@pytest.mark.parametrize(("operation", "kept", "sent"), KEPT_AND_SENT)
def test_a_request_is_told_from_another_by_what_was_asked_and_not_by_what_was_looked_up(
    operation: Operation, kept: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert operation.sent() == sent


@pytest.mark.parametrize(
    ("operation", "subject", "kind"),
    [
        (OPENING, ALICE, "account"),
        (DEPOSIT, ALICE, "account"),
        (ADJUSTMENT, ALICE, "account"),
        (TRANSFER, ALICE, "account"),
        (CAPTURE, ALICE, "account"),
        (REVERSAL, ALICE, "account"),
        (OVERDRAFT, ALICE, "account"),
        (LIMITS, ALICE, "account"),
        (JOINING, ALICE, "account"),
        (BULK, ALICE, "account"),
        (RATE, "EUR/USD", "fx_rate"),
        (ROLE, "u1", "user"),
        (POLICY, "reversal", "policy"),
    ],
)
def test_an_operation_names_what_it_is_done_to(operation: Operation, subject: str, kind: str) -> None:
    assert (operation.subject, operation.SUBJECT_KIND) == (subject, kind)


@pytest.mark.parametrize(
    ("operation", "amount"),
    [
        (OPENING, dollars(2_500)),
        (EMPTY_OPENING, None),
        (DEPOSIT, dollars(1_050)),
        (WITHDRAWAL, dollars(1_050)),
        (ADJUSTMENT, dollars(7)),
        (TRANSFER, dollars(300)),
        (CAPTURE, dollars(300)),
        (OVERDRAFT, dollars(5_000)),
        (BULK, dollars(99_900)),
        (LIMITS, None),
        (JOINING, None),
        (RATE, None),
        (ROLE, None),
        (POLICY, None),
    ],
)
def test_a_threshold_judges_the_amount_that_an_operation_is_about(operation: Operation, amount: Money | None) -> None:
    assert operation.amount == amount


def test_of_a_reversal_a_threshold_judges_the_largest_posting_where_all_are_of_one_currency() -> None:
    assert REVERSAL.amount == dollars(900)
    assert replace(REVERSAL, legs=(*REVERSAL.legs, ReversalLeg("fx-EUR", (), Money(1, "EUR")))).amount is None
    assert replace(REVERSAL, legs=()).amount is None


def test_only_what_an_administrator_must_answer_for_waits_for_an_administrator() -> None:
    asking = {name for name, kind in OPERATIONS.items() if kind.ADMIN_DECIDES}
    assert asking == {OperationName.FX_RATE_CHANGE, OperationName.STAFF_ROLE_CHANGE, OperationName.POLICY_CHANGE}


def test_what_may_overdraw_always_asks_for_a_second_person() -> None:
    assert REVERSAL.always_asks
    assert not replace(REVERSAL, force=False).always_asks
    assert not DEPOSIT.always_asks


# ---- what only takes something away needs one person -----------------------------------------------------------------


def test_an_opening_without_cash_needs_no_second_person() -> None:
    assert EMPTY_OPENING.never_asks
    assert not OPENING.never_asks
    assert not DEPOSIT.never_asks


def test_a_lower_overdraft_or_the_same_needs_no_second_person() -> None:
    for before, limit, never in ((5_000, 4_999, True), (5_000, 5_000, True), (5_000, 5_001, False)):
        change = replace(OVERDRAFT, before=dollars(before), limit=dollars(limit))
        assert change.never_asks is never


@pytest.mark.parametrize(
    ("before", "after", "never"),
    [
        (Limits(withdrawal=100), Limits(withdrawal=100), True),
        (Limits(withdrawal=100), Limits(withdrawal=99), True),
        (Limits(withdrawal=100), Limits(withdrawal=101), False),
        (Limits(withdrawal=100), Limits(), False),
        (Limits(), Limits(transfer_daily=1), True),
        (Limits(withdrawal=100, transfer=100), Limits(withdrawal=50, transfer=200), False),
    ],
)
def test_limits_that_only_get_tighter_need_no_second_person(before: Limits, after: Limits, never: bool) -> None:
    assert replace(LIMITS, before=before, limits=after).never_asks is never


# ---- what is posted --------------------------------------------------------------------------------------------------


def test_cash_at_the_counter_moves_between_the_account_and_the_banks_cash() -> None:
    paid_in = DEPOSIT.intent(FACTS, approval=None)
    assert paid_in == Post(
        **FACTS,
        type=TransactionType.DEPOSIT,
        account_id=ALICE,
        description="wages",
        legs=(Leg(ALICE, 1_050, "USD"), Leg("cash-USD", -1_050, "USD")),
    )
    paid_out = WITHDRAWAL.intent(FACTS, approval="a1")
    assert (paid_out.type, paid_out.description) == (TransactionType.WITHDRAWAL, None)
    assert paid_out.legs == (Leg(ALICE, -1_050, "USD"), Leg("cash-USD", 1_050, "USD"))


def test_an_adjustment_moves_money_between_the_account_and_the_banks_adjustments() -> None:
    assert ADJUSTMENT.intent(FACTS, approval="a1") == Post(
        **FACTS,
        type=TransactionType.ADJUSTMENT,
        account_id=ALICE,
        description="Typo.",
        legs=(Leg(ALICE, -7, "USD"), Leg("adjustment-USD", 7, "USD")),
    )
    credit = replace(ADJUSTMENT, direction="credit").intent(FACTS, approval=None)
    assert credit.legs == (Leg(ALICE, 7, "USD"), Leg("adjustment-USD", -7, "USD"))


def test_a_transfer_on_a_customers_behalf_keeps_its_reference_beside_what_is_told_of_the_request() -> None:
    assert TRANSFER.intent({**FACTS, "metadata": {"approval": "a1"}}, approval="a1") == Post(
        **FACTS,
        type=TransactionType.TRANSFER,
        account_id=ALICE,
        description="rent",
        metadata={"approval": "a1", "reference": "R-7"},
        legs=(Leg(ALICE, -300, "USD"), Leg(BOB, 300, "USD")),
    )
    assert replace(TRANSFER, reference=None).intent(FACTS, approval=None).metadata == {}


def test_a_capture_takes_the_amount_that_was_approved_and_all_that_is_left_where_nobody_had_to() -> None:
    assert CAPTURE.intent(FACTS, approval=None) == CaptureHold(
        **FACTS, hold_id="h1", amount=300, to_account_id=BOB, final=False
    )
    assert CAPTURE_OF_ALL.intent(FACTS, approval=None).amount is None
    assert CAPTURE_OF_ALL.intent(FACTS, approval="a1").amount == 300


def test_a_capture_goes_to_the_banks_cash_and_leaves_the_hold_open_unless_it_says_other() -> None:
    to_cash = CAPTURE_OF_ALL.intent(FACTS, approval=None)
    assert (to_cash.to_account_id, to_cash.final) == ("cash-USD", False)
    assert replace(CAPTURE_OF_ALL, final=True).intent(FACTS, approval=None).final is True


def test_an_opening_opens_the_account_with_the_cash_that_is_paid_in() -> None:
    assert OPENING.intent(FACTS, approval="a1") == Open(**FACTS, account=NEW_ACCOUNT, opening_amount=2_500)
    assert EMPTY_OPENING.intent(FACTS, approval=None).opening_amount == 0


def test_other_terms_are_posted_only_in_place_of_those_that_the_decision_was_made_on() -> None:
    assert OVERDRAFT.intent(FACTS, approval="a1") == ChangeTerms(
        **FACTS, account_id=ALICE, overdraft_limit=5_000, expected_overdraft_limit=0
    )
    assert LIMITS.intent(FACTS, approval="a1") == ChangeTerms(
        **FACTS, account_id=ALICE, limits=LIMITS.limits, expected_limits=LIMITS.before
    )


def test_a_change_of_holders_adds_who_joins_and_removes_who_leaves() -> None:
    assert JOINING.intent(FACTS, approval="a1") == ChangeHolders(**FACTS, account_id=ALICE, add=(("c2", "Bob Brown"),))
    assert LEAVING.intent(FACTS, approval="a1") == ChangeHolders(**FACTS, account_id=ALICE, remove=("c2",))


def test_only_a_forced_reversal_names_the_approval_that_lets_it_overdraw() -> None:
    assert REVERSAL.intent(FACTS, approval="a1") == Reverse(
        **FACTS, transaction_id="t1", description="Booked twice.", forced_by="a1"
    )
    assert replace(REVERSAL, force=False).intent(FACTS, approval="a1").forced_by is None


def test_a_reversal_shows_the_opposite_postings_last_first_with_whom_they_concern() -> None:
    original = Transaction(
        id="t1",
        type=TransactionType.TRANSFER,
        account_id=ALICE,
        postings=(Posting(ALICE, -900, "USD", "e1"), Posting("cash-USD#03", 900, "USD", "e2")),
        description=None,
        initiated_by="alice",
        channel="api",
        fingerprint="f",
        business_date="2026-11-20",
        value_date="2026-11-20",
        created_at=NOW,
    )
    names = {ALICE: ("Alice Archer",), "cash-USD#03": ()}
    for force in (True, False):
        assert Reversal.of(original, names, reason="Booked twice.", force=force) == Reversal(
            transaction="t1",
            account=ALICE,
            holders=("Alice Archer",),
            legs=(
                ReversalLeg("cash-USD", (), dollars(-900)),
                ReversalLeg(ALICE, ("Alice Archer",), dollars(900)),
            ),
            reason="Booked twice.",
            force=force,
        )


# ---- what changes other documents than the ledger's ------------------------------------------------------------------


def test_a_rate_counts_from_when_it_is_executed_or_from_the_later_time_that_was_asked_for() -> None:
    at_once = RATE_AT_ONCE.rate_from(NOW)
    assert (at_once.id, at_once.base, at_once.quote, at_once.rate, at_once.spread) == (
        "r1", "EUR", "USD", "1.25", "0.01",
    )  # fmt: skip
    assert (at_once.valid_from, at_once.set_by, at_once.set_at) == (NOW, "ada", NOW)
    assert RATE.rate_from(NOW).valid_from == NOW + timedelta(hours=1)
    late = NOW + timedelta(hours=2)
    assert RATE.rate_from(late).valid_from == late


def test_a_role_is_changed_only_from_the_one_that_it_was_asked_for_with() -> None:
    user = User(
        id="u1", username="bert", canonical="bert", role=Role.BANKER, password=PasswordHash("x", 1), created_at=NOW
    )
    assert StaffRoleChange.of(user, Role.ADMIN) == ROLE
    ROLE.refuse_overtaken(user)
    with pytest.raises(StateConflict, match="bert is admin"):
        ROLE.refuse_overtaken(replace(user, role=Role.ADMIN))


def test_a_file_of_payments_is_shown_with_its_total_and_its_digest() -> None:
    bulk = Bulk(
        id="b1",
        request_id="t1",
        digest="d",
        source=ALICE,
        currency="USD",
        mode=BulkMode.ALL_OR_NOTHING,
        lines=12,
        total=99_900,
        requested_by="bert",
        requested_at=NOW,
    )
    assert BulkPosting.of(bulk, ("Alice Archer",)) == BULK
