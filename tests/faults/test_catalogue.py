"""Every fault has a name of its own and says what it does."""

from __future__ import annotations

import subprocess
import sys

from tests.faults.catalogue import CATALOGUE, FILES
from tests.processes import PROJECT, TIMEOUT_S


def test_no_two_faults_have_one_name() -> None:
    assert len(CATALOGUE) == sum(len(file.FAULTS) for file in FILES)


def test_every_fault_says_what_is_thrown_and_from_when_writes_are_expected() -> None:
    told = {name for name, fault in CATALOGUE.items() if name and fault.about and fault.back_from in ("struck", "heal")}
    assert told == set(CATALOGUE)


def test_the_faults_are_listed_and_an_unknown_one_is_refused_by_name() -> None:
    command = [sys.executable, "-m", "tests.faults"]
    listed = subprocess.run(
        [*command, "--list"], cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(CATALOGUE)
    refused = subprocess.run(
        [*command, "--faults", "flood"], cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert refused.returncode == 2
    assert "there is no flood" in refused.stderr
