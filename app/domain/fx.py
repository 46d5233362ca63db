"""Foreign exchange: rates, what a customer gets for an amount, and quotes. Exact fractions; no float takes part.

One rate serves both directions of its pair: whoever sells the base gets `rate` quote units for each, whoever sells the
quote currency gets its inverse. The spread is taken off what the customer gets, either way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction
from typing import Self

from app.domain.accounts import InternalAccount
from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.errors import QuoteExpired, QuoteUsed, ValidationFailed
from app.domain.ledger.intents import Leg
from app.domain.money import AMOUNT_MINOR_MAX, Money

QUOTE_LIFETIME = timedelta(seconds=60)
BACKDATING_MAX = timedelta(minutes=5)
"""How far a new rate's time may lie back: clocks differ, and it took somebody a moment to type it."""
AHEAD_MAX = timedelta(days=366)
RATE_PATTERN = r"(?!0(\.0+)?$)(0|[1-9][0-9]{0,8})(\.[0-9]{1,10})?"
SPREAD_PATTERN = r"0(\.[0-9]{1,6})?"
_SHOWN = Context(prec=12, rounding=ROUND_DOWN)
_RATE = re.compile(RATE_PATTERN, re.ASCII)
_SPREAD = re.compile(SPREAD_PATTERN, re.ASCII)


def is_rate(text: str) -> bool:
    """Tell whether `text` is a positive rate in plain notation, within what is kept."""
    return _RATE.fullmatch(text) is not None


def is_spread(text: str) -> bool:
    """Tell whether `text` is a fraction of 0 or more and below 1, in plain notation."""
    return _SPREAD.fullmatch(text) is not None


def pair_of(one: str, other: str) -> str:
    """Return the name of a pair of currencies, whichever of them comes first."""
    return "-".join(sorted((one, other)))


def refuse_untimely(valid_from: datetime | None, *, now: datetime) -> None:
    """Check from when a new rate shall count.

    Raises:
        ValidationFailed: it lies too far back or ahead.
    """
    if valid_from is not None and not now - BACKDATING_MAX <= valid_from <= now + AHEAD_MAX:
        raise ValidationFailed(errors={"valid_from": ["Give a time from now on, at most a year ahead."]})


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """One `base` is worth `rate` of `quote`, from `valid_from` until a newer rate of the pair is valid."""

    id: str
    base: str
    quote: str
    rate: str
    spread: str
    valid_from: datetime
    set_by: str
    set_at: datetime

    @property
    def pair(self) -> str:
        return pair_of(self.base, self.quote)

    def middle(self, source: str) -> Fraction:
        """Return what one unit of `source` is worth in the pair's other currency, without the spread."""
        # float-money: of fractions, which is exact
        return Fraction(self.rate) if source == self.base else 1 / Fraction(self.rate)

    def given(self, source: str) -> Fraction:
        """Return what a customer gets for one unit of `source`, before rounding."""
        return self.middle(source) * (1 - Fraction(self.spread))

    @property
    def sell_base(self) -> str:
        return shown(self.given(self.base))

    @property
    def sell_quote(self) -> str:
        return shown(self.given(self.quote))

    def exchange(self, money: Money) -> Money:
        """Return what a customer gets for an amount of either currency, in the other.

        Rounded half to even; but where that would be more than the amount is worth at the middle rate, the remainder
        stays with the bank. So no exchange, and no splitting of one into many, takes anything out of the bank.

        Raises:
            ValidationFailed: it comes to less than the other currency's smallest amount, or to more than a posting.
        """
        target = self.quote if money.currency == self.base else self.base
        scale = Fraction(10 ** CURRENCY_EXPONENTS[target], 10 ** CURRENCY_EXPONENTS[money.currency])
        given, worth = (money.amount_minor * scale * each(money.currency) for each in (self.given, self.middle))
        amount_minor = min(round(given), worth.__floor__())  # float-money: a fraction, half to even
        if amount_minor == 0:
            raise ValidationFailed(errors={"amount": [f"This is less than the smallest amount of {target}."]})
        if amount_minor > AMOUNT_MINOR_MAX:
            limit = Money(AMOUNT_MINOR_MAX, target)
            raise ValidationFailed(errors={"amount": [f"This comes to more than {limit} {target}."]})
        return Money(amount_minor, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a customer was promised for an amount: good once, for one transfer, until `expires_at`."""

    id: str
    customer_id: str
    from_account: str
    to_account: str
    source: Money
    target: Money
    rate: FxRate
    created_at: datetime
    expires_at: datetime
    used_by: str | None = None

    @classmethod
    def of(
        cls, rate: FxRate, source: Money, *, quote_id: str, customer_id: str, accounts: tuple[str, str], now: datetime
    ) -> Self:
        """Promise what the rate gives for an amount, to move between two accounts of its currencies.

        Raises:
            ValidationFailed: the amount comes to too little or too much in the other currency.
        """
        return cls(
            id=quote_id,
            customer_id=customer_id,
            from_account=accounts[0],
            to_account=accounts[1],
            source=source,
            target=rate.exchange(source),
            rate=rate,
            created_at=now,
            expires_at=now + QUOTE_LIFETIME,
        )

    @property
    def middle_rate(self) -> str:
        """What one unit of the source is worth, to 12 digits, rounded down."""
        return shown(self.rate.middle(self.source.currency))

    @property
    def given_rate(self) -> str:
        """What one unit of the source gives with the spread taken off, to 12 digits, rounded down."""
        return shown(self.rate.given(self.source.currency))

    def legs(self) -> tuple[Leg, ...]:
        """Return the four legs of the exchange: each currency moves over the bank's position in it."""
        source, target = self.source, self.target
        return (
            Leg(self.from_account, -source.amount_minor, source.currency),
            Leg(f"{InternalAccount.FX}-{source.currency}", source.amount_minor, source.currency),
            Leg(f"{InternalAccount.FX}-{target.currency}", -target.amount_minor, target.currency),
            Leg(self.to_account, target.amount_minor, target.currency),
        )

    def metadata(self) -> dict[str, str]:
        """Return what the transaction keeps of the rate that it was made at."""
        return {
            "fx_quote": self.id,
            "fx_pair": f"{self.rate.base}/{self.rate.quote}",
            "fx_rate": self.rate.rate,
            "fx_spread": self.rate.spread,
            "fx_given_rate": self.given_rate,
            "fx_source": f"{self.source} {self.source.currency}",
            "fx_target": f"{self.target} {self.target.currency}",
        }

    def refusal(self, now: datetime) -> QuoteExpired | QuoteUsed:
        """Return why it can't be used at this time. One that is neither used nor expired can only be used meanwhile."""
        return QuoteExpired() if self.used_by is None and self.expires_at <= now else QuoteUsed()


def shown(rate: Fraction) -> str:
    """Return a rate in plain decimals, to 12 digits, rounded down."""
    text = f"{_SHOWN.divide(Decimal(rate.numerator), Decimal(rate.denominator)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
