"""Pages of users for administrators, by name."""

from __future__ import annotations

import base64
import binascii

from pymongo import ASCENDING
from pymongo.database import Database

from app.domain.actor import Role
from app.domain.errors import ValidationFailed
from app.domain.paging import Page
from app.domain.user_search import UserFilter
from app.domain.users import User
from app.models.collection import Document
from app.models.users import SPEC, user_from


class UserPages:
    """Reads users by pages, in the order of their canonical names."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def page(self, wanted: UserFilter, *, limit: int, cursor: str | None) -> Page[User]:
        """Return the users behind `cursor` that are wanted.

        Each filter has an index that is in the order of names, so that what is looked at is little more than what is
        found; those of a branch are its staff, and few.
        """
        query, index = _query(wanted)
        if cursor is not None or wanted.name_range:
            query["canonical"] = _span(wanted, cursor)
        found = self._collection.find(query).hint(index).sort("canonical", ASCENDING).limit(limit + 1)
        users = [user_from(each) for each in found]
        if len(users) > limit:
            return Page(users[:limit], _cursor_of(users[limit - 1]))
        return Page(users, None)


def _query(wanted: UserFilter) -> tuple[Document, str]:
    """Return what is asked of the database, and the name of the index that serves it."""
    query: Document = {}
    if wanted.role is not None or wanted.disabled is not None:
        query["role"] = {"$in": [str(role) for role in ([wanted.role] if wanted.role else Role)]}
        query["disabled"] = {"$in": [False, True] if wanted.disabled is None else [wanted.disabled]}
    if wanted.branch is not None:
        return query | {"branch": wanted.branch}, "branch"
    return query, "role" if query else "one_user_per_name"


def _span(wanted: UserFilter, cursor: str | None) -> Document:
    span: Document = {}
    if wanted.name_range:
        span["$gte"], span["$lt"] = wanted.name_range
    if cursor is not None:
        span["$gt"] = _name_behind(cursor)
    return span


def _cursor_of(user: User) -> str:
    return base64.urlsafe_b64encode(user.canonical.encode()).decode()


def _name_behind(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValidationFailed(
            errors={"cursor": ["Send back the next_cursor of the page before, unchanged."]}
        ) from None
