"""The tests are tested: a few planted mutants at each run, and that all of them still say something about the code."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from tests.mutants.mutant import DoesNotApply, Mutant
from tests.mutants.planted import AT_EVERY_RUN, PLANTED
from tests.mutants.trial import Verdict, try_mutant
from tests.processes import PROJECT

HARMLESS = Mutant(
    "none at all",
    "app/models/posting.py",
    "from __future__ import annotations",
    "from __future__ import annotations  # a remark",
    "models/test_posting_commands.py::test_an_error_tells_what_to_do_next",
)


@pytest.mark.parametrize("mutant", PLANTED, ids=lambda mutant: mutant.defect)
def test_every_planted_mutant_applies_and_names_a_test_that_there_is(mutant: Mutant) -> None:
    ast.parse(mutant.planted_in((PROJECT / mutant.file).read_text()))
    file, _, name = mutant.caught_by.partition("::")
    functions = [
        node for node in ast.parse((PROJECT / "tests" / file).read_text()).body if isinstance(node, ast.FunctionDef)
    ]
    assert name.partition("[")[0] in {function.name for function in functions}


def test_no_two_mutants_are_one() -> None:
    assert len({mutant.defect for mutant in PLANTED}) == len({(m.file, m.old, m.new) for m in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("mutant", AT_EVERY_RUN, ids=lambda mutant: mutant.defect)
def test_a_planted_mutant_is_caught(mutant: Mutant) -> None:
    trial = try_mutant(mutant)
    assert trial.verdict is Verdict.CAUGHT, trial.output


def test_a_mutant_that_breaks_nothing_is_seen_to_survive() -> None:
    assert try_mutant(HARMLESS).verdict is Verdict.SURVIVED


def test_a_program_that_does_not_start_counts_as_no_catch() -> None:
    assert try_mutant(replace(HARMLESS, new="from nothing import annotations")).verdict is Verdict.BROKEN


def test_a_mutant_whose_text_is_gone_is_told() -> None:
    with pytest.raises(DoesNotApply, match="stands 0 times"):
        HARMLESS.planted_in("something else")
    with pytest.raises(DoesNotApply, match="stands 2 times"):
        HARMLESS.planted_in(2 * HARMLESS.old)
