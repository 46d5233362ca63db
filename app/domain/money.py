"""Exact money: whole minor units of one ISO 4217 currency. No float ever takes part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.errors import ValidationFailed

AMOUNT_MINOR_MAX = 10**15
"""The largest amount of one posting; a balance may reach `BALANCE_MINOR_MAX`, far inside int64."""
BALANCE_MINOR_MAX = 10**18

_PLAIN_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. Amounts of two currencies never mix."""

    amount_minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str, *, field: str = "amount", or_zero: bool = False) -> Self:
        """Read a positive amount in plain decimal notation: `100`, `100.5`, `100.50`; with `or_zero`, also none.

        Raises:
            ValidationFailed: not plain notation, more decimals than the currency has, zero, or above AMOUNT_MINOR_MAX;
                it names `field`.
        """
        exponent = CURRENCY_EXPONENTS[currency]
        match = _PLAIN_DECIMAL.fullmatch(text)
        if match is None:
            raise _invalid(field, "Write the amount as a plain decimal number, such as 100 or 100.50.")
        whole, decimals = match[1], match[2] or ""
        if len(decimals) > exponent:
            raise _invalid(field, f"{currency} has {exponent} decimal places; give no more.")
        amount_minor = int(whole + decimals.ljust(exponent, "0"))
        if amount_minor == 0 and not or_zero:
            raise _invalid(field, "The amount must be greater than zero.")
        if amount_minor > AMOUNT_MINOR_MAX:
            raise _invalid(field, f"The amount must be at most {cls(AMOUNT_MINOR_MAX, currency)}.")
        return cls(amount_minor, currency)

    @classmethod
    def read(cls, text: str, currency: str) -> Self:
        """Read back what `str` wrote, whatever its sign: for what the bank has kept, not for what people type."""
        sign = -1 if text.startswith("-") else 1
        return cls(sign * int(text.removeprefix("-").replace(".", "")), currency)

    def __str__(self) -> str:
        """Return the amount in plain notation with all the currency's decimals: `-0.05`, `100.00`, `7`."""
        exponent = CURRENCY_EXPONENTS[self.currency]
        sign = "-" if self.amount_minor < 0 else ""
        digits = str(abs(self.amount_minor)).rjust(exponent + 1, "0")
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else f"{sign}{digits}"

    def __abs__(self) -> Money:
        return Money(abs(self.amount_minor), self.currency)


def _invalid(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors={field: [message]})
