"""The promises, checked offline: pure functions over a history and what the run left behind.

Each check returns what it found, one sentence for each violation; an empty list means that the promise was kept.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.faults.history import (
    BALANCE,
    DEPOSIT,
    FAIL,
    INFO,
    LINES,
    OK,
    POLL_INTERVAL_S,
    TRANSFER,
    WITHDRAW,
    Attempt,
    Operation,
    Poll,
)
from tests.faults.outcome import FinalState

PROBLEM_TYPE = "application/problem+json"
PAUSE_S_MIN = 0.3
"""Where no write is acknowledged for so long, with so many clients, there may have been no primary."""
SETTLING_S = 1.0
"""A new primary tells at first only what it knows a majority to have: it may have heard of the last moments later."""
NO_MONEY = "insufficient_funds"
CUT_MAX = 3
"""How many requests may find their connection closed while they are being sent: one for each time a server stops."""
"""The one refusal that right requests meet, and clients send no others: an account gives no more than it holds."""


@dataclass(slots=True)
class Fate:
    """What a history says of one write: answered with success at least once, or refused, or neither."""

    operation: Operation
    invoked_s: float
    acknowledged: list[Attempt] = field(default_factory=list)
    refused: bool = False
    last: str = INFO

    @property
    def happened(self) -> bool:
        return bool(self.acknowledged)

    @property
    def is_known(self) -> bool:
        return self.happened or self.last == FAIL


def fates(attempts: Iterable[Attempt]) -> dict[str, Fate]:
    """Return the fate of every write by its key."""
    found: dict[str, Fate] = {}
    for attempt in sorted(attempts, key=lambda each: each.answered_s):
        if not attempt.operation.is_write:
            continue
        fate = found.setdefault(attempt.operation.key, Fate(attempt.operation, attempt.invoked_s))
        fate.invoked_s = min(fate.invoked_s, attempt.invoked_s)
        fate.last = attempt.outcome
        if attempt.outcome == OK:
            fate.acknowledged.append(attempt)
    return found


def lines_by_key(final: FinalState) -> dict[str, dict[str, int]]:
    """Return by an operation's key how many lines it has on each account."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for number, account in final.accounts.items():
        for line in account.lines:
            found[line.key][number] += 1
    return {key: dict(counted) for key, counted in found.items()}


