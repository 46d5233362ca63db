"""On which processor a server process runs: one for each process, as only one of its threads runs Python at a time.

Where threads hand that turn on from processor to processor, each begins with cold caches. Hashing a password needs no
turn, and goes where there is room. Systems that can't be told are left alone, as are sandboxes and containers that
won't be.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CAN_BE_TOLD = hasattr(os, "sched_setaffinity")
_everywhere: set[int] = set(os.sched_getaffinity(0)) if _CAN_BE_TOLD else set()
_is_kept = False


def give_each_child_a_processor() -> None:
    """Keep every child that this process forks from now on to one processor: that which the fewest others have."""
    if _CAN_BE_TOLD:
        os.register_at_fork(before=_go_where_the_child_shall_be, after_in_parent=_come_back, after_in_child=_stay)


@contextmanager
def on_any_processor() -> Iterator[None]:
    """Let this thread run wherever there is room, for work that needs none of Python's turns."""
    if not _is_kept:
        yield
        return
    before = os.sched_getaffinity(0)
    _keep_to(_everywhere)
    try:
        yield
    finally:
        _keep_to(before)


def _keep_to(processors: set[int]) -> None:
    """Keep the calling thread to these processors, where the system lets it."""
    with suppress(OSError):
        os.sched_setaffinity(0, processors)


def _go_where_the_child_shall_be() -> None:
    taken: Counter[int] = Counter()
    for child in multiprocessing.active_children():
        with suppress(ProcessLookupError):
            taken.update(os.sched_getaffinity(child.pid or 0))
    # several servers on one machine shall not all begin with the same, and in containers nothing tells them apart
    chosen = min(_everywhere, key=lambda processor: (taken[processor], random.random()))  # noqa: S311  # nosec B311
    _keep_to({chosen})


def _come_back() -> None:
    _keep_to(_everywhere)


def _stay() -> None:
    global _is_kept
    _is_kept = True
