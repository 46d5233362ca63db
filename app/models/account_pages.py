"""Pages of accounts for staff: all customers' accounts, by number."""

from __future__ import annotations

from pymongo import ASCENDING
from pymongo.database import Database

from app.domain.account_views import AccountFilter
from app.domain.accounts import Account, AccountKind
from app.domain.paging import Page
from app.models.accounts import SPEC, account_from
from app.models.collection import Document
from app.models.key_window import last_key_examined


class AccountPages:
    """Reads customers' accounts by pages; the bank's own accounts are not among them."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def page(self, wanted: AccountFilter, *, limit: int, cursor: str | None) -> Page[Account]:
        """Return the accounts behind `cursor` (an account number) that are wanted."""
        span: Document = {"$gt": cursor} if cursor else {}
        scope: Document = {"holders": wanted.customer} if wanted.customer else {}
        last_examined = last_key_examined(self._collection, scope, span, ASCENDING)
        if last_examined is not None:
            span["$lte"] = last_examined
        names = ("status", "type", "currency", "product", "branch")
        given = {name: getattr(wanted, name) for name in names}
        query = scope | {"kind": str(AccountKind.CUSTOMER)}
        query |= {name: str(value) for name, value in given.items() if value is not None}
        query |= {"_id": span} if span else {}
        found = [account_from(each) for each in self._collection.find(query).sort("_id", ASCENDING).limit(limit + 1)]
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].id)
        return Page(found, last_examined)