def lost(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find what was acknowledged and is not there, whole: set."""
    made = lines_by_key(final)
    return [
        f"{key} was acknowledged, and has no line on {number}"
        for key, fate in fates(attempts).items()
        if fate.happened
        for number in fate.operation.effects
        if not made.get(key, {}).get(number)
    ]


def doubled(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find what is there more than once: set."""
    known = fates(attempts)
    return [
        f"{key} has {times} lines on {number}"
        for key, counted in lines_by_key(final).items()
        if key in known
        for number, times in counted.items()
        if times > 1
    ]


def invented(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find lines that nobody asked for, that the operation does not touch, or whose operation was refused: set."""
    known, found = fates(attempts), []
    for key, counted in lines_by_key(final).items():
        fate = known.get(key)
        if fate is None:
            found.append(f"{key} has lines, and nobody asked for it")
        elif not fate.happened and fate.last == FAIL:
            found.append(f"{key} was refused, and has lines")
        else:
            strays = counted.keys() - fate.operation.effects.keys()
            found += [f"{key} has a line on {number}, which it does not touch" for number in strays]
    return found


def half_done(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find transfers with a line on one side alone, and lines of another amount than was asked for."""
    known, found = fates(attempts), []
    made = lines_by_key(final)
    for key, counted in made.items():
        fate = known.get(key)
        if fate is not None and 0 < len(counted) < len(fate.operation.effects):
            found.append(f"{key} has a line on {sorted(counted)} alone")
    for number, account in final.accounts.items():
        for line in account.lines:
            fate = known.get(line.key)
            wanted = fate.operation.effects.get(number) if fate else None
            if wanted is not None and wanted != line.amount:
                found.append(f"{line.key} moved {line.amount} on {number} instead of {wanted}")
    return found


def bank(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find a total that is not what was paid in less what was paid out, a negative balance, an unknown account."""
    done = [fate.operation for fate in fates(attempts).values() if fate.happened]
    expected = sum(sum(each.effects.values()) for each in done)
    total = sum(account.balance for account in final.accounts.values())
    found = [] if total == expected else [f"the accounts hold {total} together, and {expected} was paid in"]
    found += [f"{number} holds {each.balance}" for number, each in final.accounts.items() if each.balance < 0]
    found += [
        f"{number} was {line.balance_after} after {line.key}"
        for number, account in final.accounts.items()
        for line in account.lines
        if line.balance_after < 0
    ]
    found += [f"{number} has entries, and nobody opened it" for number in final.stored.keys() - final.accounts.keys()]
    return found


def counter(attempts: Sequence[Attempt], final: FinalState, account: str) -> list[str]:
    """Find an account that was only ever paid 1.00 into and holds another number of them than were acknowledged."""
    done = [fate.operation for fate in fates(attempts).values() if fate.happened and account in fate.operation.effects]
    assert all(each.kind == DEPOSIT for each in done)
    expected, value = sum(each.amount for each in done), final.accounts[account].balance
    return [] if value == expected else [f"the counter stands at {value} after deposits of {expected}"]


def replays(attempts: Sequence[Attempt]) -> list[str]:
    """Find writes that stayed without an answer to the end, and keys that were answered with two different lines."""
    found = []
    for key, fate in fates(attempts).items():
        if not fate.is_known:
            found.append(f"{key} was never answered")
        if len({each.answer.content["id"] for each in fate.acknowledged}) > 1:
            found.append(f"{key} was answered with different lines")
    return found


def entries(final: FinalState) -> list[str]:
    """Find gaps and repeats in the numbers, balances that do not follow, and lines that are stored and not shown."""
    found = []
    for number, account in final.accounts.items():
        balance = 0
        for place, line in enumerate(account.lines, start=1):
            balance += line.amount
            if line.seq != place:
                found.append(f"{number}: line {place} is numbered {line.seq}")
            if line.balance_after != balance:
                found.append(f"{number}: {line.balance_after} after line {place} instead of {balance}")
                balance = line.balance_after
        if account.balance != balance:
            found.append(f"{number} holds {account.balance}, and its lines say {balance}")
        if final.stored.get(number, 0) != len(account.lines):
            found.append(f"{number} has {final.stored.get(number, 0)} entries and shows {len(account.lines)}")
    return found


def reconcile(final: FinalState) -> list[str]:
    """Find what `flask reconcile` names."""
    return [] if final.difference is None else [f"reconcile: {final.difference}"]


class _Bounds:
    """By account: which lines must be known at a time, as they were told before; and which can't be, yet."""

    def __init__(self, attempts: Sequence[Attempt], final: FinalState) -> None:
        self._lines = {number: account.lines for number, account in final.accounts.items()}
        self._seq = {(number, line.key): line.seq for number, lines in self._lines.items() for line in lines}
        told: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        for attempt in attempts:
            if attempt.outcome == OK:
                for number, seq in self._tells(attempt):
                    told[number].append((attempt.answered_s, seq))
        self._told = {number: _rising(sorted(each)) for number, each in told.items()}
        asked = {key: fate.invoked_s for key, fate in fates(attempts).items()}
        # a line can be known once it and all before it have been asked for
        self._asked = {
            number: [seconds for seconds, _ in _rising([(asked.get(each.key, -math.inf), 0) for each in lines])]
            for number, lines in self._lines.items()
        }
        acknowledged_s = sorted(each.answered_s for each in attempts if each.operation.is_write and each.outcome == OK)
        self._pauses = [(one, next_) for one, next_ in pairwise(acknowledged_s) if next_ - one >= PAUSE_S_MIN]

    def shown(self, number: str, asked_s: float) -> int:
        """Return the highest number of a line that a read which was asked for then must show.

        Nothing is decided by what a read shows, and what it may miss is the moment before there was no primary.
        """
        for begun_s, over_s in self._pauses:
            if begun_s <= asked_s <= over_s:
                return self.lowest(number, begun_s - SETTLING_S)
        return self.lowest(number, asked_s)

    def lowest(self, number: str, before_s: float) -> int:
        """Return the highest number of a line that somebody was told of before."""
        told = self._told.get(number, [])
        place = bisect_left(told, (before_s, -1))
        return told[place - 1][1] if place else 0

    def highest(self, number: str, until_s: float) -> int:
        """Return the highest number of a line that may have been made by then."""
        return bisect_left(self._asked.get(number, []), until_s)

    def _tells(self, attempt: Attempt) -> list[tuple[str, int]]:
        operation = attempt.operation
        if operation.is_write:
            sides = ((number, self._seq.get((number, operation.key))) for number in operation.effects)
            return [(number, seq) for number, seq in sides if seq is not None]
        lines = attempt.answer.content.get("lines", [])
        return [(operation.account, lines[0]["seq"])] if lines else []


def _rising(pairs: Iterable[tuple[float, int]]) -> list[tuple[float, int]]:
    """Replace each member by the highest so far."""
    risen: list[tuple[float, int]] = []
    for seconds, seq in pairs:
        last = risen[-1] if risen else (-math.inf, 0)
        risen.append((max(seconds, last[0]), max(seq, last[1])))
    return risen


def order(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find writes numbered before one that was over when they began, and answers that are not the line that is kept."""
    bounds, found = _Bounds(attempts, final), []
    kept = {(number, line.key): line for number, account in final.accounts.items() for line in account.lines}
    first = {key: min(fate.acknowledged, key=lambda each: each.answered_s) for key, fate in fates(attempts).items()
             if fate.happened}  # fmt: skip
    known = fates(attempts)
    for key, attempt in first.items():
        operation, told = attempt.operation, attempt.answer.content
        line = kept.get((operation.account, key))
        if line is None:
            continue  # lost: named there
        if (line.id, line.seq, line.amount, line.balance_after) != tuple(
            told[name] for name in ("id", "seq", "amount", "balance_after")
        ):
            found.append(f"{key} was answered with another line than is kept")
        for number in operation.effects:
            other = kept.get((number, key))
            if other is not None and other.seq <= bounds.lowest(number, known[key].invoked_s):
                found.append(f"{key} is line {other.seq} of {number}, before one that was over when it was asked for")
    return found


def reads(attempts: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find balances that an account can't have had while it was read, and histories that are no piece of the whole."""
    bounds, found = _Bounds(attempts, final), []
    for attempt in attempts:
        if attempt.outcome != OK or attempt.operation.kind not in (BALANCE, LINES):
            continue
        number = attempt.operation.account
        lines = final.accounts[number].lines
        lowest = bounds.shown(number, attempt.invoked_s)
        highest = bounds.highest(number, attempt.answered_s)
        if attempt.operation.kind == BALANCE:
            balance = attempt.answer.content["balance"]
            if balance not in _balances(final, number, range(lowest, highest + 1)):
                found.append(
                    f"{number} was read as {balance} at {attempt.invoked_s:.3f} s, between lines {lowest} and {highest}"
                )
        else:
            found += _misread(attempt, lines, lowest, highest)
    return found


def _misread(attempt: Attempt, lines: Sequence[object], lowest: int, highest: int) -> list[str]:
    where = f"{attempt.operation.account}'s lines, read at {attempt.invoked_s:.3f} s,"
    seen = attempt.answer.content["lines"]
    top = seen[0]["seq"] if seen else 0
    if not lowest <= top <= highest:
        return [f"{where} end with {top}, not between {lowest} and {highest}"]
    numbers = [each["seq"] for each in seen]
    if numbers != list(range(top, top - len(seen), -1)):
        return [f"{where} are numbered {numbers}"]
    changed = [each["seq"] for each in seen if each["id"] != getattr(lines[each["seq"] - 1], "id", None)]
    return [f"{where} have others in the places {changed}"] if changed else []


def error_form(attempts: Iterable[Attempt]) -> list[str]:
    """Find a 500, and errors that are no problem with a code."""
    found = []
    for attempt in attempts:
        answer = attempt.answer
        if answer.status == 500:
            found.append(f"{attempt.operation.key} was answered with 500 {answer.code}")
        elif answer.status >= 400 and (answer.media_type != PROBLEM_TYPE or not answer.code):
            found.append(f"{attempt.operation.key} was answered with {answer.status} as {answer.media_type}")
    return found


def unwarranted(attempts: Sequence[Attempt], told: Sequence[Attempt], final: FinalState) -> list[str]:
    """Find refusals of right requests by any name but that the money is wanting, and that where it can't have been.

    What an account held meanwhile is known from all that was `told`.
    """
    bounds, found = _Bounds(told, final), []
    for each in (each for each in attempts if each.outcome == FAIL):
        refusal = f"{each.operation.key} was refused with {each.answer.status} {each.answer.code}"
        if not _wants_money(each):
            found.append(refusal)
            continue
        number = each.operation.account
        seqs = range(bounds.lowest(number, each.invoked_s), bounds.highest(number, each.answered_s) + 1)
        least = min(_balances(final, number, seqs), default=0)
        if least >= each.operation.amount:
            found.append(f"{refusal}, and {number} held {least} at least")
    return found


def _balances(final: FinalState, number: str, seqs: Iterable[int]) -> set[int]:
    """Return the balances of an account after these of its lines; before the first it is 0."""
    lines = final.accounts[number].lines
    return {lines[seq - 1].balance_after if seq else 0 for seq in seqs}


def _wants_money(attempt: Attempt) -> bool:
    return attempt.answer.code == NO_MONEY and attempt.operation.kind in (WITHDRAW, TRANSFER)


def share_in_vain(attempts: Iterable[Attempt], *, since_s: float, until_s: float) -> float:
    """Return which share of what was asked for in a while got neither success nor refusal; 1 where nothing was."""
    in_vain = [each.outcome == INFO for each in attempts if since_s <= each.invoked_s < until_s]
    return sum(in_vain) / len(in_vain) if in_vain else 1.0


def writes_back_s(attempts: Iterable[Attempt], *, since_s: float, servers: Iterable[int]) -> float:
    """Return how long after `since_s` every one of the servers had acknowledged a write asked for since then."""
    first_s = dict.fromkeys(servers, math.inf)
    for each in attempts:
        if each.server in first_s and each.operation.is_write and each.outcome == OK and each.invoked_s >= since_s:
            first_s[each.server] = min(first_s[each.server], each.answered_s)
    return max(first_s.values()) - since_s


def first_write_s(attempts: Iterable[Attempt], *, since_s: float) -> float:
    """Return when the first write that was asked for after `since_s` was acknowledged."""
    times = [
        each.answered_s
        for each in attempts
        if each.operation.is_write and each.outcome == OK and each.invoked_s >= since_s
    ]
    return min(times, default=math.inf)


def longest_block(attempts: Iterable[Attempt], *, outages: Sequence[tuple[float, float]]) -> tuple[float, str]:
    """Return how long an account was blocked at most, and which.

    An account is blocked from when a write to it is asked for that gets neither success nor refusal, until a write to
    it next succeeds or is refused for want of money; where none does, until the last that was asked for in vain was
    over. Clients ask again at once after such an answer, so that a block is seen to its end. Time within an outage,
    from the loss of the database until writes to any account were back, does not count: then nobody is served. Nor does
    a request that no server took.
    """
    by_account: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        for number in attempt.operation.effects:
            by_account[number].append(attempt)
    longest = (0.0, "")
    for number, mine in by_account.items():
        for begin_s, end_s in _blocks(mine):
            longest = max(longest, (_without(begin_s, end_s, outages), number))
    return longest


def _blocks(attempts: Sequence[Attempt]) -> list[tuple[float, float]]:
    """Return the spans in which an account was asked for in vain."""
    vain = [each for each in attempts if each.outcome == INFO and _was_taken(each)]
    answered = sorted(each.answered_s for each in attempts if each.outcome == OK or _wants_money(each))
    answered.append(max((each.answered_s for each in vain), default=math.inf))
    return [(each.invoked_s, answered[bisect_left(answered, each.invoked_s, hi=len(answered) - 1)]) for each in vain]


def _without(begin_s: float, end_s: float, outages: Sequence[tuple[float, float]]) -> float:
    """Return the length of the longest piece of a span that no outage touches."""
    longest, at = 0.0, begin_s
    for lost_s, back_s in sorted(outages):
        if lost_s > end_s or back_s < at:
            continue
        longest = max(longest, lost_s - at)
        at = max(at, back_s)
    return max(longest, end_s - at)


def p99_s(polls: Sequence[Poll]) -> float:
    """Return how long 99 of 100 polls took at most; for ever where there are none.

    One that waited stands for all that were due meanwhile, each of which would have waited for the rest of the time.
    """
    took = sorted(poll.took_s - late_s for poll in polls for late_s in _due_s(poll))
    return took[math.ceil(0.99 * len(took)) - 1] if took else math.inf


def _due_s(poll: Poll) -> list[float]:
    """Return how long after a poll itself each of those was due that had to wait with it; its own is the first."""
    return [0.0] + [POLL_INTERVAL_S * number for number in range(1, math.ceil(poll.took_s / POLL_INTERVAL_S))]


def unanswered(attempts: Iterable[Attempt], *, server: int) -> list[str]:
    """Find requests that a server took and that got no answer at all.

    What was still being sent when the connection was closed, which is all that a broken pipe can mean, the server never
    had whole; a few of those are let pass.
    """
    in_vain = [each for each in attempts if each.server == server and each.answer.status == 0 and _was_taken(each)]
    whole = [each for each in in_vain if each.answer.code != BrokenPipeError.__name__]
    return [
        f"{each.operation.key} was sent to server {server} and got no answer ({each.answer.code})"
        for each in (whole if len(in_vain) - len(whole) <= CUT_MAX else in_vain)
    ]


def _was_taken(attempt: Attempt) -> bool:
    """Tell whether a server may have taken a request: one that refuses the connection has taken nothing."""
    return attempt.answer.code != ConnectionRefusedError.__name__
