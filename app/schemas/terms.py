"""Wire shapes of what bounds an account."""

from __future__ import annotations

from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AmountOrZeroIn, MoneyOut


class LimitsIn(BaseSchema):
    """What may leave an account at most, by one transaction and in a business day; null sets no bound."""

    EXAMPLE = {"withdrawal": "500.00", "withdrawal_daily": "1000.00"}

    withdrawal = AmountOrZeroIn(allow_none=True)
    withdrawal_daily = AmountOrZeroIn(allow_none=True)
    transfer = AmountOrZeroIn(allow_none=True)
    transfer_daily = AmountOrZeroIn(allow_none=True)


class LimitsOut(OutSchema):
    """What may leave an account at most, by one transaction and in a business day; null where there is no bound."""

    EXAMPLE = {
        "withdrawal": "500.00",
        "withdrawal_daily": "1000.00",
        "transfer": None,
        "transfer_daily": None,
    }

    withdrawal = MoneyOut(allow_none=True)
    withdrawal_daily = MoneyOut(allow_none=True)
    transfer = MoneyOut(allow_none=True)
    transfer_daily = MoneyOut(allow_none=True)


class OverdraftIn(BaseSchema):
    """How far an account may go below zero."""

    EXAMPLE = {"limit": "500.00"}

    limit = AmountOrZeroIn(required=True)
