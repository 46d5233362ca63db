"""Reading a file of payments, which may be larger than other bodies: JSON as a whole, CSV as it comes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from flask import Request
from marshmallow import Schema, ValidationError

from app.domain import strict_json
from app.domain.bulk_files import LINES_MAX, PARTS_MAX, BulkLine, BulkOrder, Faults
from app.domain.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType, ValidationFailed
from app.schemas.bulk import read_head, read_line
from app.schemas.bulk_csv import read_csv
from app.views.http import config
from app.views.parsing import JSON_TYPE, body_place, flatten

CSV_TYPE = "text/csv"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BulkFile:
    """The lines of a file, and what stands beside them in one that can say it."""

    lines: Sequence[BulkLine | Faults]
    head: Mapping[str, Any] | None


def read_bulk(_shape: Schema, req: Request) -> BulkFile:
    """Read the body by its type.

    Raises:
        UnsupportedMediaType: it is neither JSON nor CSV in UTF-8.
        PayloadTooLarge: it is larger than BULK_MIB_MAX, or of more parts than its lines can have.
        MalformedJson, MalformedCsv: it is not what it says.
    """
    if req.mimetype_params.get("charset", "utf-8").lower() != "utf-8" or req.mimetype not in (JSON_TYPE, CSV_TYPE):
        raise UnsupportedMediaType("Send the file as application/json or text/csv.")
    with body_place():
        body = _body(req, limit=config().bulk_mib_max * _MIB)
        if req.mimetype == CSV_TYPE:
            return BulkFile(read_csv(body), None)
        return _of_json(strict_json.loads(_refuse_too_many_parts(body.readall())))


def order_of(query: Mapping[str, str], file: BulkFile, *, key: str | None) -> BulkOrder:
    """Return what is asked for. A CSV file's account and mode stand in the query, those of JSON beside the lines.

    Raises:
        ValidationFailed: they are not in order, or stand in the other place.
    """
    given = {"from" if name == "source" else name: value for name, value in query.items()}
    if file.head is not None and given:
        raise ValidationFailed(errors={name: ["With JSON this stands in the body."] for name in given})
    try:
        head = read_head(given if file.head is None else file.head)
    except ValidationError as error:
        raise ValidationFailed(errors=flatten(error.messages)) from None
    return BulkOrder(**head, lines=file.lines, idempotency_key=key)


def _refuse_too_many_parts(body: bytes) -> bytes:
    """Keep from being taken apart what no number of lines accounts for.

    Raises:
        PayloadTooLarge: there are too many brackets and commas.
    """
    if sum(map(body.count, (b"[", b"{", b","))) > PARTS_MAX:
        raise PayloadTooLarge(f"There is more in the file than {LINES_MAX:,} lines need.")
    return body


def _of_json(document: dict[str, Any]) -> BulkFile:
    lines = document.pop("lines", None)
    if not isinstance(lines, list):
        raise ValidationFailed(errors={"lines": ["Give a list of payments."]})
    if len(lines) > LINES_MAX:
        raise ValidationFailed(errors={"lines": [f"Give at most {LINES_MAX:,} lines."]})
    return BulkFile([read_line(line) for line in lines], document)


class _Body(io.RawIOBase):
    """A request's body as it comes, which must neither pass the limit nor end before its declared length."""

    def __init__(self, stream: IO[bytes], *, length: int | None, limit: int) -> None:
        self._stream = stream
        self._length = length
        self._limit = limit
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer) if self._length is None else min(len(buffer), self._length - self._count)
        piece = self._stream.read(wanted) if wanted else b""
        self._count += len(piece)
        if self._count > self._limit:
            raise PayloadTooLarge
        if not piece and self._count < (self._length or 0):
            raise BadRequest("The body ended early.")
        buffer[: len(piece)] = piece
        return len(piece)


def _body(req: Request, *, limit: int) -> io.RawIOBase:
    length = req.content_length
    if length is not None and length > limit:
        raise PayloadTooLarge
    is_terminated = bool(req.environ.get("wsgi.input_terminated"))
    # raw-request: files of payments are read line by line, each through a shape
    return _Body(req.environ["wsgi.input"], length=length if length is not None or is_terminated else 0, limit=limit)
