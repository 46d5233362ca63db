"""A short partition under load. How quick the bank is back, `make faults` judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.network_faults import PrimaryCutOff
from tests.faults.run import Plan, run

SEED = 20_261_120
LONGER_S_MAX = 300.0
"""On a machine that is busy with other tests a thousand writes take a while."""


@pytest.mark.skipif(bool(PrimaryCutOff().missing()), reason=PrimaryCutOff().missing())
@pytest.mark.usefixtures("alone")
def test_a_primary_that_is_cut_off_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    result = run(PrimaryCutOff(), seed=SEED, folder=tmp_path, plan=Plan(after_s=2.0, longer_s_max=LONGER_S_MAX))
    assert result.unsafe == []
    assert not result.too_few, result
