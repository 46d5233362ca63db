"""Wire shapes of products."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.products import FEES_MAX, Product, ProductStatus
from app.schemas.accounts import ACCOUNT_TYPES
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import (
    AmountIn,
    AmountOrZeroIn,
    Code,
    Cursor,
    Flag,
    Limit,
    MoneyOut,
    PerCent,
    Text,
    TimestampOut,
)
from app.schemas.terms import LimitsIn, LimitsOut


class FeeIn(BaseSchema):
    """What the bank takes for something."""

    EXAMPLE = {"name": "Paper statement", "amount": "1.50"}

    name = Text(required=True, min_length=1, max_length=100)
    amount = AmountIn(required=True)


class FeeOut(OutSchema):
    """What the bank takes for something."""

    EXAMPLE = FeeIn.EXAMPLE

    name = fields.String()
    amount = MoneyOut()


class ProductChangeIn(BaseSchema):
    """What changes of a product, for accounts opened from then on; what is left out stays, also within the limits."""

    EXAMPLE = {"minimum_balance": "50.00", "limits": LimitsIn.EXAMPLE}

    name = Text(min_length=1, max_length=100)
    minimum_balance = AmountOrZeroIn()
    overdraft_max = AmountOrZeroIn(metadata={"description": "The most that an account of it may be granted."})
    limits = fields.Nested(LimitsIn)
    interest_rate = PerCent()
    fees = fields.List(fields.Nested(FeeIn), validate=validate.Length(max=FEES_MAX))
    self_service = Flag(metadata={"description": "Customers may open it by themselves."})


class ProductIn(ProductChangeIn):
    """A new product. Its type and currency never change."""

    EXAMPLE = {
        "code": "SAVER",
        "name": "Everyday saver",
        "type": "savings",
        "currency": "USD",
        "minimum_balance": "10.00",
        "limits": LimitsIn.EXAMPLE,
        "interest_rate": "2.50",
        "fees": [FeeIn.EXAMPLE],
        "self_service": True,
    }

    code = Code(required=True)
    name = Text(required=True, min_length=1, max_length=100)
    type = fields.String(required=True, validate=validate.OneOf(ACCOUNT_TYPES))
    currency = fields.String(required=True, validate=validate.OneOf(sorted(CURRENCY_EXPONENTS)))


class ProductOut(OutSchema):
    """A kind of account, with the terms that an account of it takes along when it is opened."""

    EXAMPLE = {
        "code": "SAVER",
        "name": "Everyday saver",
        "type": "savings",
        "currency": "USD",
        "minimum_balance": "10.00",
        "overdraft_max": "0.00",
        "limits": LimitsOut.EXAMPLE,
        "interest_rate": "2.50",
        "fees": [FeeOut.EXAMPLE],
        "self_service": True,
    }

    code = fields.String()
    name = fields.String()
    type = fields.String(validate=validate.OneOf(ACCOUNT_TYPES))
    currency = fields.String()
    minimum_balance = MoneyOut()
    overdraft_max = MoneyOut()
    limits = fields.Nested(LimitsOut)
    interest_rate = fields.String(metadata={"description": "Per cent a year."})
    fees = fields.List(fields.Nested(FeeOut))
    self_service = fields.Boolean()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read amounts as money of the product's currency."""
        value = super().get_attribute(obj, attr, default)
        product: Product = obj
        if attr in ("minimum_balance", "overdraft_max"):
            return product.money(value)
        if attr == "limits":
            return {name: product.money(bound) for name, bound in product.limits._asdict().items()}
        if attr == "fees":
            return [{"name": fee.name, "amount": product.money(fee.amount)} for fee in product.fees]
        return value


class MaintainedProductOut(ProductOut):
    """A product as administrators maintain it."""

    EXAMPLE = {
        **ProductOut.EXAMPLE,
        "status": "offered",
        "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.000Z",
    }

    status = fields.String(validate=validate.OneOf([str(status) for status in ProductStatus]))
    created_at = TimestampOut()
    updated_at = TimestampOut()


class ProductsQuery(BaseSchema):
    """Which page of the products is wanted."""

    EXAMPLE = {"limit": 20}

    limit = Limit()
    cursor = Cursor(load_default=None)
