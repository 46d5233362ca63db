"""Trying a mutant: the project copied, the defect planted in the copy, the test run there in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.mutant import Mutant
from tests.processes import PROJECT, environment

COPIED = ("app", "tests", "config.py", "run.py", "pyproject.toml")
TIMEOUT_S = 240
OUTPUT_LINES = 30
_OWN_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Plugins take longer to load than a test takes; of them the fixtures need xdist's name of a worker."""
_OF_THE_RUN_AROUND = re.compile("PYTEST_|COVERAGE_|COV_|BANK_TESTS_")


class Verdict(StrEnum):
    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"
    """The test did not get as far as to fail: it hung, or the program or a fixture does not start."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a mutant; `output` is what the test's run printed at its end."""

    verdict: Verdict
    output: str


def try_mutant(mutant: Mutant) -> Trial:
    """Run the mutant's test on a copy with the defect, and say what it made of it."""
    with _copy() as copy:
        file = copy / mutant.file
        file.write_text(mutant.planted_in(file.read_text()))
        report, output = _pytest(copy, [mutant.caught_by], "-x", timeout_s=TIMEOUT_S)
        return Trial(_verdict(report), "\n".join(output.splitlines()[-OUTPUT_LINES:]))


def failing_unchanged(tests: Collection[str]) -> set[str]:
    """Return those of the tests that fail on an unchanged copy, so that their failure with a defect says nothing."""
    with _copy() as copy:
        report, _ = _pytest(copy, sorted(tests), timeout_s=TIMEOUT_S * len(tests))
        if not report.exists():
            return set(tests)
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    passed = Counter(_name(case) for case in cases)
    failed = {_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None}
    return {test for test in tests if test in failed or not passed[test]}


def _name(case: ElementTree.Element) -> str:
    """Return a test as a mutant names it, whatever its parameters."""
    file = str(case.get("classname")).removeprefix("tests.").replace(".", "/")
    return f"{file}.py::{str(case.get('name')).partition('[')[0]}"


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bank-mutant-") as name:
        for each in COPIED:
            source, target = PROJECT / each, Path(name, each)
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
        yield Path(name)


def _pytest(copy: Path, tests: Sequence[str], *options: str, timeout_s: float) -> tuple[Path, str]:
    """Run tests in a copy; return where the report of the run is, if it came to one, and what it printed."""
    report = copy / "report.xml"
    inherited = {name: value for name, value in environment().items() if not _OF_THE_RUN_AROUND.match(name)}
    always = ("-o", "addopts=", "-p", "xdist.plugin", "-p", "no:cacheprovider", f"--junitxml={report}")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *always, *options, *(f"tests/{test}" for test in tests)],
        cwd=copy,
        env=inherited | _OWN_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        return report, process.communicate(timeout=timeout_s)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return report, f"{process.communicate()[0]}\nno end after {timeout_s} s"


def _verdict(report: Path) -> Verdict:
    if not report.exists():
        return Verdict.BROKEN
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    tests, failed, errors = (int(suite.get(name, 0)) for name in ("tests", "failures", "errors"))
    if not tests or (errors and not failed):
        return Verdict.BROKEN
    return Verdict.CAUGHT if failed else Verdict.SURVIVED
