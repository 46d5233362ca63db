"""The time that one request has for the database, all its operations together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import pymongo

REQUEST_S = 5.0
"""With the answer's own time this keeps every answer within six seconds, whatever fails when."""

# float-money: an instant of the monotonic clock
_ends_at: ContextVar[float | None] = ContextVar("database_time_ends_at", default=None)


@contextmanager
def database_time(seconds: float = REQUEST_S) -> Iterator[None]:
    """Let the database operations of this block, and what they wait for, take so long in all."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        with pymongo.timeout(seconds):
            yield
    finally:
        _ends_at.reset(token)


def deadline_within(seconds: float) -> float:
    """Return the monotonic instant in so many seconds, or when this request's time is over, if that comes first."""
    deadline = time.monotonic() + seconds
    ends_at = _ends_at.get()
    return deadline if ends_at is None else min(deadline, ends_at)
