"""What came of a run, and of many: pure functions from histories to verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults import checks
from tests.faults.history import INFO, OK, Attempt, Recorded
from tests.faults.nemesis import Fault
from tests.faults.outcome import FinalState

ACKNOWLEDGED_MIN = 1_000
"""Fewer acknowledged writes show nothing: the verdict is "unknown"."""
BLOCKED_S_MAX = 10.0
LIVENESS_P99_S_MAX = 1.0
IN_VAIN_MAX = 0.01
"""Which share may stay unanswered after a fault is over: a busy machine is late with one of some hundred. One worker of
four that is broken for good leaves a quarter unanswered, and one that is silent a tenth: who asks it waits so long."""
COLUMNS = (
    "fault", "seed", "acknowledged", "unknown", "lost", "doubled", "writes back", "longest blocked", "liveness p99",
    "verdict",
)  # fmt: skip


@dataclass(slots=True)
class Result:
    """What came of a run. `unsafe` are broken promises of money and answers, `slow` those of time."""

    fault: str
    seed: int
    acknowledged: int = 0
    unknown: int = 0
    lost: int = 0
    doubled: int = 0
    back_s: float = 0.0
    blocked_s: float = 0.0
    liveness_p99_s: float = 0.0
    unsafe: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    skipped: str = ""
    too_few: bool = False

    @property
    def verdict(self) -> str:
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.unsafe or self.slow:
            return "FAIL"
        return "unknown" if self.too_few else "pass"

    @property
    def fell_short(self) -> bool:
        """Whether it was run and did not pass."""
        return self.verdict in ("FAIL", "unknown")


def judge(
    fault: Fault,
    told: Recorded,
    final: FinalState,
    counter: str,
    *,
    seed: int,
    acknowledged_min: int = ACKNOWLEDGED_MIN,
) -> Result:
    """Check every promise. `counter` is the account that is only ever paid 1.00 into."""
    resolve_s = told.time_of("resolve")
    during = [each for each in told.attempts if each.invoked_s < resolve_s]
    writes = [each for each in during if each.operation.is_write]
    expected_s = told.time_of(fault.back_from)
    lost, doubled = checks.lost(told.attempts, final), checks.doubled(told.attempts, final)
    result = Result(
        fault.name,
        seed,
        acknowledged=sum(each.outcome == OK for each in writes),
        unknown=sum(each.outcome == INFO for each in writes),
        lost=len(lost),
        doubled=len(doubled),
        back_s=checks.writes_back_s(during, since_s=expected_s, servers={each.server for each in during}),
        liveness_p99_s=checks.p99_s(told.polls),
    )
    result.unsafe = [
        *lost,
        *doubled,
        *checks.invented(told.attempts, final),
        *checks.half_done(told.attempts, final),
        *checks.bank(told.attempts, final),
        *checks.counter(told.attempts, final, counter),
        *checks.replays(told.attempts),
        *checks.entries(final),
        *checks.order(told.attempts, final),
        *checks.reads(told.attempts, final),
        *checks.reconcile(final),
        *checks.error_form(told.attempts),
        *checks.unwarranted([each for each in told.attempts if not fault.excuses(each, told)], told.attempts, final),
        *fault.check(told, final),
    ]
    _judge_times(fault, result, told, during)
    result.too_few = result.acknowledged < acknowledged_min
    return result


def _judge_times(fault: Fault, result: Result, told: Recorded, during: list[Attempt]) -> None:
    first_s = checks.first_write_s(during, since_s=told.time_of(fault.back_from))
    outages = [(told.time_of("strike"), first_s)] if fault.takes_all_down else []
    result.blocked_s, account = checks.longest_block(during, outages=outages)
    # members and servers that are started again are to be there, first
    over_s = max(told.time_of("heal") + fault.back_s_max, told.time_of("whole"))
    in_vain = checks.share_in_vain(told.attempts, since_s=over_s, until_s=told.time_of("end"))
    if in_vain > IN_VAIN_MAX:
        result.slow.append(f"{in_vain:.1%} of what was asked for after the fault was over got no answer")
    if result.back_s > fault.back_s_max:
        result.slow.append(f"writes were back after {result.back_s:.1f} s, not {fault.back_s_max:.0f}")
    if result.blocked_s > BLOCKED_S_MAX:
        result.slow.append(f"account {account} was blocked for {result.blocked_s:.1f} s")
    if result.liveness_p99_s >= LIVENESS_P99_S_MAX:
        result.slow.append(f"p99 of liveness was {result.liveness_p99_s:.2f} s")


def row(result: Result) -> list[str]:
    """Return a result as the cells of COLUMNS."""
    if result.skipped:
        return [result.fault, str(result.seed), *["-"] * 7, result.verdict]
    counts = (result.seed, result.acknowledged, result.unknown, result.lost, result.doubled)
    times = (result.back_s, result.blocked_s, result.liveness_p99_s)
    return [result.fault, *map(str, counts), *(f"{seconds:.2f} s" for seconds in times), result.verdict]


def conclude(results: Sequence[Result], *, allow_skipped: bool) -> tuple[bool, list[str]]:
    """Tell whether many runs together are a pass, and in sentences why; the last is the verdict.

    A run that fell short or shows too little is none; a skipped one is none either, unless that is allowed, and then
    something else must have passed.
    """
    fallen = [each for each in results if each.fell_short]
    skipped = sorted({each.fault for each in results if each.skipped})
    passed = sum(each.verdict == "pass" for each in results)
    is_pass = bool(passed) and not fallen and (allow_skipped or not skipped)
    sentences = [f"{passed} of {len(results)} runs passed."]
    if fallen:
        sentences.append(f"Fell short: {', '.join(f'{each.fault} ({each.verdict})' for each in fallen)}.")
    if skipped:
        sentences.append(f"Skipped, which is no pass: {', '.join(skipped)}.")
    return is_pass, [*sentences, "PASS" if is_pass else "FAIL"]
