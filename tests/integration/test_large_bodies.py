"""Bodies of ten megabytes against a real server: one answer, no memory, no effect."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.callers import new_caller
from tests.large_bodies import Refusal, peak_memory_mib, send
from tests.live import LiveServer, serving

REFUSED = Refusal(413, "application/problem+json", "payload_too_large")
AT_ONCE = 8
MEMORY_MIB_MAX = 40
"""What half of those bodies at once would take, were they kept."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with serving(tmp_path_factory.mktemp("bank"), DEMO_DATA="false") as server:
        yield server


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_bodies_of_ten_megabytes_are_refused_in_one_form_and_move_nothing(server: LiveServer, chunked: bool) -> None:
    alice = new_caller(server)
    headers = {"Authorization": f"Bearer {alice.token}"}
    send(server.port, headers, chunked=chunked)
    before_mib = [peak_memory_mib(pid) for pid in server.workers()] if sys.platform == "linux" else []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: send(server.port, headers, chunked=chunked), range(3 * AT_ONCE)))
    after_mib = [peak_memory_mib(pid) for pid in server.workers()] if before_mib else []
    assert set(answers) == {REFUSED}
    assert sum(after_mib) - sum(before_mib) < MEMORY_MIB_MAX
    assert alice.balance() == 0
