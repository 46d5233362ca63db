"""A mistyped account number is never somebody else's."""

from __future__ import annotations

import pytest

from app.domain.accounts import (
    STRIPES,
    Account,
    AccountKind,
    AccountType,
    InternalAccount,
    base_account,
    is_account_number,
    is_internal,
    new_account_number,
    new_stripes,
    stripe_id,
    stripe_ids,
)
from app.domain.money import BALANCE_MINOR_MAX
from tests.factories.ledger import OPENED_AT, account_state


@pytest.mark.parametrize("length", [8, 12, 20])
def test_new_numbers_have_their_length_and_check_digits(length: int) -> None:
    numbers = {new_account_number(length) for _ in range(300)}
    assert len(numbers) > 290  # of 900,000 bodies, the fewest here, two of 300 may be the same
    assert all(is_account_number(number) and len(number) == length and number[0] != "0" for number in numbers)


def test_the_check_digits_are_those_of_iso_7064_mod_97_10() -> None:
    assert is_account_number("0079444")  # the usual example of the standard: 794 gets the check digits 44


def test_the_shortest_number_has_six_digits() -> None:
    assert is_account_number("100008")
    assert not is_account_number("10089")


def test_every_typo_of_one_digit_is_caught() -> None:
    for number in (new_account_number() for _ in range(50)):
        typos = {number[:place] + digit + number[place + 1 :] for place in range(len(number)) for digit in "0123456789"}
        assert [typo for typo in typos if is_account_number(typo)] == [number]


def test_every_swap_of_two_neighbours_is_caught() -> None:
    for number in (new_account_number() for _ in range(200)):
        swaps = {number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in range(len(number) - 1)}
        assert not any(is_account_number(swap) for swap in swaps - {number})


@pytest.mark.parametrize("text", ["", "98", "00098", "1" * 21, "12345678901x", " 2345678901", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_what_is_not_six_to_twenty_digits_is_no_account_number(text: str) -> None:
    assert not is_account_number(text)


def test_an_internal_account_is_the_sum_of_its_stripes_and_has_no_floor() -> None:
    stripes = new_stripes(InternalAccount.CASH, "USD", now=OPENED_AT)
    assert [stripe.id for stripe in stripes] == [stripe_id("cash", "USD", number) for number in range(STRIPES)]
    assert stripes[7] == Account(
        id="cash-USD#07",
        kind=AccountKind.INTERNAL,
        type=AccountType.INTERNAL,
        currency="USD",
        overdraft_limit=BALANCE_MINOR_MAX,
        opened_at=OPENED_AT,
    )
    assert stripe_ids("cash-USD") == [stripe.id for stripe in stripes]
    assert {base_account(stripe.id) for stripe in stripes} == {"cash-USD"}
    assert all(is_internal(stripe.id) and stripe.available > 10**17 for stripe in stripes)


def test_a_customers_number_is_not_an_internal_account() -> None:
    number = new_account_number()
    assert not is_internal(number)
    assert base_account(number) == number


def test_what_is_available_is_the_balance_less_holds_plus_the_overdraft() -> None:
    assert account_state(balance=1_000, held=300, overdraft_limit=50).available == 750
