"""How the tests of the domain make up their cases, also by the thousand, against a defect each (`make mutation`)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # how long one case takes says nothing on a busy machine
settings.load_profile("patient")
settings.register_profile("mutation", max_examples=10, derandomize=True, deadline=None, database=None)


@pytest.fixture
def machine_in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine into another time zone than the one that everything is kept in."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the state machine to the end: a defect that a quick test notices does not wait for it."""
    if config.getoption("--hypothesis-profile") == "mutation":
        items.sort(key=lambda item: "ledger_machine" in item.nodeid)
