"""A short run of several faults on a real replica set and real servers. How quick it is, `make faults` judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.nemesis import Mixed
from tests.faults.run import Plan, run

SEED = 20_261_120
LONGER_S_MAX = 600.0
"""On a machine that is busy with other tests a thousand writes take a while."""


class MixedOnce(Mixed):
    times = 1


@pytest.mark.usefixtures("alone")
def test_killed_and_frozen_primaries_and_killed_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    result = run(MixedOnce(), seed=SEED, folder=tmp_path, plan=Plan(after_s=2.0, longer_s_max=LONGER_S_MAX))
    assert result.unsafe == []
    assert not result.too_few, result
