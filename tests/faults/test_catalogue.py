"""Every fault has a name of its own and says what it does."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.__main__ import main
from tests.faults.catalogue import CATALOGUE, FILES
from tests.faults.nemesis import Fault, Layout


class BreaksDown(Fault):
    def layout(self, folder: Path) -> AbstractContextManager[Layout]:
        raise OSError("no room")


class IsSkipped(Fault):
    def missing(self) -> str:
        return "needs luck"


def test_no_two_faults_have_one_name() -> None:
    assert len(CATALOGUE) == sum(len(file.FAULTS) for file in FILES)


def test_every_fault_says_what_is_thrown_and_from_when_writes_are_expected() -> None:
    told = {name for name, fault in CATALOGUE.items() if name and fault.about and fault.back_from in ("struck", "heal")}
    assert told == set(CATALOGUE)


def test_the_faults_are_listed_and_an_unknown_one_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CATALOGUE)
    with pytest.raises(SystemExit) as refused:
        main(["--faults", "flood"])
    assert refused.value.code == 2
    assert "there is no flood" in capsys.readouterr().err


def test_what_a_run_that_fell_short_left_behind_is_kept_and_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(CATALOGUE, "skipped", IsSkipped)
    monkeypatch.setitem(CATALOGUE, "broken", BreaksDown)
    assert main(["--faults", "skipped"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert main(["--faults", "broken"]) == 1
    (kept,) = tmp_path.iterdir()
    assert f"Histories and logs are in {kept}." in capsys.readouterr().out
    assert "no room" in (kept / "broken-1" / "breakdown.txt").read_text()
