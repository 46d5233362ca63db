"""Identifiers. All are strings; none can be guessed from another, save that an entry's id sorts by time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

_ENTRY_RANDOM_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def random_id() -> str:
    """Return an unguessable id of 32 hexadecimal digits."""
    return secrets.token_hex(16)


def transaction_id(initiator: str, idempotency_key: str) -> str:
    """Derive the one transaction id that an initiator's key can ever have."""
    return hashlib.sha256(f"{initiator}\n{idempotency_key}".encode()).hexdigest()


def entry_id(created_at: datetime, seq: int) -> str:
    """Return an entry id that sorts by time and, within an account, by `seq`: 12 + 8 + 16 hexadecimal digits."""
    return f"{entry_id_floor(created_at)}{seq:08x}{secrets.token_hex(_ENTRY_RANDOM_BYTES)}"


def entry_id_floor(instant: datetime) -> str:
    """Return the prefix below every entry id of `instant` or later, and above every earlier one."""
    return f"{(instant - _EPOCH) // _MILLISECOND:012x}"
