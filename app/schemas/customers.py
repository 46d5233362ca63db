"""Wire shapes of customers: as staff see and change them, and as they see themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import fields, post_load, validate

from app.domain.customer_search import CustomerFilter
from app.domain.customers import CustomerStatus, KycStatus
from app.schemas.auth import PASSWORD_LENGTH_MAX
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Cursor, Flag, Limit, Text, TimestampOut
from app.schemas.mfa import CodeField
from app.schemas.people import AddressIn, AddressOut, Country, DateIn, EmailIn, PersonName, PhoneIn

SEARCH_LENGTH_MAX = 100
REASON_LENGTH_MAX = 500
_STATUSES = [str(status) for status in CustomerStatus]
_KYC_STATUSES = [str(status) for status in KycStatus]
_FACTS = {
    "full_name": "Carol Carter",
    "date_of_birth": "1990-05-17",
    "email": "carol@example.com",
    "phone": "+12025550143",
    "nationality": "US",
}
_TIMES = {"created_at": "2026-01-31T12:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z"}
_NUMBER = "C482915306750"
_DECISION = {"reason": "Passport shown.", "by": "5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60", "at": "2026-01-31T12:00:00.000Z"}
_ID = "0c6f1f0b9f3c4e8d0c6f1f0b9f3c4e8d"


class ContactIn(BaseSchema):
    """How a customer is reached, as far as it is to change; null takes away what was there."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "email": "carol@example.com",
        "phone": "+1 202 555 0143",
        "address": AddressIn.EXAMPLE,
        "current_password": "violet harbour 27 lanterns",
    }

    email = EmailIn(allow_none=True)
    phone = PhoneIn(allow_none=True)
    address = fields.Nested(AddressIn, allow_none=True)
    current_password = fields.String(
        validate=validate.Length(1, PASSWORD_LENGTH_MAX),
        metadata={"description": "Needed to change e-mail address or phone number.", "format": "password"},
    )
    code = CodeField()


class CustomerChangeIn(BaseSchema):
    """What the bank knows of a customer, as far as it is to change; null takes away what was there."""

    EXAMPLE: ClassVar[dict[str, Any]] = {**_FACTS, "address": AddressIn.EXAMPLE}

    full_name = PersonName()
    date_of_birth = DateIn()
    email = EmailIn(allow_none=True)
    phone = PhoneIn(allow_none=True)
    address = fields.Nested(AddressIn, allow_none=True)
    nationality = Country()


class CustomerIn(CustomerChangeIn):
    """A person whom the bank is to serve."""

    EXAMPLE: ClassVar[dict[str, Any]] = {**CustomerChangeIn.EXAMPLE, "invite": True}

    full_name = PersonName(required=True)
    invite = Flag(
        load_default=False,
        metadata={"description": "Whether to make a code with which the person can register."},
    )


class ReasonIn(BaseSchema):
    """Why something is decided."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"reason": "Passport shown."}

    reason = Text(required=True, min_length=1, max_length=REASON_LENGTH_MAX)


class CustomersQuery(BaseSchema):
    """Which customers staff want to see."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"q": "carol", "status": "active", "limit": "20"}

    q = Text(
        min_length=1,
        max_length=SEARCH_LENGTH_MAX,
        metadata={"description": "The beginnings of words of the name, of the number, e-mail address or phone number."},
    )
    status = fields.String(validate=validate.OneOf(_STATUSES))
    kyc = fields.String(validate=validate.OneOf(_KYC_STATUSES))
    limit = Limit()
    cursor = Cursor(load_default=None)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return the filter, and apart from it which page."""
        wanted = CustomerFilter(text=given.get("q"), status=given.get("status"), kyc_status=given.get("kyc"))
        return {"wanted": wanted, "limit": given["limit"], "cursor": given["cursor"]}


class PageQuery(BaseSchema):
    """Which page."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"limit": "20"}

    limit = Limit()
    cursor = Cursor(load_default=None)


class MeOut(OutSchema):
    """A customer as they see themselves."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "number": _NUMBER, **_FACTS, "address": AddressOut.EXAMPLE, "kyc_status": "verified", "kyc_rejection": None,
        "status": "active", **_TIMES,
    }  # fmt: skip

    number = fields.String(metadata={"description": "The customer number; it stays the same."})
    full_name = fields.String(allow_none=True)
    date_of_birth = fields.Date(allow_none=True)
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True, metadata={"description": "In E.164."})
    address = fields.Nested(AddressOut, allow_none=True)
    nationality = fields.String(allow_none=True)
    kyc_status = fields.String(validate=validate.OneOf(_KYC_STATUSES))
    kyc_rejection = fields.String(
        allow_none=True, metadata={"description": "What the bank still needs to know who the customer is."}
    )
    status = fields.String(validate=validate.OneOf(_STATUSES))
    created_at = TimestampOut()
    updated_at = TimestampOut()


class DecisionOut(OutSchema):
    """Why a customer has their present status, who gave it to them, and when."""

    EXAMPLE: ClassVar[dict[str, Any]] = _DECISION

    reason = fields.String()
    by = fields.String(metadata={"description": "The id of the user who decided."})
    at = TimestampOut()


class CustomerSummaryOut(OutSchema):
    """A customer in a list."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": _ID, "number": _NUMBER, "username": "carol", "full_name": "Carol Carter", "email": "carol@example.com",
        "phone": "+12025550143", "kyc_status": "verified", "status": "active",
    }  # fmt: skip

    id = fields.String(attribute="customer.id")
    number = fields.String(attribute="customer.number")
    username = fields.String(allow_none=True, metadata={"description": "Null where they have no login."})
    full_name = fields.String(attribute="customer.full_name", allow_none=True)
    email = fields.String(attribute="customer.email", allow_none=True)
    phone = fields.String(attribute="customer.phone", allow_none=True)
    kyc_status = fields.String(attribute="customer.kyc_status", validate=validate.OneOf(_KYC_STATUSES))
    status = fields.String(attribute="customer.status", validate=validate.OneOf(_STATUSES))


class CustomerOut(CustomerSummaryOut):
    """A customer as staff see them."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **CustomerSummaryOut.EXAMPLE, **_FACTS, "address": AddressOut.EXAMPLE, "kyc_decision": _DECISION,
        "status_decision": None, "invited_until": None, **_TIMES,
    }  # fmt: skip

    date_of_birth = fields.Date(attribute="customer.date_of_birth", allow_none=True)
    address = fields.Nested(AddressOut, attribute="customer.address", allow_none=True)
    nationality = fields.String(attribute="customer.nationality", allow_none=True)
    kyc_decision = fields.Nested(DecisionOut, attribute="customer.kyc_decision", allow_none=True)
    status_decision = fields.Nested(DecisionOut, attribute="customer.status_decision", allow_none=True)
    invited_until = TimestampOut(attribute="customer.invitation.expires_at", dump_default=None, allow_none=True)
    created_at = TimestampOut(attribute="customer.created_at")
    updated_at = TimestampOut(attribute="customer.updated_at")


class InvitedCustomerOut(CustomerOut):
    """A customer with the code of a new invitation, which is shown this once."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **CustomerOut.EXAMPLE, "username": None, "invited_until": "2026-02-14T12:00:00.000Z",
        "invitation": "7K3MX-9QTD2-0V4WZ-H8R6C",
    }  # fmt: skip

    invitation = fields.String(
        attribute="code", allow_none=True, metadata={"description": "Sent as `invitation` to POST /auth/register."}
    )
