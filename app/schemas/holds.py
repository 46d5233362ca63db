"""Wire shapes of holds."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.domain.ledger.records import HoldStatus, HoldType
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AccountNumber, AmountIn, Cursor, Flag, Limit, MoneyOut, Text, TimestampIn, TimestampOut
from app.schemas.transactions import DESCRIPTION_LENGTH_MAX

HOLD_TYPES = [str(type_) for type_ in HoldType]
HOLD_STATUSES = [str(status) for status in HoldStatus]


class HoldIn(BaseSchema):
    """Money to be set aside on an account."""

    EXAMPLE = {
        "amount": "25.00",
        "type": "card",
        "reason": "Hotel, one night",
        "expires_at": "2030-01-31T12:00:00Z",
    }

    amount = AmountIn(required=True)
    type = fields.String(required=True, validate=validate.OneOf(HOLD_TYPES))
    reason = Text(required=True, min_length=1, max_length=DESCRIPTION_LENGTH_MAX)
    expires_at = TimestampIn(
        end_of_day=True,
        metadata={"description": "A date means its end in UTC. Without it, the hold stays until ended."},
    )


class CaptureIn(BaseSchema):
    """What to take out of a hold; without an amount, all that is left of it."""

    EXAMPLE = {"amount": "10.00", "final": False}

    amount = AmountIn()
    to = AccountNumber(metadata={"description": "A customer's account; without it, the bank's cash."})
    final = Flag(metadata={"description": "Release what is left then; without it, it stays held."})


class ReleaseIn(BaseSchema):
    """Why a hold ends."""

    EXAMPLE = {"reason": "The booking was cancelled"}

    reason = Text(min_length=1, max_length=DESCRIPTION_LENGTH_MAX)


class HoldsQuery(BaseSchema):
    """Which holds are wanted."""

    EXAMPLE = {"status": "open", "limit": 20}

    status = fields.String(validate=validate.OneOf(HOLD_STATUSES))
    limit = Limit()
    cursor = Cursor(load_default=None)

    @post_load
    def _as_status(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "status": HoldStatus(data["status"])} if "status" in data else data


class HoldOut(OutSchema):
    """Money set aside: `remaining` is not available while the hold is open."""

    EXAMPLE = {
        "id": "9d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a69d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a6",
        "account": "482915306750",
        "type": "card",
        "reason": "Hotel, one night",
        "status": "open",
        "amount": "25.00",
        "remaining": "15.00",
        "captured": "10.00",
        "currency": "USD",
        "placed_at": "2026-01-31T12:00:00.000Z",
        "expires_at": None,
        "ended_at": None,
        "end_reason": None,
    }

    id = fields.String()
    account = fields.String(attribute="account_id")
    type = fields.String(validate=validate.OneOf(HOLD_TYPES))
    reason = fields.String()
    status = fields.String(validate=validate.OneOf(HOLD_STATUSES))
    amount = MoneyOut(attribute="money", metadata={"description": "What was set aside at first."})
    remaining = MoneyOut(attribute="money_remaining")
    captured = MoneyOut(attribute="money_captured", metadata={"description": "What was taken, in all."})
    currency = fields.String()
    placed_at = TimestampOut()
    expires_at = TimestampOut(allow_none=True)
    ended_at = TimestampOut(allow_none=True)
    end_reason = fields.String(allow_none=True)


class OverseenHoldOut(HoldOut):
    """A hold with who placed and who ended it."""

    EXAMPLE = {**HoldOut.EXAMPLE, "placed_by": "0c6f1f0b9f3c4e8d", "ended_by": None}

    placed_by = fields.String(metadata={"description": "The id of the user who did."})
    ended_by = fields.String(
        allow_none=True, metadata={"description": "The id of the user who did, or what did when its time had passed."}
    )
