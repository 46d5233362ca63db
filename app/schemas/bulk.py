"""Wire shapes of bulk payments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, missing, post_load, validate

from app.domain.bulk import BulkStatus, LineStatus
from app.domain.bulk_files import LINES_MAX, BulkLine, BulkMode, Faults
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AccountNumber, AmountIn, Cursor, Limit, MoneyOut, Text, TimestampOut
from app.schemas.transactions import DESCRIPTION_LENGTH_MAX
from app.schemas.transfers import REFERENCE_LENGTH_MAX

MODES = [str(mode) for mode in BulkMode]


class BulkLineIn(BaseSchema):
    """One payment of a file."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "to": "730184652996",
        "amount": "1250.00",
        "description": "Salary for May",
        "reference": "PAY-2026-05-0001",
    }

    to = AccountNumber(required=True)
    amount = AmountIn(required=True, metadata={"description": "In the currency of the account that pays."})
    description = Text(max_length=DESCRIPTION_LENGTH_MAX)
    reference = Text(min_length=1, max_length=REFERENCE_LENGTH_MAX)


class BulkIn(BaseSchema):
    """Payments from one account to many. Errors name lines by their number, from 1: `lines.17.amount`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "from": "482915306750",
        "mode": "per_line",
        "lines": [BulkLineIn.EXAMPLE],
    }

    source = AccountNumber(required=True, data_key="from")
    mode = fields.String(
        load_default=BulkMode.PER_LINE,
        validate=validate.OneOf(MODES),
        metadata={"description": "`all_or_nothing`, for 1,000 lines at most: one refused line keeps all from posting."},
    )
    lines = fields.List(fields.Nested(BulkLineIn), required=True, validate=validate.Length(1, LINES_MAX))


class BulkQuery(BaseSchema):
    """What a CSV file does not say; with JSON all of it stands in the body."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"from": "482915306750"}

    source = AccountNumber(data_key="from", metadata={"description": "With CSV: the account that pays."})
    mode = fields.String(validate=validate.OneOf(MODES), metadata={"description": "With CSV: as in JSON."})


_HEAD = BulkIn(exclude=["lines"])
_LINE = BulkLineIn().load_fields


def read_head(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read what stands beside the lines: `source` and `mode`.

    Raises:
        marshmallow.ValidationError: it is not in order.
    """
    head: dict[str, Any] = _HEAD.load(given)
    return {**head, "mode": BulkMode(head["mode"])}


def read_line(given: Any) -> BulkLine | Faults:
    """Read one line; return what is wrong with it where it is not in order.

    It goes by the fields of BulkLineIn, one by one: a schema's own loading would take ten times as long.
    """
    if not isinstance(given, Mapping):
        return {"line": ["Give an object."]}
    faults: dict[str, list[str]] = {name: ["Unknown field."] for name in given if name not in _LINE}
    read: dict[str, Any] = {}
    for name, field in _LINE.items():
        try:
            value = field.deserialize(given.get(name, missing), name, given)
        except ValidationError as fault:
            faults[name] = [str(text) for text in fault.messages]
        else:
            if value is not missing:
                read[name] = value
    return faults or BulkLine(**read)


class BulkOut(OutSchema):
    """A bulk payment and how far it is."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "5e3ecdeeb7a1f7c2a0b7e3f1d2c4a69d",
        "status": "completed",
        "mode": "per_line",
        "from": "482915306750",
        "currency": "USD",
        "lines": 120,
        "total": "150000.00",
        "posted": 119,
        "posted_total": "148750.00",
        "refused": 1,
        "requested_by": "0c6f1f0b9f3c4e8d",
        "approval": None,
        "requested_at": "2026-01-31T12:00:00.000Z",
        "ended_at": "2026-01-31T12:00:01.000Z",
    }

    id = fields.String()
    status = fields.String(
        validate=validate.OneOf([str(status) for status in BulkStatus]),
        metadata={"description": "`completed`: each line has its result. `refused`: of all or nothing, nothing."},
    )
    mode = fields.String(validate=validate.OneOf(MODES))
    source = fields.String(data_key="from")
    currency = fields.String()
    lines = fields.Integer(metadata={"description": "How many there are."})
    total = MoneyOut(attribute="total_money", metadata={"description": "Of all lines."})
    posted = fields.Integer(metadata={"description": "How many lines were paid so far."})
    posted_total = MoneyOut(attribute="posted_money")
    refused = fields.Integer(metadata={"description": "How many lines were refused so far."})
    requested_by = fields.String(metadata={"description": "The id of the user who sent the file."})
    approval = fields.String(allow_none=True, metadata={"description": "The approval that it needed, if it did."})
    requested_at = TimestampOut()
    ended_at = TimestampOut(allow_none=True)


class BulkLineOut(OutSchema):
    """A line of a file and what became of it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "line": 17,
        **BulkLineIn.EXAMPLE,
        "currency": "USD",
        "status": "refused",
        "transaction_id": None,
        "code": "account_closed",
        "detail": "The account is closed.",
    }

    line = fields.Integer(metadata={"description": "Its number in the file, from 1; a header is not counted."})
    to = fields.String(attribute="payment.to")
    amount = MoneyOut()
    currency = fields.String(attribute="amount.currency")
    description = fields.String(attribute="payment.description", allow_none=True)
    reference = fields.String(attribute="payment.reference", allow_none=True)
    status = fields.String(
        validate=validate.OneOf([str(status) for status in LineStatus]),
        metadata={"description": "`not_posted`: in order, but another line kept all from being posted."},
    )
    transaction_id = fields.String(allow_none=True)
    code = fields.String(allow_none=True, metadata={"description": "The code of what refused it."})
    detail = fields.String(allow_none=True)


class BulksQuery(BaseSchema):
    """A page of bulk payments, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"limit": 20}

    limit = Limit()
    cursor = Cursor(load_default=None)


class BulkLinesQuery(BaseSchema):
    """A page of a bulk payment's lines, in their order."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"status": "refused", "limit": 100}

    status = fields.String(load_default=None, validate=validate.OneOf([str(status) for status in LineStatus]))
    limit = Limit()
    cursor = Cursor(load_default="0")

    @post_load
    def _interpret(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Take the cursor for what it is: the number of the last line before."""
        if not data["cursor"].isdigit() or int(data["cursor"]) > LINES_MAX:
            raise ValidationError({"cursor": ["Send back the next_cursor of the page before, unchanged."]})
        status = data["status"]
        return {**data, "cursor": int(data["cursor"]), "status": LineStatus(status) if status else None}
