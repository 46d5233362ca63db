"""What the bank is made of besides money: its branches and their addresses, products, calendar, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.accounts import Account, AccountKind, AccountType, Limits
from app.domain.addresses import Address
from app.domain.branches import Branch, BranchStatus
from app.domain.clock import SystemClock, business_date, end_of_business_day, to_milliseconds
from app.domain.errors import BankError, NotFound, StateConflict, ValidationFailed, all_errors
from app.domain.money import Money
from app.domain.origin import LOCAL, Origin, origin, set_origin
from app.domain.products import Fee, Product, ProductStatus, default_product_code
from app.domain.routing import RoutingCode, RoutingType

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ADDRESS = Address(line1="12 Harbour Street", city="Springfield", country="US")


# ---- branches --------------------------------------------------------------------------------------------------------

BRANCH = Branch(code="HQ", name="Head office", address=ADDRESS, created_at=NOW, updated_at=NOW)


def test_a_branch_is_changed_with_another_version() -> None:
    assert BRANCH.with_facts({"name": "Old town"}, now=LATER) == replace(
        BRANCH, name="Old town", version=2, updated_at=LATER
    )


def test_a_branch_is_closed_for_good() -> None:
    BRANCH.require_open()
    closed = BRANCH.closed(now=LATER)
    assert closed == replace(BRANCH, status=BranchStatus.CLOSED, version=2, updated_at=LATER)
    refused: list[Callable[[], object]] = [
        closed.require_open,
        lambda: closed.closed(now=LATER),
        lambda: closed.with_facts({"name": "Old town"}, now=LATER),
    ]
    for each in refused:
        with pytest.raises(StateConflict, match="HQ is closed"):
            each()


# ---- routing codes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "typed", "code"),
    [
        (RoutingType.IFSC, "hdfc0a1b2c3", "HDFC0A1B2C3"),
        (RoutingType.SORT, "12-34-56", "123456"),
        (RoutingType.SORT, "12 34 56", "123456"),
        (RoutingType.SORT, "123456", "123456"),
        (RoutingType.ABA, "021000021", "021000021"),
        (RoutingType.ABA, "111000025", "111000025"),
        (RoutingType.BIC, "deutdeff", "DEUTDEFF"),
        (RoutingType.BIC, "DEUTDEFF500", "DEUTDEFF500"),
        (RoutingType.OTHER, "Zweig 7/b", "Zweig 7/b"),
        (RoutingType.OTHER, "x", "x"),
        (RoutingType.OTHER, "x" * 34, "x" * 34),
    ],
)
def test_a_routing_code_is_read_as_it_is_usually_written(kind: RoutingType, typed: str, code: str) -> None:
    assert RoutingCode.parse(kind, typed) == RoutingCode(kind, code)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (RoutingType.IFSC, "HDFC1A1B2C3"),
        (RoutingType.IFSC, "HDFC0A1B2C"),
        (RoutingType.IFSC, "HDF10A1B2C3"),
        (RoutingType.SORT, "12-34 56"),
        (RoutingType.SORT, "12.34.56"),
        (RoutingType.SORT, "1-23-456"),
        (RoutingType.SORT, "1234567"),
        (RoutingType.SORT, "١٢-٣٤-٥٦"),
        (RoutingType.ABA, "021000022"),
        (RoutingType.ABA, "021000012"),
        (RoutingType.ABA, "02100002"),
        (RoutingType.BIC, "DEUTDEF"),
        (RoutingType.BIC, "DEUT1EFF"),
        (RoutingType.BIC, "DEUTDEFF50"),
        (RoutingType.BIC, "deutdeﬀ"),
        (RoutingType.OTHER, ""),
        (RoutingType.OTHER, " x"),
        (RoutingType.OTHER, "x "),
        (RoutingType.OTHER, "x" * 35),
        (RoutingType.OTHER, "Zweigstraße"),
        (RoutingType.OTHER, "a\nb"),
    ],
)
def test_what_is_no_routing_code_of_its_kind_is_refused(kind: RoutingType, typed: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        RoutingCode.parse(kind, typed)
    assert set(refusal.value.errors or {}) == {"routing.code"}


def test_any_one_wrong_digit_of_an_aba_number_is_noticed() -> None:
    right = "021000021"
    for position in range(9):
        for digit in set("0123456789") - {right[position]}:
            with pytest.raises(ValidationFailed):
                RoutingCode.parse(RoutingType.ABA, right[:position] + digit + right[position + 1 :])


# ---- products --------------------------------------------------------------------------------------------------------

PRODUCT = Product(
    code="SAVER",
    name="Saver",
    type=AccountType.SAVINGS,
    currency="USD",
    minimum_balance=500,
    overdraft_max=900,
    limits=Limits(withdrawal=100),
    fees=(Fee("opening", 5),),
    created_at=NOW,
    updated_at=NOW,
)


def test_a_new_bank_offers_everyone_an_account_without_limits_or_fees() -> None:
    assert Product.default("EUR", now=NOW) == Product(
        code="CHECKING-EUR",
        name="Checking account in EUR",
        type=AccountType.CHECKING,
        currency="EUR",
        self_service=True,
        created_at=NOW,
        updated_at=NOW,
    )
    assert default_product_code("EUR") == "CHECKING-EUR"


def test_an_account_takes_the_terms_of_its_product_along() -> None:
    account = PRODUCT.new_account("111", {"c1": "Alice Archer", "c2": None}, now=NOW, branch="HQ", nickname="Holiday")
    assert account == Account(
        id="111",
        kind=AccountKind.CUSTOMER,
        type=AccountType.SAVINGS,
        currency="USD",
        holders=("c1", "c2"),
        holder_names=("Alice Archer", None),
        minimum_balance=500,
        limits=Limits(withdrawal=100),
        product="SAVER",
        branch="HQ",
        nickname="Holiday",
        opened_at=NOW,
    )
    assert account.overdraft_limit == 0


def test_a_product_is_changed_with_another_version() -> None:
    assert PRODUCT.with_facts({"name": "Saver plus"}, now=LATER) == replace(
        PRODUCT, name="Saver plus", version=2, updated_at=LATER
    )


def test_a_product_is_withdrawn_for_good() -> None:
    withdrawn = PRODUCT.withdrawn(now=LATER)
    assert withdrawn == replace(PRODUCT, status=ProductStatus.WITHDRAWN, version=2, updated_at=LATER)
    for each in (lambda: withdrawn.withdrawn(now=LATER), lambda: withdrawn.with_facts({}, now=LATER)):
        with pytest.raises(StateConflict, match="SAVER is withdrawn"):
            each()


def test_amounts_of_a_product_are_money_of_its_currency() -> None:
    assert PRODUCT.money(5) == Money(5, "USD")
    assert PRODUCT.money(0) == Money(0, "USD")
    assert PRODUCT.money(None) is None


# ---- time ------------------------------------------------------------------------------------------------------------


def test_an_instant_is_cut_to_whole_milliseconds() -> None:
    assert to_milliseconds(NOW.replace(microsecond=123_999)) == NOW.replace(microsecond=123_000)
    assert to_milliseconds(NOW.replace(microsecond=999)) == NOW
    assert to_milliseconds(NOW.replace(microsecond=5_000)) == NOW.replace(microsecond=5_000)


def test_the_machines_clock_is_read_in_utc_and_whole_milliseconds() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.utcoffset() == timedelta()
    assert now.microsecond % 1_000 == 0
    assert before - timedelta(milliseconds=1) < now <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("zone", "date_there"), [("Pacific/Auckland", "2026-11-21"), ("UTC", "2026-11-20"), ("America/Lima", "2026-11-20")]
)
def test_a_business_date_is_the_day_of_the_banks_calendar(zone: str, date_there: str) -> None:
    assert business_date(NOW, ZoneInfo(zone)) == date_there
    assert business_date(NOW.astimezone(timezone(timedelta(hours=-11))), ZoneInfo(zone)) == date_there


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", date(2026, 11, 20), datetime(2026, 11, 20, 23, 59, 59, 999_000, UTC)),
        ("America/Lima", date(2026, 12, 31), datetime(2027, 1, 1, 4, 59, 59, 999_000, UTC)),
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 29, 21, 59, 59, 999_000, UTC)),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 25, 22, 59, 59, 999_000, UTC)),
    ],
)
@pytest.mark.usefixtures("machine_in_tokyo")
def test_a_business_day_ends_a_millisecond_before_the_next_midnight_there(zone: str, day: date, end: datetime) -> None:
    assert end_of_business_day(day, ZoneInfo(zone)) == end
    assert end_of_business_day(day, ZoneInfo(zone)).utcoffset() == timedelta()
    assert business_date(end, ZoneInfo(zone)) == day.isoformat()
    assert business_date(end + timedelta(milliseconds=1), ZoneInfo(zone)) > day.isoformat()


# ---- origin ----------------------------------------------------------------------------------------------------------


def test_work_is_nobodys_over_the_network_until_it_is_said_for_whom() -> None:
    asked = Origin("192.0.2.7", "req-1")
    assert origin() == LOCAL == Origin("local", None)
    set_origin(asked)
    assert origin() == asked
    set_origin(LOCAL)
    assert origin() == LOCAL


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_says_its_title_unless_there_is_more_to_say() -> None:
    plain = NotFound()
    assert (plain.detail, str(plain)) == (NotFound.title, NotFound.title)
    nothing: tuple[Any, ...] = (plain.errors, plain.retry_after_s, plain.idempotency_key, plain.ticket)
    assert nothing == (None, None, None, None)
    told = NotFound("No such thing.", errors={"name": ("a", "b")}, retry_after_s=7, idempotency_key="k", ticket="t")
    assert (told.detail, str(told)) == ("No such thing.", "No such thing.")
    assert (told.errors, told.retry_after_s, told.idempotency_key, told.ticket) == ({"name": ["a", "b"]}, 7, "k", "t")


def test_every_error_has_a_code_of_its_own_and_a_status_and_a_title() -> None:
    errors = list(all_errors())
    assert {each.__base__ for each in errors} == {BankError}
    assert len({each.code for each in errors}) == len(errors) > 50
    assert all(400 <= each.status < 600 and each.title.endswith(".") and each.__doc__ for each in errors)
