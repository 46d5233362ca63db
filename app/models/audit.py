"""The audit trail: append-only records, each with a marker beside it until a seal covers it (see `audit_seals`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.audit import (
    OK,
    Acting,
    AuditFilter,
    AuditRecord,
    Stream,
    Subject,
    content_digest,
    new_record,
)
from app.domain.clock import Clock
from app.domain.errors import ValidationFailed
from app.domain.ids import entry_id_ceiling, entry_id_floor
from app.domain.origin import origin
from app.domain.paging import Page
from app.models.collection import Allowed, CollectionSpec, Document
from app.models.key_window import Walk, find_page
from app.models.posting import Append

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 64}
_SIDE = {"bsonType": "object", "maxProperties": 50}
_FIELDS = ("subject", "user_id", "action", "result", "stream")  # the more telling first: the first given leads

SPEC = CollectionSpec(
    "audit",
    allowed=Allowed.APPEND,
    indexes=tuple(IndexModel([(name, ASCENDING), ("_id", DESCENDING)], name=name) for name in _FIELDS),
    schema={
        "required": ["at", "stream", "action", "user_id", "role", "subject", "result", "address"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"},
            "at": {"bsonType": "date"},
            "stream": {"enum": [str(stream) for stream in Stream]},
            "action": {"bsonType": "string", "minLength": 1, "maxLength": 128},
            "user_id": _ID,
            "role": {"bsonType": "string", "minLength": 1, "maxLength": 16},
            "subject": {"bsonType": "string", "minLength": 2, "maxLength": 200},
            "before": _SIDE,
            "after": _SIDE,
            "result": _ID,
            "address": {"bsonType": "string", "minLength": 1, "maxLength": 64},
            "request_id": _ID,
        },
    },
)
_CURSOR = re.compile(r"[0-9a-f]{32}\Z")
UNSEALED = CollectionSpec(
    "audit_unsealed",
    allowed=Allowed.REMOVE,
    indexes=(IndexModel([("stream", ASCENDING), ("_id", ASCENDING)], name="stream"),),
    schema={
        "required": ["stream", "digest"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"},
            "stream": {"enum": [str(stream) for stream in Stream]},
            "digest": {"bsonType": "string", "minLength": 64, "maxLength": 64},
        },
    },
)


class Audit:
    """Writes and reads the trail. Nothing here changes or deletes a record."""

    def __init__(
        self,
        database: Database[Document],
        clock: Clock,
        transaction: Callable[[Callable[[ClientSession | None], None]], None],
    ) -> None:
        self._database = database
        self._collection = database[SPEC.name]
        self._clock = clock
        self._transaction = transaction

    def append(
        self,
        action: str,
        actor: Acting,
        subject: Subject,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        result: str = OK,
    ) -> tuple[Append, ...]:
        """Return the documents of one record, to be written in the transaction of what it tells of.

        Of `before` and `after` the differing fields are kept; names of secrets are hidden and contacts masked.
        """
        record = new_record(
            action,
            actor,
            subject,
            before=before,
            after=after,
            result=result,
            origin=origin(),
            now=self._clock.now(),
        )
        content = _document(record)
        marker = {"_id": record.id, "stream": str(record.stream), "digest": content_digest(content)}
        return Append(SPEC.name, content), Append(UNSEALED.name, marker)

    def write(
        self,
        action: str,
        actor: Acting,
        subject: Subject,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        result: str = OK,
        session: ClientSession | None = None,
    ) -> None:
        """Write one record: in the transaction of `session`, or without one in a transaction of its own."""
        appends = self.append(action, actor, subject, before=before, after=after, result=result)
        if session is None:
            self._transaction(lambda own: self.add(appends, session=own))
        else:
            self.add(appends, session=session)

    def also(
        self,
        action: str,
        actor: Acting,
        subject: Subject,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Callable[[ClientSession | None], None]:
        """Return what writes one record in a transaction, once that has a session to give."""
        appends = self.append(action, actor, subject, before=before, after=after)
        return lambda session: self.add(appends, session=session)

    def together(
        self,
        change: Callable[[ClientSession | None], None],
        action: str,
        actor: Acting,
        subject: Subject,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a change and write its record in one transaction: both or neither."""
        appends = self.append(action, actor, subject, before=before, after=after)

        def work(session: ClientSession | None) -> None:
            change(session)
            self.add(appends, session=session)

        self._transaction(work)

    def add(self, appends: Iterable[Append], *, session: ClientSession | None) -> None:
        """Write what `append` made, within the transaction of what it tells of."""
        for each in appends:
            self._database[each.collection].insert_one(each.document, session=session)

    def page(self, wanted: AuditFilter, *, limit: int, cursor: str | None) -> Page[AuditRecord]:
        """Return the records before `cursor` that are wanted, newest first."""
        span = _span(wanted, cursor)
        given = {name: value for name in _FIELDS if (value := getattr(wanted, name)) is not None}
        leading = next(iter(given), None)
        scope = {leading: given.pop(leading)} if leading else {}  # foreign-filter: one of _FIELDS
        walk = Walk(leading or "_id_", DESCENDING, scope, span)
        found, next_cursor = find_page(self._collection, walk, given, limit=limit)
        return Page([record_from(each) for each in found], next_cursor)


def _span(wanted: AuditFilter, cursor: str | None) -> Document:
    """Return the range of record ids between the wanted times, before the cursor."""
    span: Document = {"$gte": entry_id_floor(wanted.since)} if wanted.since else {}
    ends = [entry_id_ceiling(wanted.until)] if wanted.until else []
    if cursor is not None:
        if not _CURSOR.match(cursor):
            raise ValidationFailed(errors={"cursor": ["Send back the next_cursor of the page before, unchanged."]})
        ends.append(cursor)
    return span | ({"$lt": min(ends)} if ends else {})


def _document(record: AuditRecord) -> Document:
    document: Document = {
        "_id": record.id,
        "at": record.at,
        "stream": str(record.stream),
        "action": record.action,
        "user_id": record.user_id,
        "role": record.role,
        "subject": str(record.subject),
        "before": record.before or None,
        "after": record.after or None,
        "result": record.result,
        "address": record.address,
        "request_id": record.request_id,
    }
    return {name: value for name, value in document.items() if value is not None}


def record_from(found: Mapping[str, Any]) -> AuditRecord:
    """Read a record."""
    return AuditRecord(
        id=found["_id"],
        at=found["at"],
        action=found["action"],
        user_id=found["user_id"],
        role=found["role"],
        subject=Subject.parse(found["subject"]),
        before=found.get("before", {}),
        after=found.get("after", {}),
        result=found["result"],
        address=found["address"],
        request_id=found.get("request_id"),
    )
