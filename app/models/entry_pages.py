"""Pages of entries, newest first: every page is one range of an index, whatever the age or size of the account."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pymongo import DESCENDING
from pymongo.database import Database

from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.errors import ValidationFailed
from app.domain.history import HistoryFilter
from app.domain.ids import entry_id_ceiling, entry_id_floor
from app.domain.ledger.records import Entry
from app.domain.paging import Page
from app.models.collection import Document
from app.models.entries import BY_TIME, SPEC, entry_from
from app.models.key_window import Walk, find_page

_CURSOR = re.compile(r"[0-9a-f]{36}\Z")
_BELOW_INTERNAL_NAMES = ":"
"""Customers' numbers are digits and internal accounts begin with a letter; this sorts between the two."""
_USUAL_EXPONENT = 2
_UNUSUAL_EXPONENTS = sorted(set(CURRENCY_EXPONENTS.values()) - {_USUAL_EXPONENT})


class EntryPages:
    """Reads entries by pages, of some accounts or of all customers'."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def of_accounts(
        self, account_ids: Sequence[str], wanted: HistoryFilter, *, limit: int, cursor: str | None
    ) -> Page[Entry]:
        """Return a page of these accounts' entries, merged by time."""
        if not account_ids:
            return Page((), None)
        walk = Walk(BY_TIME, DESCENDING, {"account_id": {"$in": list(account_ids)}}, _span(wanted, cursor))
        return self._page(walk, _conditions(wanted), limit=limit)

    def of_customers(self, wanted: HistoryFilter, *, limit: int, cursor: str | None) -> Page[Entry]:
        """Return a page of all customers' entries; the bank's own accounts are not among them."""
        customers, conditions = {"account_id": {"$lt": _BELOW_INTERNAL_NAMES}}, _conditions(wanted)
        if not conditions:  # about every second line is a customer's: no look beforehand
            return self._page(Walk("_id_", DESCENDING, customers, _span(wanted, cursor)), {}, limit=limit)
        return self._page(Walk("_id_", DESCENDING, span=_span(wanted, cursor)), customers | conditions, limit=limit)

    def _page(self, walk: Walk, conditions: Document, *, limit: int) -> Page[Entry]:
        found, next_cursor = find_page(self._collection, walk, conditions, limit=limit)
        return Page([entry_from(each) for each in found], next_cursor)


def _span(wanted: HistoryFilter, cursor: str | None) -> Document:
    """Return the range of entry ids between the wanted times, before the cursor."""
    span: Document = {}
    if wanted.since is not None:
        span["$gte"] = entry_id_floor(wanted.since)
    ends = [entry_id_ceiling(wanted.until)] if wanted.until is not None else []
    if cursor is not None:
        if not _CURSOR.match(cursor):
            raise ValidationFailed(errors={"cursor": ["Send back the next_cursor of the page before, unchanged."]})
        ends.append(cursor)
    if ends:
        span["$lt"] = min(ends)
    return span


def _conditions(wanted: HistoryFilter) -> Document:
    conditions: list[Document] = []
    if wanted.type is not None:
        conditions.append({"type": str(wanted.type)})
    if wanted.direction is not None:
        conditions.append({"amount": {"$lt": 0} if wanted.direction == "debit" else {"$gt": 0}})
    if wanted.min_amount or wanted.max_amount:
        conditions.append({"$or": [_amounts(wanted, exponent) for exponent in (_USUAL_EXPONENT, *_UNUSUAL_EXPONENTS)]})
    return {"$and": conditions} if conditions else {}


def _amounts(wanted: HistoryFilter, exponent: int) -> Document:
    """Bound the absolute amount, in minor units, of lines whose currency has this exponent."""
    low, high = wanted.minor_bounds(exponent)
    credit = {name: bound for name, bound in (("$gte", low), ("$lte", high)) if bound is not None}
    debit = {name: -bound for name, bound in (("$lte", low), ("$gte", high)) if bound is not None}
    if low is None:
        credit["$gt"], debit["$lt"] = 0, 0
    return {"currency": _currencies(exponent), "$or": [{"amount": credit}, {"amount": debit}]}


def _currencies(exponent: int) -> Document:
    if exponent == _USUAL_EXPONENT:
        return {"$nin": [code for code, digits in CURRENCY_EXPONENTS.items() if digits != _USUAL_EXPONENT]}
    return {"$in": [code for code, digits in CURRENCY_EXPONENTS.items() if digits == exponent]}
