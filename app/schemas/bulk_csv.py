"""Files of payments as CSV: RFC 4180 in UTF-8, read as it comes, every cell a text and nothing more."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from app.domain.bulk_files import LINES_MAX, PARTS_MAX, BulkLine, Faults
from app.domain.errors import MalformedCsv, PayloadTooLarge, ValidationFailed
from app.schemas.bulk import BulkLineIn, read_line

_COLUMNS = tuple(BulkLineIn().load_fields)
_REQUIRED = {name for name, field in BulkLineIn().load_fields.items() if field.required}


def read_csv(body: io.RawIOBase) -> list[BulkLine | Faults]:
    """Read a file to its end, or to the first line too many. A byte order mark before it, as Excel writes, is passed.

    Raises:
        MalformedCsv: it is not CSV in UTF-8, or has another header.
        PayloadTooLarge: it has far more cells than so many lines can have.
        ValidationFailed: it has more than LINES_MAX lines.
    """
    text = io.TextIOWrapper(io.BufferedReader(body), encoding="utf-8-sig", errors="strict", newline="")
    rows = csv.reader(_bounded(text), strict=True)
    try:
        header = next(rows, [])
        _refuse_header(header)
        return list(_lines(header, rows))
    except UnicodeDecodeError:
        raise MalformedCsv("The file is not valid UTF-8.") from None
    except csv.Error:
        raise MalformedCsv(f"The file is not valid CSV at line {rows.line_num}.") from None


def _bounded(text: Iterable[str]) -> Iterator[str]:
    """Count commas before they are taken for cells.

    Raises:
        PayloadTooLarge: there are too many.
    """
    count = 0
    for line in text:
        count += line.count(",")
        if count > PARTS_MAX:
            raise PayloadTooLarge(f"There is more in the file than {LINES_MAX:,} lines need.")
        yield line


def _refuse_header(header: Sequence[str]) -> None:
    if not _REQUIRED <= set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
        columns = ", ".join(_COLUMNS)
        raise MalformedCsv(f"Begin the file with a header of these columns, each once: {columns}.")


def _lines(header: Sequence[str], rows: Iterator[list[str]]) -> Iterator[BulkLine | Faults]:
    for number, row in enumerate(rows, start=1):
        if number > LINES_MAX:
            raise ValidationFailed(errors={"lines": [f"Give at most {LINES_MAX:,} lines."]})
        if len(row) == len(header):
            yield read_line({name: cell for name, cell in zip(header, row, strict=True) if cell or name in _REQUIRED})
        else:
            yield {"line": [f"This line has {len(row)} cells; the header has {len(header)}."]}
