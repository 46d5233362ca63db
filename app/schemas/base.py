"""What every wire shape has in common: listed fields only, and an example that the documentation shows."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, fields


class BaseSchema(Schema):
    """A shape that comes in: unknown fields are refused. `EXAMPLE` is one valid body, shown in the documentation."""

    EXAMPLE: ClassVar[dict[str, Any]]

    class Meta:
        unknown = RAISE


class OutSchema(BaseSchema):
    """A shape that goes out: every field is there, save those named, and null only where it says `allow_none`."""

    SOMETIMES_ABSENT: ClassVar[frozenset[str]] = frozenset()


class Page(OutSchema):
    """One page of a list; see `page_of`."""


@cache
def page_of(item: type[OutSchema]) -> type[Page]:
    """Return the schema of a page of such items: `items`, and `next_cursor`, null on the last page."""
    name = f"{item.__name__.removesuffix('Out')}Page"
    members = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(
            required=True, allow_none=True, metadata={"description": "Send it as `cursor` for the next page."}
        ),
        "EXAMPLE": {"items": [item.EXAMPLE], "next_cursor": None},
    }
    return type(name, (Page,), members)
