"""The shape of every error: RFC 9457 problem details."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import OutSchema


class Problem(OutSchema):
    """What went wrong; `code` is stable and listed in docs/errors.md."""

    SOMETIMES_ABSENT = frozenset({"errors", "idempotency_key"})
    EXAMPLE = {  # noqa: RUF012  # never changed
        "type": "urn:bank:problem:insufficient_funds",
        "title": "The available balance is too low.",
        "status": 409,
        "detail": "The available balance is too low.",
        "code": "insufficient_funds",
        "request_id": "5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60",
    }

    type = fields.String(metadata={"description": "A URI that names the kind of problem."})
    title = fields.String()
    status = fields.Integer(metadata={"description": "The HTTP status, repeated."})
    detail = fields.String(metadata={"description": "What happened this time."})
    code = fields.String(metadata={"description": "Stable; switch on this."})
    request_id = fields.String(metadata={"description": "Finds the request in the server's log."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Field by field: what is wrong with it."},
    )
    idempotency_key = fields.String(metadata={"description": "The key to retry with, where the outcome is unknown."})
