"""Pages of customers for staff: all, by status, or by what they are searched by."""

from __future__ import annotations

from pymongo import ASCENDING
from pymongo.database import Database

from app.domain.customer_search import CustomerFilter, search_terms
from app.domain.customers import Customer
from app.domain.paging import Page
from app.models.collection import Document
from app.models.customers import SPEC, WITHOUT_SEARCH, customer_from
from app.models.key_window import last_key_examined


class CustomerPages:
    """Reads customers by pages, in the order of their ids."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def page(self, wanted: CustomerFilter, *, limit: int, cursor: str | None) -> Page[Customer]:
        """Return the customers behind `cursor` (a customer's id) that are wanted."""
        terms = search_terms(wanted.text) if wanted.text is not None else []
        if wanted.text is not None and not terms:
            return Page((), None)
        given = {"kyc_status": wanted.kyc_status, "status": wanted.status}
        exact = {name: str(value) for name, value in given.items() if value is not None}
        scope = {"search": terms[0]} if terms else dict(list(exact.items())[:1])
        span: Document = {"$gt": cursor} if cursor else {}
        last_examined = last_key_examined(self._collection, scope, span, ASCENDING)
        if last_examined is not None:
            span["$lte"] = last_examined
        query = exact | ({"search": {"$all": terms}} if terms else {}) | ({"_id": span} if span else {})
        found = self._collection.find(query, WITHOUT_SEARCH).sort("_id", ASCENDING).limit(limit + 1)
        items = [customer_from(each) for each in found]
        if len(items) > limit:
            return Page(items[:limit], items[limit - 1].id)
        return Page(items, last_examined)
