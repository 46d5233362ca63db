"""A run is judged by all that was seen of it, and only a whole set of passes is a pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.history import Answer, Attempt, Mark, Poll, Recorded
from tests.faults.nemesis import Fault
from tests.faults.outcome import FinalState
from tests.faults.story import COUNTER, NO_MONEY, SOUND, STORY, A, B, attempts_on, balance, final_state, refused
from tests.faults.verdict import COLUMNS, Result, conclude, judge, row

MARKS = [
    Mark("strike", 1.5),
    Mark("struck", 2),
    Mark("heal", 2),
    Mark("whole", 2),
    Mark("end", 18),
    Mark("resolve", 19),
]
POLLS = [Poll(0, 0.1, 0.01)]


class Nothing(Fault):
    name = "nothing"
    back_s_max = 5


class Picky(Nothing):
    def check(self, history: Recorded, final: FinalState) -> list[str]:
        return [f"{len(history.attempts)} attempts are too many"]


class Forgiving(Nothing):
    def excuses(self, attempt: Attempt, history: Recorded) -> bool:
        return attempt.answer.status == 401


def judged(
    told: Recorded | None = None, final: FinalState = SOUND, *, enough: int = 6, fault: type[Fault] = Nothing
) -> Result:
    told = told or Recorded(STORY, MARKS, POLLS)
    return judge(fault(), told, final, COUNTER, seed=7, acknowledged_min=enough)


def test_a_sound_run_passes_and_tells_its_figures() -> None:
    result = judged()
    assert (result.unsafe, result.slow) == ([], [])
    assert result.verdict == "pass"
    assert row(result) == ["nothing", "7", "6", "1", "0", "0", "1.00 s", "2.00 s", "0.01 s", "pass"]
    assert len(row(result)) == len(COLUMNS)


def test_too_few_acknowledged_writes_are_no_pass() -> None:
    assert judged(enough=7).verdict == "unknown"


def test_what_is_broken_is_broken_also_with_too_few_writes() -> None:
    assert judged(final=replace(SOUND, difference="a gap"), enough=1_000).verdict == "FAIL"


@pytest.mark.parametrize(
    "final",
    [
        final_state((A, "d1", 1_000)),
        replace(SOUND, difference="a gap"),
        replace(SOUND, stored={**SOUND.stored, "666": 1}),
        replace(SOUND, stored={**SOUND.stored, A: 9}),
    ],
    ids=["lost", "not reconciled", "unknown account", "hidden entries"],
)
def test_what_is_unsafe_falls_short(final: FinalState) -> None:
    result = judged(final=final)
    assert result.unsafe
    assert result.verdict == "FAIL"


def test_an_error_of_the_wrong_form_falls_short() -> None:
    story = [*STORY, replace(STORY[0], operation=replace(STORY[0].operation, key="e"), answer=Answer(500, "text/html"))]
    again = replace(
        story[-1],
        operation=replace(STORY[3].operation, key="e", amount=99_999),
        invoked_s=30,
        answered_s=31,
        answer=NO_MONEY,
    )
    assert judged(Recorded([*story, again], MARKS, POLLS)).unsafe == ["e was answered with 500 "]


def test_what_a_fault_finds_itself_counts() -> None:
    assert judged(fault=Picky).unsafe == ["12 attempts are too many"]


def test_writes_that_are_back_too_late_fall_short() -> None:
    later = [replace(each, invoked_s=each.invoked_s + 8, answered_s=each.answered_s + 8) for each in STORY]
    marks = [*MARKS[:2], Mark("heal", 12), Mark("whole", 12), Mark("end", 26), Mark("resolve", 27)]
    result = judged(Recorded(later, marks, POLLS))
    assert result.slow == ["writes were back after 7.0 s, not 5"]
    assert (result.unsafe, result.verdict) == ([], "FAIL")


def test_an_account_that_is_blocked_too_long_falls_short() -> None:
    vain = attempts_on(B, (6, 16, 503), (16, 18, 503))
    vain = [replace(each, operation=replace(each.operation, kind="withdraw")) for each in vain]
    resolved = [replace(each, invoked_s=20, answered_s=21, answer=NO_MONEY) for each in vain]
    told = [*STORY, *vain, *resolved, balance(A, 750, at=(17.5, 18))]
    marks = [*MARKS[:2], Mark("heal", 2), Mark("whole", 17), *MARKS[4:]]
    assert judged(Recorded(told, marks, POLLS)).slow == [f"account {B} was blocked for 12.0 s"]


def test_a_refusal_that_nothing_warrants_falls_short_unless_the_fault_excuses_it() -> None:
    story = [*STORY, refused("e", 401, code="not_authenticated")]
    assert judged(Recorded(story, MARKS, POLLS)).unsafe == ["e was refused with 401 not_authenticated"]
    assert judged(Recorded(story, MARKS, POLLS), fault=Forgiving).verdict == "pass"


def test_a_bank_that_goes_on_leaving_requests_unanswered_falls_short() -> None:
    """From when the fault must be over (5 s after it was healed, here) until the end."""
    served = [balance(A, 750, at=(12 + 0.01 * number, 13)) for number in range(97)]
    vain = [replace(balance(A, 0, at=(at, 18)), answer=Answer(503, NO_MONEY.media_type, "busy")) for at in (6.9, 7, 17)]
    assert judged(Recorded([*STORY, *served, *vain[:2]], MARKS, POLLS)).verdict == "pass"
    result = judged(Recorded([*STORY, *served, *vain], MARKS, POLLS))
    assert result.slow == ["1.9% of what was asked for after the fault was over got no answer"]
    later = [*MARKS[:2], Mark("heal", 14), Mark("whole", 17.5), *MARKS[4:]]
    assert judged(Recorded([*STORY, *served, *vain], later, POLLS)).slow == [
        "100.0% of what was asked for after the fault was over got no answer"
    ]


def test_liveness_that_is_slow_or_was_never_asked_for_falls_short() -> None:
    assert judged(Recorded(STORY, MARKS, [Poll(0, 0.1, 1.5)])).slow == ["p99 of liveness was 1.50 s"]
    assert judged(Recorded(STORY, MARKS, [])).slow == ["p99 of liveness was inf s"]


PASSED, SKIPPED = Result("a", 1), Result("b", 1, skipped="needs root")


def test_a_set_passes_when_every_run_did() -> None:
    assert conclude([PASSED, PASSED], allow_skipped=False) == (True, ["2 of 2 runs passed.", "PASS"])


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Result("b", 2, unsafe=["lost"]), "Fell short: b (FAIL)."),
        (Result("b", 2, slow=["late"]), "Fell short: b (FAIL)."),
        (Result("b", 2, too_few=True), "Fell short: b (unknown)."),
        (SKIPPED, "Skipped, which is no pass: b."),
    ],
    ids=["unsafe", "slow", "unknown", "skipped"],
)
def test_one_run_that_is_no_pass_makes_the_set_none(other: Result, reason: str) -> None:
    assert conclude([PASSED, other], allow_skipped=False) == (False, ["1 of 2 runs passed.", reason, "FAIL"])


def test_skipped_runs_may_be_allowed_and_prove_nothing() -> None:
    assert conclude([PASSED, SKIPPED], allow_skipped=True)[0]
    assert not conclude([SKIPPED], allow_skipped=True)[0]
    assert row(SKIPPED)[-1] == "skipped: needs root"
