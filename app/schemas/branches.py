"""Wire shapes of branches."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.domain.branches import BranchStatus
from app.domain.routing import ROUTING_CODE_LENGTH_MAX, RoutingCode, RoutingType
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Code, Cursor, Limit, Text, TimestampOut
from app.schemas.people import AddressIn, AddressOut

_ROUTING_TYPES = [str(type_) for type_ in RoutingType]


class RoutingCodeIn(BaseSchema):
    """How other banks address a branch; each type has its own form."""

    EXAMPLE = {"type": "ABA", "code": "021000021"}

    type = fields.String(required=True, validate=validate.OneOf(_ROUTING_TYPES))
    code = Text(required=True, min_length=1, max_length=ROUTING_CODE_LENGTH_MAX)

    @post_load
    def _make(self, data: dict[str, str], **_: Any) -> RoutingCode:
        return RoutingCode.parse(RoutingType(data["type"]), data["code"])


class RoutingCodeOut(OutSchema):
    """How other banks address a branch, in canonical form."""

    EXAMPLE = RoutingCodeIn.EXAMPLE

    type = fields.String(validate=validate.OneOf(_ROUTING_TYPES))
    code = fields.String()


class BranchChangeIn(BaseSchema):
    """What changes of a branch; what is left out stays."""

    EXAMPLE = {"name": "Harbour Street"}

    name = Text(min_length=1, max_length=100)
    address = fields.Nested(AddressIn)
    routing = fields.Nested(RoutingCodeIn, allow_none=True)


class BranchIn(BaseSchema):
    """A new branch."""

    EXAMPLE = {
        "code": "HARBOUR",
        "name": "Harbour Street",
        "address": AddressIn.EXAMPLE,
        "routing": RoutingCodeIn.EXAMPLE,
    }

    code = Code(required=True)
    name = Text(required=True, min_length=1, max_length=100)
    address = fields.Nested(AddressIn, required=True)
    routing = fields.Nested(RoutingCodeIn, allow_none=True)


class BranchOut(OutSchema):
    """A branch; a closed one keeps its accounts and takes no new ones."""

    EXAMPLE = {
        "code": "HARBOUR",
        "name": "Harbour Street",
        "address": AddressOut.EXAMPLE,
        "routing": RoutingCodeOut.EXAMPLE,
        "status": "open",
        "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.000Z",
    }

    code = fields.String()
    name = fields.String()
    address = fields.Nested(AddressOut)
    routing = fields.Nested(RoutingCodeOut, allow_none=True)
    status = fields.String(validate=validate.OneOf([str(status) for status in BranchStatus]))
    created_at = TimestampOut()
    updated_at = TimestampOut()


class BranchesQuery(BaseSchema):
    """Which page of the branches is wanted."""

    EXAMPLE = {"limit": 20}

    limit = Limit()
    cursor = Cursor(load_default=None)
