"""What is found in a history in which a clock was wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.ids import entry_id, random_id
from tests.faults.clock_faults import ServerClockBehind, ServerClockOff, misdated
from tests.faults.history import DEPOSIT, Answer, Attempt, Mark, Operation, Recorded
from tests.faults.outcome import FinalAccount, FinalState, Line

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARKS = [Mark("strike", 10.0), Mark("struck", 10.1), Mark("heal", 25.0), Mark("whole", 25.2)]
REFUSED = Answer(503, "application/problem+json", "clock_wrong")


def attempt(key: str, answered_s: float, answer: Answer, *, server: int = 0) -> Attempt:
    return Attempt(Operation(key, DEPOSIT, "1", 100), "p", server, answered_s - 0.5, answered_s, answer)


def posted(answered_s: float, *, off: timedelta = timedelta()) -> Answer:
    """Return the answer to a deposit that is dated when it was answered, or off by so much."""
    dated = BEGAN + timedelta(seconds=answered_s) + off
    return Answer(201, "application/json", content={"id": entry_id(dated, 1, random_id(), 0)})


def kept(*attempts: Attempt) -> FinalState:
    """Return an account with the lines that these were told of."""
    lines = [Line(each.answer.content["id"], "t", 1, 100, 100, each.operation.key) for each in attempts]
    return FinalState({"1": FinalAccount(100 * len(lines), lines)})


def found(*attempts: Attempt, final: FinalState | None = None) -> list[str]:
    """Return what a wrong clock of server 0 is found to have done."""
    final = final or kept(*(each for each in attempts if each.answer.content))
    return list(ServerClockOff().check(Recorded(list(attempts), MARKS), final))


def test_money_that_bears_a_wrong_date_is_found_and_no_other() -> None:
    right, wrong = attempt("right", 5, posted(5)), attempt("wrong", 12, posted(12, off=HOUR))
    later = attempt("later", 700, posted(700))
    assert misdated(Recorded([right, later]), kept(right, later)) == []
    assert misdated(Recorded([right, wrong]), kept(right, wrong)) == ["wrong is dated +3600 s off on 1"]


def test_a_wrong_date_is_found_also_where_a_replay_alone_was_answered() -> None:
    right, cut = attempt("right", 5, posted(5)), attempt("cut", 12, Answer(code="TimeoutError"))
    for off, told in ((timedelta(), []), (-HOUR, ["cut is dated -3600 s off on 1"])):
        again = attempt("cut", 90, replace(posted(12, off=off), replayed=True))
        assert misdated(Recorded([right, cut, again]), kept(right, again)) == told


def test_a_server_that_posts_although_its_clock_is_wrong_is_found() -> None:
    refused, other = attempt("refused", 12, REFUSED), attempt("elsewhere", 13, posted(13), server=1)
    assert found(refused, other) == []
    assert found(refused, other, attempt("k", 13, posted(13))) == ["k was posted by a server with a wrong clock"]
    assert found(other) == ["nothing was refused as clock_wrong"]


def test_a_server_whose_clock_is_right_and_that_does_not_serve_is_found() -> None:
    refused, before = attempt("refused", 12, REFUSED), attempt("before", 8, posted(8), server=1)
    busy = attempt("busy", 14, replace(REFUSED, code="server_busy"), server=1)
    served = [attempt(f"served{number}", 13, posted(13), server=1) for number in (1, 2)]
    assert found(refused, before) == ["the server with the right clock did not serve"]
    assert found(refused, before, busy, served[0]) == ["the server with the right clock did not serve"]
    assert found(refused, before, busy, *served) == []


def test_the_server_with_the_wrong_clock_alone_may_take_no_token_and_only_as_long_as_it_is_wrong() -> None:
    answer = Answer(401, "application/problem+json", "not_authenticated")
    told, fault = Recorded([], MARKS), ServerClockBehind()
    assert fault.excuses(attempt("k", 12, answer), told)
    assert not fault.excuses(attempt("k", 12, answer, server=1), told)
    assert not fault.excuses(attempt("k", 12, replace(answer, status=404)), told)
    assert not fault.excuses(attempt("k", 9.9, answer), told)
    assert not fault.excuses(attempt("k", 26, answer), told)
