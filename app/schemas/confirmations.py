"""Wire shapes of confirmations, and of the limit above which a transfer needs one."""

from __future__ import annotations

from marshmallow import fields, validate

from app.domain.confirmations import ConfirmationStatus
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AccountNumber, AmountIn, MoneyOut, TimestampOut
from app.schemas.mfa import CodeField

OPERATIONS = ["transfer"]
_STATUSES = [str(status) for status in ConfirmationStatus]


class ConfirmationIn(BaseSchema):
    """A transfer to be confirmed, as it will be sent."""

    EXAMPLE = {
        "operation": "transfer",
        "from": "482915306750",
        "to": "730184652996",
        "amount": "2500.00",
    }

    operation = fields.String(required=True, validate=validate.OneOf(OPERATIONS))
    source = AccountNumber(data_key="from", metadata={"description": "Without it, the primary account."})
    to = AccountNumber(required=True)
    amount = AmountIn(required=True, metadata={"description": "In the currency of the account that it comes from."})


class ConfirmationOut(OutSchema):
    """What is confirmed: this payee, this amount, nothing else."""

    EXAMPLE = {
        "id": "5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60",
        "operation": "transfer",
        "from": "482915306750",
        "to": "730184652996",
        "payee_name": "B** B*****",
        "amount": "2500.00",
        "currency": "USD",
        "status": "pending",
        "tries_left": 5,
        "expires_at": "2026-01-31T12:05:00.000Z",
    }

    id = fields.String(metadata={"description": "What the transfer names as its `confirmation`."})
    operation = fields.Constant("transfer", metadata={"type": "string", "enum": OPERATIONS})
    source = fields.String(attribute="payment.source", data_key="from")
    to = fields.String(attribute="payment.payee")
    payee_name = fields.String(
        attribute="payment.payee_name", allow_none=True, metadata={"description": "Masked; null where none is known."}
    )
    amount = MoneyOut(attribute="payment.amount")
    currency = fields.String(attribute="payment.amount.currency")
    status = fields.String(validate=validate.OneOf(_STATUSES))
    tries_left = fields.Integer(metadata={"description": "How many more codes are looked at."})
    expires_at = TimestampOut()


class ConfirmationLimitIn(BaseSchema):
    """Another limit; a code is needed to raise it."""

    EXAMPLE = {"limit": "500.00"}

    limit = AmountIn(required=True)
    code = CodeField()


class ConfirmationLimitOut(OutSchema):
    """Above it a transfer needs a confirmation; in another currency the same number counts."""

    EXAMPLE = {"limit": "1000.00", "currency": "USD"}

    limit = MoneyOut()
    currency = fields.String(attribute="limit.currency")
