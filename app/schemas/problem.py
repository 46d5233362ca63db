"""The shape of every error: RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.domain.errors import BankError, InsufficientFunds, MfaRequired, OutcomeUnknown, ValidationFailed
from app.schemas.base import OutSchema

PROBLEM_TYPE = "application/problem+json"
_EXAMPLES: dict[type[BankError], BankError] = {
    ValidationFailed: ValidationFailed(errors={"amount": ["The amount must be greater than zero."]}),
    MfaRequired: MfaRequired(ticket="Vw4q0Jr0lYw3Yd1m8cX5uQb7sT2kZp9eHf6aNg1iRjo"),
    OutcomeUnknown: OutcomeUnknown(idempotency_key="9f2c4e1a7b3d4c60"),
}


def problem_body(error: BankError, *, request_id: str) -> dict[str, Any]:
    """Return what a caller is told of an error; `type` names the kind of problem and is no address."""
    body: dict[str, Any] = {
        "type": f"urn:bank:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        body["errors"] = error.errors
    if error.idempotency_key:
        body["idempotency_key"] = error.idempotency_key
    if error.ticket:
        body["ticket"] = error.ticket
    return body


def example_of(error: type[BankError]) -> dict[str, Any]:
    """Return such a body for the documentation."""
    return problem_body(_EXAMPLES.get(error) or error(), request_id="5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60")


class Problem(OutSchema):
    """What went wrong; `code` is stable and listed in docs/errors.md."""

    SOMETIMES_ABSENT = frozenset({"errors", "idempotency_key", "ticket"})
    EXAMPLE = example_of(InsufficientFunds)

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
    ticket = fields.String(metadata={"description": "Where a login needs a code: what to send with it."})
