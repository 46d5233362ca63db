"""Trying a mutant: the project copied, the defect planted in the copy, the test run there in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.mutant import Mutant
from tests.processes import PROJECT, environment

COPIED = ("app", "tests", "config.py", "run.py", "pyproject.toml")
TIMEOUT_S = 240
_OF_THE_RUN_AROUND = re.compile("PYTEST_|COVERAGE_|COV_|BANK_TESTS_")


class Verdict(StrEnum):
    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"
    """The test did not get as far as to fail: it hung, or the program or a fixture does not start."""


class UnchangedFails(Exception):
    """A test fails without any defect, so that its failure with one says nothing."""


def try_mutant(mutant: Mutant) -> Verdict:
    """Say what the mutant's test says of it."""
    with tempfile.TemporaryDirectory(prefix="bank-mutant-") as folder:
        copy = _copy(Path(folder))
        file = copy / mutant.file
        file.write_text(mutant.planted_in(file.read_text()))
        return _verdict(_counts(copy, [mutant.caught_by]))


def require_passing(tests: Iterable[str]) -> None:
    """Run tests on an unchanged copy.

    Raises:
        UnchangedFails: not all of them pass.
    """
    with tempfile.TemporaryDirectory(prefix="bank-mutant-") as folder:
        counts = _counts(_copy(Path(folder)), sorted(set(tests)))
    if counts is None or counts["failures"] or counts["errors"] or not counts["tests"]:
        raise UnchangedFails(f"The tests that are to catch the mutants, without any: {counts or 'no result in time'}")


def _copy(folder: Path) -> Path:
    for name in COPIED:
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    return folder


def _counts(copy: Path, tests: list[str]) -> dict[str, int] | None:
    """Run tests in a copy and return how many there were, failed, and had errors around them; None out of time."""
    report = copy / "report.xml"
    inherited = {name: value for name, value in environment().items() if not _OF_THE_RUN_AROUND.match(name)}
    options = ("-o", "addopts=", "-q", "-x", "-p", "no:cacheprovider", f"--junitxml={report}")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *(f"tests/{test}" for test in tests)],
        cwd=copy,
        env=inherited | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    if not report.exists():
        return None
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    return {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors")}


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait()


def _verdict(counts: dict[str, int] | None) -> Verdict:
    if counts is None or not counts["tests"] or counts["errors"]:
        return Verdict.BROKEN
    return Verdict.CAUGHT if counts["failures"] else Verdict.SURVIVED
