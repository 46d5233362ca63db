"""Whose turn it is to post: the processes of one server make their batches one after another.

Two transactions that write one document conflict, and one of them starts again from its first read. With a hot account
that happened to most batches of two processes, and its last requests waited many times longer than the others. Turns
cost nothing: meanwhile the other processes serve requests, and larger batches gather.

This is about speed alone. What keeps postings apart is the database: whose turn does not come soon goes without one,
as do the processes of other servers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

PATIENCE_S = 0.25
"""Many times what a batch takes. Who has the turn for longer waits for the database, or was halted."""
_POLL_S = 0.0005
"""The system's locks, which it takes back from a process that dies, are waited for without limit, or asked again."""

_shared: IO[bytes] | None = None


def take_turns() -> None:
    """Let the processes that are forked from now on take turns with each other, where there is a place for a lock."""
    global _shared
    if hasattr(os, "fork"):
        with suppress(OSError):
            _shared = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this process and its children live


@contextmanager
def turn(patience_s: float = PATIENCE_S) -> Iterator[Callable[[], None]]:
    """Begin the block when no other process is in one, or after so long at the latest. For one thread at a time.

    The block is given what ends the turn before the block does.
    """
    shared = _shared
    if shared is None:
        yield lambda: None
        return
    from fcntl import LOCK_UN, lockf  # which not every system has

    def end() -> None:
        with suppress(OSError):  # of a system that has no locks after all
            lockf(shared, LOCK_UN)  # nobody else's, and nothing the second time

    _take(shared, patience_s)
    try:
        yield end
    finally:
        end()


def _take(shared: IO[bytes], patience_s: float) -> None:
    from fcntl import LOCK_EX, LOCK_NB, lockf  # as above

    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        try:
            lockf(shared, LOCK_EX | LOCK_NB)  # each process's own, though they share the file
        except (BlockingIOError, PermissionError):  # how systems say that another process has it
            time.sleep(_POLL_S)
        except OSError:
            return
        else:
            return
