"""Wire shapes of exchange rates and quotes."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.fx import RATE_PATTERN, SPREAD_PATTERN, is_rate, is_spread
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AccountNumber, AmountIn, Cursor, DecimalIn, Limit, MoneyOut, TimestampIn, TimestampOut

_CURRENCY = validate.OneOf(sorted(CURRENCY_EXPONENTS))


class FxRateIn(BaseSchema):
    """A new exchange rate; it serves both directions of its pair."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"base": "EUR", "quote": "USD", "rate": "1.0875", "spread": "0.005"}

    base = fields.String(required=True, validate=_CURRENCY)
    quote = fields.String(required=True, validate=_CURRENCY)
    rate = DecimalIn(
        required=True,
        accepts=is_rate,
        pattern=RATE_PATTERN,
        bounds={"exclusiveMinimum": 0, "exclusiveMaximum": 10**9},
        says="Write the rate as a plain positive decimal, with at most 9 digits before the point and 10 behind it.",
        metadata={"description": "What one unit of the base is worth in the quote currency."},
    )
    spread = DecimalIn(
        required=True,
        accepts=is_spread,
        pattern=SPREAD_PATTERN,
        bounds={"minimum": 0, "exclusiveMaximum": 1},
        says="Write the spread as a plain decimal of 0 or more and below 1, with at most 6 digits behind the point.",
        metadata={"description": "The fraction that is taken off what a customer gets, in either direction."},
    )
    valid_from = TimestampIn(load_default=None, metadata={"description": "Without it, now."})

    @validates_schema
    def _is_of_two_currencies(self, data: dict[str, Any], **_: Any) -> None:
        if data["base"] == data["quote"]:
            raise ValidationError({"quote": ["Name another currency than the base."]})


class FxRateOut(OutSchema):
    """An exchange rate that counts now."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "base": "EUR",
        "quote": "USD",
        "rate": "1.0875",
        "spread": "0.005",
        "sell_base": "1.0820625",
        "sell_quote": "0.914942528735",
        "valid_from": "2026-01-31T12:00:00.000Z",
    }

    base = fields.String()
    quote = fields.String()
    rate = fields.String(metadata={"description": "What one unit of the base is worth in the quote currency."})
    spread = fields.String(metadata={"description": "The fraction that is taken off, in either direction."})
    sell_base = fields.String(metadata={"description": "What a customer gets for one unit of the base, to 12 digits."})
    sell_quote = fields.String(
        metadata={"description": "What a customer gets for one unit of the quote currency, to 12 digits."}
    )
    valid_from = TimestampOut()


class SetFxRateOut(OutSchema):
    """An exchange rate with who set it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "0198f2c3a1b2c5d1f0e9b8a7c6d5e4f3",
        "base": "EUR",
        "quote": "USD",
        "rate": "1.0875",
        "spread": "0.005",
        "valid_from": "2026-01-31T12:00:00.000Z",
        "set_by": "0c6f1f0b9f3c4e8d",
        "set_at": "2026-01-31T11:58:21.000Z",
    }

    id = fields.String()
    base = fields.String()
    quote = fields.String()
    rate = fields.String()
    spread = fields.String()
    valid_from = TimestampOut()
    set_by = fields.String(metadata={"description": "The id of the user who asked for it."})
    set_at = TimestampOut()


class FxRatesQuery(BaseSchema):
    """A page of the rates that count now."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"limit": 20}

    limit = Limit()
    cursor = Cursor(load_default=None)


class FxHistoryQuery(FxRatesQuery):
    """A page of all rates that were ever set."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"pair": "EUR-USD", "limit": 20}

    pair = fields.String(
        load_default=None,
        validate=validate.Regexp(r"[A-Z]{3}-[A-Z]{3}\Z", error="Write a pair as EUR-USD."),
        metadata={"description": "Two currencies, in either order.", "pattern": "^[A-Z]{3}-[A-Z]{3}$"},
    )


class QuoteIn(BaseSchema):
    """What a customer wants to send to an account of another currency. The rate is the bank's."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"from": "482915306750", "to": "730184652996", "amount": "100.00"}

    source = AccountNumber(data_key="from", metadata={"description": "Without it, the primary account."})
    to = AccountNumber(required=True)
    amount = AmountIn(required=True, metadata={"description": "In the currency of the account that it leaves."})


class QuoteOut(OutSchema):
    """A promise: the amounts on both sides, for one transfer until `expires_at`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "5d1f0e9b8a7c6d5e4f30198f2c3a1b2c",
        "from": "482915306750",
        "to": "730184652996",
        "amount": "100.00",
        "currency": "EUR",
        "to_amount": "108.21",
        "to_currency": "USD",
        "rate": "1.0875",
        "rate_with_spread": "1.0820625",
        "spread": "0.005",
        "created_at": "2026-01-31T12:00:00.000Z",
        "expires_at": "2026-01-31T12:01:00.000Z",
    }

    id = fields.String(metadata={"description": "Send it as `quote` of the transfer, which it serves once."})
    from_account = fields.String(data_key="from")
    to_account = fields.String(data_key="to")
    amount = MoneyOut(attribute="source")
    currency = fields.String(attribute="source.currency")
    to_amount = MoneyOut(attribute="target", metadata={"description": "What arrives: exact, whatever the rate shows."})
    to_currency = fields.String(attribute="target.currency")
    rate = fields.String(
        attribute="middle_rate",
        metadata={"description": "What one unit of `currency` is worth in `to_currency`, to 12 digits."},
    )
    rate_with_spread = fields.String(
        attribute="given_rate", metadata={"description": "What one unit gives with the spread taken off, to 12 digits."}
    )
    spread = fields.String(attribute="rate.spread")
    created_at = TimestampOut()
    expires_at = TimestampOut()
