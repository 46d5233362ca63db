"""Asking until there is an answer: who is told to try again does so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from tests.processes import TIMEOUT_S

_PAUSE_S = 0.02


class HasStatus(Protocol):
    """An answer over HTTP, of a live server or of a test client."""

    @property
    def status_code(self) -> int: ...


Answer = TypeVar("Answer", bound=HasStatus)


def answered(ask: Callable[[], Answer]) -> Answer:
    """Ask until the answer is none to try again (503), which a machine that stands still for seconds brings about."""
    deadline = time.monotonic() + TIMEOUT_S
    while (answer := ask()).status_code == 503:
        assert time.monotonic() < deadline, "nothing but answers to try again"
        time.sleep(_PAUSE_S)
    return answer
