"""Pages of customers for staff: all, by status, or by what they are searched by."""

from __future__ import annotations

from pymongo import ASCENDING
from pymongo.database import Database

from app.domain.customer_search import CustomerFilter, search_terms
from app.domain.customers import Customer
from app.domain.paging import Page
from app.models.collection import Document
from app.models.customers import SPEC, WITHOUT_SEARCH, customer_from
from app.models.key_window import Walk, find_page


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
        conditions: Document = {name: str(value) for name, value in given.items() if value is not None}
        index = "search" if terms else next(iter(conditions), "_id_")
        if terms:
            scope: Document = {"search": terms[0]}
            conditions |= {"search": {"$all": terms[1:]}} if len(terms) > 1 else {}
        else:
            scope = {index: conditions.pop(index)} if conditions else {}  # foreign-filter: one of those given
        walk = Walk(index, ASCENDING, scope, {"$gt": cursor} if cursor else {})
        found, next_cursor = find_page(self._collection, walk, conditions, limit=limit, projection=WITHOUT_SEARCH)
        return Page([customer_from(each) for each in found], next_cursor)
