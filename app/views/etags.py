"""Changes that rely on what was read: a record's version goes out as its ETag and comes back as If-Match (RFC 9110)."""

from __future__ import annotations

import re
from typing import Any, Protocol

from flask import request

from app.domain.errors import PreconditionFailed, PreconditionRequired

IF_MATCH_HEADER = "If-Match"
_OURS = re.compile(r'"(0|[1-9][0-9]{0,8})"', re.ASCII)


class Versioned(Protocol):
    """A record that counts its changes."""

    @property
    def version(self) -> int: ...


def tagged(record: Versioned, status: int = 200) -> tuple[Any, int, dict[str, str]]:
    """Answer with a record and the ETag that a change of it must send back."""
    return record, status, {"ETag": f'"{record.version}"'}


def if_match() -> int:
    """Return the version that the caller has read, which is the one they want to change.

    Raises:
        PreconditionRequired: there is no If-Match.
        PreconditionFailed: it is no single ETag of ours; `*` would change what the caller has never seen.
    """
    header = request.headers.get(IF_MATCH_HEADER)
    if header is None:
        raise PreconditionRequired
    match = _OURS.fullmatch(header.strip())
    if match is None:
        raise PreconditionFailed
    return int(match[1])
