"""Wire shapes of registering, logging in and sessions."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import fields, validate

from app.domain.actor import Role
from app.domain.typed_codes import CODE_LENGTH_TYPED_MAX
from app.domain.usernames import TYPED_LENGTH_MAX
from app.schemas.accounts import AccountOut
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Cursor, Limit, Text, TimestampOut
from app.schemas.people import EmailIn, PersonName

PASSWORD_LENGTH_MAX = 128
_new_password = validate.Length(8, PASSWORD_LENGTH_MAX)
_any_password = validate.Length(1, PASSWORD_LENGTH_MAX)
_USER_EXAMPLE = {
    "id": "5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60",
    "username": "carol",
    "full_name": "Alice Example",
    "email": "carol@example.com",
    "role": "customer",
    "created_at": "2026-01-31T12:00:00.000Z",
}


class RegisterIn(BaseSchema):
    """A new customer."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "username": "carol",
        "password": "violet harbour 27 lanterns",
        "full_name": "Alice Example",
        "email": "carol@example.com",
    }

    username = fields.String(
        required=True,
        validate=validate.Length(1, TYPED_LENGTH_MAX),
        metadata={"description": "3 to 32 letters of one script, digits, and . _ - between them."},
    )
    password = fields.String(
        required=True,
        validate=_new_password,
        metadata={"description": "Any characters; what is easy to guess is refused.", "format": "password"},
    )
    full_name = PersonName()
    email = EmailIn()
    invitation = Text(
        min_length=1,
        max_length=CODE_LENGTH_TYPED_MAX,
        metadata={"description": "The code from the bank, for a person whom it serves already; then no name is asked."},
    )


class LoginIn(BaseSchema):
    """A user name and its password."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"username": "carol", "password": "violet harbour 27 lanterns"}

    username = fields.String(required=True, validate=validate.Length(1, TYPED_LENGTH_MAX))
    password = fields.String(required=True, validate=_any_password, metadata={"format": "password"})


class RefreshIn(BaseSchema):
    """The refresh token, where it does not come as the bearer token."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"refresh_token": "eyJhbGciOi..."}

    refresh_token = fields.String()


class PasswordIn(BaseSchema):
    """A new password, and the present one as proof."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "current_password": "violet harbour 27 lanterns",
        "new_password": "amber quarry 81 whistles",
    }

    current_password = fields.String(required=True, validate=_any_password, metadata={"format": "password"})
    new_password = fields.String(required=True, validate=_new_password, metadata={"format": "password"})


class PasswordResetIn(BaseSchema):
    """A new password, and the code from the bank that stands in for the forgotten one."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "username": "carol",
        "code": "7K3MX-9QTD2-0V4WZ-H8R6C",
        "new_password": "amber quarry 81 whistles",
    }

    username = fields.String(required=True, validate=validate.Length(1, TYPED_LENGTH_MAX))
    code = Text(required=True, min_length=1, max_length=CODE_LENGTH_TYPED_MAX)
    new_password = fields.String(required=True, validate=_new_password, metadata={"format": "password"})


class ResetCodeOut(OutSchema):
    """What lets somebody who has forgotten their password set a new one, shown this once."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"code": "7K3MX-9QTD2-0V4WZ-H8R6C", "expires_at": "2026-01-31T12:10:00.000Z"}

    code = fields.String(metadata={"description": "Sent once, with the user name, to POST /auth/password/reset."})
    expires_at = TimestampOut()


class SessionsQuery(BaseSchema):
    """Which page of the sessions."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"limit": "20"}

    limit = Limit()
    cursor = Cursor()


class UserOut(OutSchema):
    """A login and who it belongs to."""

    EXAMPLE: ClassVar[dict[str, Any]] = _USER_EXAMPLE

    id = fields.String(attribute="user.id")
    username = fields.String(attribute="user.username")
    full_name = fields.String(attribute="customer.full_name", dump_default=None, allow_none=True)
    email = fields.String(attribute="customer.email", dump_default=None, allow_none=True)
    role = fields.String(attribute="user.role", validate=validate.OneOf(list(Role)))
    created_at = TimestampOut(attribute="user.created_at")


class RegistrationOut(OutSchema):
    """A new customer with their first account."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"user": _USER_EXAMPLE, "account": AccountOut.EXAMPLE}

    user = fields.Nested(UserOut, attribute="profile")
    account = fields.Nested(AccountOut)


class TokensOut(OutSchema):
    """A pair of tokens (RFC 6749, section 5.1)."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "access_token": "eyJhbGciOi...",
        "refresh_token": "eyJhbGciOi...",
        "token_type": "Bearer",
        "expires_in": 900,
    }

    access_token = fields.String(metadata={"description": "Send it as `Authorization: Bearer ...`."})
    refresh_token = fields.String(metadata={"description": "Good for one exchange at /auth/refresh."})
    token_type = fields.String(validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(metadata={"description": "Seconds that the access token is good for."})


class VerifyOut(OutSchema):
    """What a gateway asks about a token (RFC 7662)."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "active": True,
        "sub": "5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60",
        "username": "carol",
        "role": "customer",
        "exp": 1769861700,
    }

    active = fields.Boolean()
    sub = fields.String(metadata={"description": "The user's id."})
    username = fields.String()
    role = fields.String(validate=validate.OneOf(list(Role)))
    exp = fields.Integer(metadata={"description": "When the token expires, in seconds since 1970."})


class SessionOut(OutSchema):
    """A login on one device."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019c13f2a4c05b6e7d8091a2b3c4d5e6",
        "created_at": "2026-01-31T12:00:00.000Z",
        "last_used_at": "2026-01-31T12:10:00.000Z",
        "expires_at": "2026-02-07T12:10:00.000Z",
        "address": "192.0.2.7",
        "user_agent": "curl/8.5.0",
        "current": True,
    }

    id = fields.String(attribute="session.id")
    created_at = TimestampOut(attribute="session.created_at")
    last_used_at = TimestampOut(
        attribute="session.rotated_at", metadata={"description": "The login or the last refresh."}
    )
    expires_at = TimestampOut(attribute="session.expires_at")
    address = fields.String(attribute="session.device.address")
    user_agent = fields.String(attribute="session.device.user_agent")
    current = fields.Boolean(metadata={"description": "Whether this request belongs to it."})
