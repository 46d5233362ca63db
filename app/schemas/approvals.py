"""Wire shapes of approvals and of the policies that ask for them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.domain.approvals import ApprovalFilter, ApprovalStatus
from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.operations.base import OperationName
from app.domain.policies import THRESHOLDS_MAX, Rule
from app.schemas.approval_payloads import PAYLOADS, payloads_described
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AmountIn, Cursor, Limit, MoneyOut, Text, TimestampOut

OPERATION_NAMES = [str(name) for name in OperationName]
COMMENT_LENGTH_MAX = 500


class PersonOut(OutSchema):
    """A member of staff, by the name they had then."""

    EXAMPLE = {"id": "0c6f1f0b9f3c4e8d", "username": "bella"}

    id = fields.String()
    username = fields.String()


class ApprovalOut(OutSchema):
    """What one member of staff asked for, exactly as it is executed once another has approved it."""

    EXAMPLE = {
        "id": "0198f2c3a1b29d5e3ecdeeb7a1f7c2a0",
        "operation": "counter_withdrawal",
        "subject": "482915306750",
        "payload": {"account": "482915306750", "holders": ["Carol Carter"], "amount": "12000.00", "currency": "USD",
                    "description": None},
        "status": "executed",
        "requested_by": PersonOut.EXAMPLE,
        "requested_at": "2026-01-31T12:00:00.000Z",
        "expires_at": "2026-02-03T12:00:00.000Z",
        "decided_by": {"id": "5b1e0f9a8c7d6e5f", "username": "boris"},
        "decided_at": "2026-01-31T12:30:00.000Z",
        "comment": "Identity checked",
        "transaction_id": "9d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a69d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a6",
        "failure": None,
    }  # fmt: skip

    id = fields.String()
    operation = fields.String(validate=validate.OneOf(OPERATION_NAMES))
    subject = fields.String(metadata={"description": "What it is done to: an account's number, a user's id, a name."})
    payload = fields.Dict(
        keys=fields.String(), metadata={"description": payloads_described(), "examples": list(PAYLOADS.values())}
    )
    status = fields.String(validate=validate.OneOf([str(status) for status in ApprovalStatus]))
    requested_by = fields.Nested(PersonOut)
    requested_at = TimestampOut()
    expires_at = TimestampOut()
    decided_by = fields.Nested(PersonOut, attribute="decision.by", allow_none=True, dump_default=None)
    decided_at = TimestampOut(attribute="decision.at", allow_none=True, dump_default=None)
    comment = fields.String(attribute="decision.comment", allow_none=True, dump_default=None)
    transaction_id = fields.String(allow_none=True, metadata={"description": "What its execution posted."})
    failure = fields.String(allow_none=True, metadata={"description": "The code of what refused its execution."})


class ApprovalsQuery(BaseSchema):
    """Which approvals are wanted; newest first."""

    EXAMPLE = {"status": "pending", "limit": 20}

    status = fields.String(validate=validate.OneOf([str(status) for status in ApprovalStatus]))
    operation = fields.String(validate=validate.OneOf(OPERATION_NAMES))
    mine = fields.String(
        validate=validate.OneOf(["true", "false"]), metadata={"description": "Only what the caller asked for."}
    )
    limit = Limit()
    cursor = Cursor(load_default=None)

    @post_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Put what narrows the list into one filter; whose `mine` means, the controller knows."""
        status, operation = data.pop("status", None), data.pop("operation", None)
        wanted = ApprovalFilter(
            status=ApprovalStatus(status) if status else None,
            operation=OperationName(operation) if operation else None,
        )
        return {**data, "wanted": wanted, "mine": data.get("mine") == "true"}


class ApprovalIn(BaseSchema):
    """What the approver has to say."""

    EXAMPLE = {"comment": "Identity checked"}

    comment = Text(min_length=1, max_length=COMMENT_LENGTH_MAX)


class RejectionIn(BaseSchema):
    """Why it is rejected."""

    EXAMPLE = {"comment": "The customer has not signed"}

    comment = Text(required=True, min_length=1, max_length=COMMENT_LENGTH_MAX)


class ThresholdIn(BaseSchema):
    """From which amount of a currency on a second person is asked."""

    EXAMPLE = {"amount": "10000.00", "currency": "USD"}

    amount = AmountIn(required=True)
    currency = fields.String(required=True, validate=validate.OneOf(sorted(CURRENCY_EXPONENTS)))


class ThresholdOut(OutSchema):
    """From which amount of a currency on a second person is asked."""

    EXAMPLE = ThresholdIn.EXAMPLE

    amount = MoneyOut(attribute="itself")
    currency = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read the amount from the money as a whole, which knows its decimals."""
        return obj if attr == "itself" else super().get_attribute(obj, attr, default)


class PolicyIn(BaseSchema):
    """When a second person is asked. A currency without a threshold always asks."""

    EXAMPLE = {"rule": "at_or_above", "thresholds": [ThresholdIn.EXAMPLE]}

    rule = fields.String(required=True, validate=validate.OneOf([str(rule) for rule in Rule]))
    thresholds = fields.List(fields.Nested(ThresholdIn), load_default=(), validate=validate.Length(max=THRESHOLDS_MAX))


class PolicyOut(OutSchema):
    """When an operation needs a second person. A currency without a threshold always asks."""

    EXAMPLE = {
        "operation": "counter_withdrawal",
        "rule": "at_or_above",
        "thresholds": [ThresholdOut.EXAMPLE],
    }

    operation = fields.String(validate=validate.OneOf([name for name in OPERATION_NAMES if name != "policy_change"]))
    rule = fields.String(validate=validate.OneOf([str(rule) for rule in Rule]))
    thresholds = fields.List(fields.Nested(ThresholdOut))


class PolicyListOut(OutSchema):
    """The policy of every operation; they fit on one page."""

    EXAMPLE = {"items": [PolicyOut.EXAMPLE], "next_cursor": None}

    items = fields.List(fields.Nested(PolicyOut))
    next_cursor = fields.String(allow_none=True)
