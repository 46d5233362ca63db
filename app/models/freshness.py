"""How a view in memory is kept no older than a bound, by the requests that look at it: no thread, no call each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pymongo.errors import PyMongoError

from app.domain.errors import DatabaseUnavailable

REFRESH_AFTER_S = 1.0
AGE_S_MAX = 2.0


class Freshness:
    """Runs `read` so often that what it brought is never older than AGE_S_MAX when `ensure` returns.

    Age counts from when the read began, so what was true two seconds ago is known for certain. `read` must give up
    well within AGE_S_MAX.
    """

    def __init__(self, read: Callable[[], None], *, wait_s_max: float) -> None:
        self._read = read
        self._wait_s_max = wait_s_max
        self._reading = threading.Lock()
        self._began_s = float("-inf")
        self._failed_s = float("-inf")

    def ensure(self) -> None:
        """Return once the view is fresh enough; of many callers at a time one reads, and the others use its outcome.

        Raises:
            DatabaseUnavailable: the view is too old, and another caller's read has just failed or takes too long.
            PyMongoError: the view is too old, and this caller's own read has failed.
        """
        called_s = time.monotonic()
        if called_s - self._began_s <= REFRESH_AFTER_S:
            return
        may_go_on = called_s - self._began_s <= AGE_S_MAX
        if not self._reading.acquire(timeout=0 if may_go_on else self._wait_s_max):
            if may_go_on:
                return
            raise DatabaseUnavailable(retry_after_s=1)
        try:
            self._refresh(called_s)
        finally:
            self._reading.release()

    def _refresh(self, called_s: float) -> None:
        if time.monotonic() - self._began_s <= REFRESH_AFTER_S:
            return  # somebody else has read while this caller waited
        if self._failed_s >= called_s:
            raise DatabaseUnavailable(retry_after_s=1)
        began_s = time.monotonic()
        try:
            self._read()
        except PyMongoError:
            self._failed_s = time.monotonic()
            if self._failed_s - self._began_s > AGE_S_MAX:
                raise
        else:
            self._began_s = began_s
