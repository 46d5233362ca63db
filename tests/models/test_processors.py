"""On which processor a server process runs, where the system lets it be told and where it does not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.models import processors
from app.models.passwords import Passwords
from config import Config
from tests.processes import PROJECT, TIMEOUT_S

NO_SUCH_PROCESSOR = 1_023
FORKS = 40
_FORK_ONE_AFTER_THE_OTHER = f"""
import os
from app.models.processors import give_each_child_a_processor
give_each_child_a_processor()
for _ in range({FORKS}):
    if (child := os.fork()) == 0:
        os.write(1, (" ".join(map(str, os.sched_getaffinity(0))) + "\\n").encode())
        os._exit(0)
    os.waitpid(child, 0)
"""

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system keeps no process to a processor"
)


def test_servers_that_start_alike_do_not_all_choose_the_same_processor() -> None:
    """In containers all of them may have the same process id, and none knows of the others."""
    command = [sys.executable, "-c", _FORK_ONE_AFTER_THE_OTHER]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    chosen = done.stdout.splitlines()
    assert len(chosen) == FORKS
    assert all(each.isdigit() for each in chosen)
    assert len(set(chosen)) >= min(2, len(os.sched_getaffinity(0)))


def test_passwords_are_hashed_also_where_no_thread_may_go_elsewhere(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processors, "_is_kept", True)
    monkeypatch.setattr(processors, "_everywhere", {NO_SUCH_PROCESSOR})  # as after its container was given others
    before = os.sched_getaffinity(0)
    with Passwords(config).turn() as hasher:
        hashed = hasher.hash("a long enough password")
    assert hasher.matches("a long enough password", hashed)
    assert os.sched_getaffinity(0) == before
