"""What is found in a history in which a clock was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.ids import entry_id, random_id
from tests.faults.clock_faults import ServerClockOff, misdated
from tests.faults.history import DEPOSIT, Answer, Attempt, Mark, Operation, Recorded

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARKS = [Mark("strike", 10.0), Mark("struck", 10.1), Mark("heal", 25.0)]
REFUSED = Answer(503, "application/problem+json", "clock_wrong")


def attempt(key: str, answered_s: float, answer: Answer, *, server: int = 0) -> Attempt:
    return Attempt(Operation(key, DEPOSIT, "1", 100), "p", server, answered_s - 0.5, answered_s, answer)


def posted(answered_s: float, *, off: timedelta = timedelta()) -> Answer:
    """Return the answer to a deposit that is dated when it was answered, or off by so much."""
    dated = BEGAN + timedelta(seconds=answered_s) + off
    return Answer(201, "application/json", content={"id": entry_id(dated, 1, random_id(), 0)})


def test_money_that_bears_a_wrong_date_is_found_and_no_other() -> None:
    right, wrong = attempt("right", 5, posted(5)), attempt("wrong", 12, posted(12, off=HOUR))
    assert misdated(Recorded([right, attempt("later", 700, posted(700))])) == []
    assert misdated(Recorded([right, wrong])) == ["wrong is dated +3600 s off"]


def test_a_server_that_posts_although_its_clock_is_wrong_is_found() -> None:
    refused, other = attempt("refused", 12, REFUSED), attempt("elsewhere", 13, posted(13), server=1)
    fault = ServerClockOff()
    assert list(fault.check(Recorded([refused, other], MARKS))) == []
    assert list(fault.check(Recorded([refused, attempt("k", 13, posted(13))], MARKS))) == [
        "k was posted by a server with a wrong clock"
    ]
    assert list(fault.check(Recorded([other], MARKS))) == ["nothing was refused as clock_wrong"]
