"""Wire shapes of users, as administrators see and change them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.domain.actor import Role
from app.domain.staff_roles import STAFF_ROLES
from app.domain.user_search import UserFilter
from app.domain.usernames import TYPED_LENGTH_MAX
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Code, Cursor, Limit, Text, TimestampOut

_PASSWORD_LENGTH_MAX = 128
_staff_role = validate.OneOf([str(role) for role in STAFF_ROLES])


class UsersQuery(BaseSchema):
    """Which users are wanted."""

    EXAMPLE = {"name": "be", "role": "banker", "disabled": "false", "limit": "20"}

    name = Text(
        min_length=1, max_length=TYPED_LENGTH_MAX, metadata={"description": "The beginning of a name, in any spelling."}
    )
    role = fields.String(validate=validate.OneOf([str(role) for role in Role]))
    disabled = fields.String(validate=validate.OneOf(["true", "false"]))
    branch = Code()
    limit = Limit()
    cursor = Cursor(load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        role, disabled = data.get("role"), data.get("disabled")
        wanted = UserFilter(
            name=data.get("name"),
            role=Role(role) if role else None,
            disabled=disabled == "true" if disabled else None,
            branch=data.get("branch"),
        )
        return {"wanted": wanted, "limit": data["limit"], "cursor": data["cursor"]}


class UserSessionsQuery(BaseSchema):
    """Which page of a user's sessions."""

    EXAMPLE = {"limit": "20"}

    limit = Limit()
    cursor = Cursor(load_default=None)


class StaffIn(BaseSchema):
    """A new member of staff."""

    EXAMPLE = {"username": "bella", "role": "banker", "branch": "HARBOUR"}

    username = fields.String(required=True, validate=validate.Length(1, TYPED_LENGTH_MAX))
    role = fields.String(required=True, validate=_staff_role)
    password = fields.String(
        validate=validate.Length(8, _PASSWORD_LENGTH_MAX),
        load_default=None,
        metadata={"description": "Without it one is made up, and shown in the answer.", "format": "password"},
    )
    branch = Code(load_default=None)


class RoleIn(BaseSchema):
    """Another role for a member of staff."""

    EXAMPLE = {"role": "admin"}

    role = fields.String(required=True, validate=_staff_role)


class UserBranchIn(BaseSchema):
    """The branch that a member of staff belongs to, or null."""

    EXAMPLE = {"branch": "HARBOUR"}

    branch = Code(required=True, allow_none=True)


class ManagedUserOut(OutSchema):
    """A login, as administrators see it."""

    EXAMPLE = {
        "id": "5f3c1b0e8d7a4c6f9e2b1a0d3c4e5f60",
        "username": "bella",
        "role": "banker",
        "branch": "HARBOUR",
        "disabled": False,
        "customer_id": None,
        "mfa_enabled": True,
        "created_at": "2026-01-31T12:00:00.000Z",
    }

    id = fields.String(attribute="user.id")
    username = fields.String(attribute="user.username")
    role = fields.String(attribute="user.role", validate=validate.OneOf([str(role) for role in Role]))
    branch = fields.String(attribute="user.branch", allow_none=True)
    disabled = fields.Boolean(attribute="user.disabled")
    customer_id = fields.String(attribute="user.customer_id", allow_none=True)
    mfa_enabled = fields.Boolean(metadata={"description": "Whether a code is asked for at login."})
    created_at = TimestampOut(attribute="user.created_at")


class HiredOut(OutSchema):
    """A new member of staff."""

    EXAMPLE = {
        "user": {**ManagedUserOut.EXAMPLE, "mfa_enabled": False},
        "password": "kT3-x0bPz9QdLw7V",
        "approval": None,
    }

    user = fields.Nested(ManagedUserOut)
    password = fields.String(
        allow_none=True, metadata={"description": "The one that was made up, shown this once; null where it was given."}
    )
    approval = fields.String(
        allow_none=True,
        metadata={"description": "The approval that makes an administrator of them; until then they are a banker."},
    )


class UserSessionOut(OutSchema):
    """A login of somebody's on one device."""

    EXAMPLE = {
        "id": "019c13f2a4c05b6e7d8091a2b3c4d5e6",
        "created_at": "2026-01-31T12:00:00.000Z",
        "last_used_at": "2026-01-31T12:10:00.000Z",
        "expires_at": "2026-02-07T12:10:00.000Z",
        "address": "192.0.2.7",
        "user_agent": "curl/8.5.0",
        "second_factor": True,
    }

    id = fields.String()
    created_at = TimestampOut()
    last_used_at = TimestampOut(attribute="rotated_at", metadata={"description": "The login or the last refresh."})
    expires_at = TimestampOut()
    address = fields.String(attribute="device.address")
    user_agent = fields.String(attribute="device.user_agent")
    second_factor = fields.Boolean(metadata={"description": "Whether a code was given at login."})
