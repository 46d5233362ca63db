"""Wire shapes of the audit trail."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.domain.audit import AuditFilter, Stream
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Cursor, Limit, Text, TimestampIn, TimestampOut

STREAMS = [str(stream) for stream in Stream]


class AuditQuery(BaseSchema):
    """What is wanted of the audit trail. Bounds are inclusive."""

    EXAMPLE = {"actor": "0c6f1f0b9f3c4e8d", "stream": "staff", "from": "2026-01-01"}

    actor = Text(min_length=1, max_length=64, attribute="user_id", metadata={"description": "A user's id."})
    action = Text(min_length=1, max_length=128, metadata={"description": "Such as `auth.login`."})
    subject = Text(min_length=1, max_length=200, metadata={"description": "Kind and id: `account:482915306750`."})
    stream = fields.String(validate=validate.OneOf(STREAMS))
    result = Text(min_length=1, max_length=64, metadata={"description": "`ok`, or the code of the refusal."})
    since = TimestampIn(data_key="from")
    until = TimestampIn(data_key="to", end_of_day=True)
    limit = Limit()
    cursor = Cursor(load_default=None)

    @post_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Put what narrows the trail into one filter."""
        given = {name: data.pop(name) for name in tuple(data) if name in AuditFilter.__dataclass_fields__}
        return {**data, "wanted": AuditFilter(**given)}


class AuditRecordOut(OutSchema):
    """One record: who did what to what, and how it ended. `before` and `after` hold what changed, and no secrets."""

    EXAMPLE = {
        "id": "019c1a2b3c4d0f1e2d3c4b5a69788796",
        "at": "2026-01-31T12:00:00.000Z",
        "stream": "money",
        "action": "money.deposit",
        "actor": "0c6f1f0b9f3c4e8d",
        "role": "banker",
        "subject": "account:482915306750",
        "before": {},
        "after": {"amount": "100.00", "currency": "USD"},
        "result": "ok",
        "address": "203.0.113.7",
        "request_id": "5f0c2a4d9b1e4c7f8a6b3d2e1f0a9c8b",
    }

    id = fields.String()
    at = TimestampOut()
    stream = fields.String(validate=validate.OneOf(STREAMS))
    action = fields.String()
    actor = fields.String(
        attribute="user_id", metadata={"description": "A user's id, `anonymous`, or `system`: a command or job."}
    )
    role = fields.String()
    subject = fields.String(metadata={"description": "The kind of the object, a colon, and its id."})
    before = fields.Dict()
    after = fields.Dict()
    result = fields.String(metadata={"description": "`ok`, or the code of the refusal."})
    address = fields.String(metadata={"description": "Where the request came from; `local` without one."})
    request_id = fields.String(allow_none=True)
