"""Pages of accounts for staff: all customers' accounts, by number."""

from __future__ import annotations

from pymongo import ASCENDING
from pymongo.database import Database

from app.domain.account_views import AccountFilter
from app.domain.accounts import Account, AccountStatus
from app.domain.paging import Page
from app.models.accounts import SPEC, account_from
from app.models.collection import Document
from app.models.key_window import Walk, find_page

_BELOW_INTERNAL_NAMES = ":"
"""Customers' numbers are digits and internal accounts begin with a letter; this sorts between the two."""
_TELLING = ("branch", "product", "status", "currency", "type")
"""What accounts are filtered by, the more telling first: the first given leads, by the index of its name."""


class AccountPages:
    """Reads customers' accounts by pages; the bank's own accounts are not among them."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def page(self, wanted: AccountFilter, *, limit: int, cursor: str | None) -> Page[Account]:
        """Return the accounts behind `cursor` (an account number) that are wanted."""
        span: Document = {"$lt": _BELOW_INTERNAL_NAMES} | ({"$gt": cursor} if cursor else {})
        scope, index, conditions = _served(wanted)
        walk = Walk(index, ASCENDING, scope, span)
        found, next_cursor = find_page(self._collection, walk, conditions, limit=limit)
        return Page([account_from(each) for each in found], next_cursor)


def _served(wanted: AccountFilter) -> tuple[Document, str, Document]:
    """Return what an index serves, its name, and what is left to be looked at; nearly every account is active."""
    given: Document = {name: str(value) for name in _TELLING if (value := getattr(wanted, name)) is not None}
    if wanted.customer is not None:
        return {"holders": wanted.customer}, "holders", given
    if wanted.status is AccountStatus.ACTIVE and len(given) > 1:
        given["status"] = given.pop("status")  # to the end
    leading = next(iter(given), None)
    if leading is None:
        return {}, "_id_", {}
    return {leading: given.pop(leading)}, leading, given  # foreign-filter: one of _TELLING
