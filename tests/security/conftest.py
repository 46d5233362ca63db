"""What the tests of security requirements share: applications of their own, the clock, and the server as it is run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import LiveServer, serving
from tests.processes import processes_of, wait_until
from tests.views.conftest import app_with, clock

__all__ = ["app_with", "clock"]

HOSTS = "127.0.0.1,bank.example"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The bank as people run it, in two processes, on a database of its own, with wide limits."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, WORKERS=2, TRUSTED_HOSTS=HOSTS, CORS_ORIGINS="https://app.bank.example") as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))
