"""Running the same thing many times at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def at_once(times: int, work: Callable[[int], Result]) -> list[Result]:
    """Call `work(0)` ... `work(times - 1)`, all starting at the same moment; return the results in order."""
    start = threading.Barrier(times)

    def run(number: int) -> Result:
        start.wait(timeout=10)
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
