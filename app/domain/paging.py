"""Pages: a bounded number of items in an indexed order, and where the next page goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

KEYS_EXAMINED_MAX = 5_000
"""A filtered page looks at this many keys at most, and may come short with a `next_cursor`."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, and the cursor that continues behind them; None on the last page."""

    items: Sequence[Item]
    next_cursor: str | None
