"""Wire shapes of payees."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AccountNumber, Text, TimestampOut

LABEL_LENGTH_MAX = 60


class PayeeQuery(BaseSchema):
    """The account that money would go to."""

    EXAMPLE = {"account": "482915306750"}

    account = AccountNumber(required=True)


class PayeeCheckOut(OutSchema):
    """Whose account it is, as far as anyone may know."""

    EXAMPLE = {"account": "482915306750", "name": "B*** B***", "currency": "USD"}

    account = fields.String()
    name = fields.String(allow_none=True, metadata={"description": "The holders' names, masked, where they are known."})
    currency = fields.String()


class PayeeChangeIn(BaseSchema):
    """What a saved payee is called."""

    EXAMPLE = {"label": "Rent"}

    label = Text(required=True, min_length=1, max_length=LABEL_LENGTH_MAX)


class PayeeIn(PayeeChangeIn):
    """An account to save as a payee."""

    EXAMPLE = {"account": "482915306750", "label": "Rent"}

    account = AccountNumber(required=True)


class PayeeOut(PayeeCheckOut):
    """A saved payee."""

    EXAMPLE = {
        **PayeeCheckOut.EXAMPLE,
        "label": "Rent",
        "trusted": False,
        "created_at": "2026-01-31T12:00:00.000Z",
    }

    label = fields.String()
    trusted = fields.Boolean(metadata={"description": "A payment to it has been confirmed before."})
    created_at = TimestampOut()


class PayeeListOut(OutSchema):
    """All the payees that a customer has saved; they fit on one page."""

    EXAMPLE = {"items": [PayeeOut.EXAMPLE], "next_cursor": None}

    items = fields.List(fields.Nested(PayeeOut))
    next_cursor = fields.String(allow_none=True)
