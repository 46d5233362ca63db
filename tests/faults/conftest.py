"""What tests that throw faults share: they have the machine to themselves, among their kind."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """Wait until no other test run has a replica set and servers of its own: each takes a gigabyte and both cores."""
    with (Path(tempfile.gettempdir()) / "bank-faults.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
