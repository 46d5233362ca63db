"""How the tests of the domain are run by the thousand, against one planted defect each (`make mutation`)."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("mutation", max_examples=10, derandomize=True, deadline=None, database=None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the state machine to the end: a defect that a quick test notices does not wait for it."""
    items.sort(key=lambda item: "ledger_machine" in item.nodeid)
