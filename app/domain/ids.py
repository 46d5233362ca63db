"""Identifiers. All are strings; none can be guessed from another; those of entries and sessions sort by time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

_ENTRY_ID_LENGTH = 12 + 8 + 14 + 2
_SESSION_RANDOM_BYTES = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def random_id() -> str:
    """Return an unguessable id of 32 hexadecimal digits."""
    return secrets.token_hex(16)


def transaction_id(initiator: str, idempotency_key: str) -> str:
    """Derive the one transaction id that an initiator's key can ever have."""
    return hashlib.sha256(f"{initiator}\n{idempotency_key}".encode()).hexdigest()


def entry_id(created_at: datetime, seq: int, transaction_id: str, leg: int) -> str:
    """Return the id of a transaction's entry: it sorts by time and, within an account, by `seq`.

    12 hexadecimal digits of time, 8 of `seq`, 14 of the transaction's id, 2 for which of its legs this is.
    """
    return f"{_milliseconds(created_at):012x}{seq:08x}{transaction_id[:14]}{leg:02x}"


def is_entry_id(text: str) -> bool:
    """Tell an entry's id from a transaction's by its form."""
    return len(text) == _ENTRY_ID_LENGTH


def entry_id_floor(instant: datetime) -> str:
    """Return what no entry id of `instant` or later sorts before, and every earlier one does."""
    return f"{_milliseconds(instant):012x}"


def entry_id_ceiling(instant: datetime) -> str:
    """Return what every entry id of `instant` or earlier sorts before, and no later one does."""
    return f"{_milliseconds(instant) + 1:012x}"


def approval_id(requested_at: datetime, request_id: str) -> str:
    """Return the id of the approval that a request led to: it sorts by time; 12 + 20 hexadecimal digits."""
    return f"{entry_id_floor(requested_at)}{request_id[:20]}"


def session_id(created_at: datetime) -> str:
    """Return a session id that sorts by time: 12 + 20 hexadecimal digits."""
    return f"{entry_id_floor(created_at)}{secrets.token_hex(_SESSION_RANDOM_BYTES)}"


def _milliseconds(instant: datetime) -> int:
    return max(0, (instant - _EPOCH) // _MILLISECOND)
