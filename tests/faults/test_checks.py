"""Each check finds the defect that it is there for, in a history made by hand, and nothing in one that is sound."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import checks, history
from tests.faults.history import Answer, Attempt, History, Operation, Poll
from tests.faults.outcome import FinalAccount, FinalState
from tests.faults.story import (
    COUNTER,
    FLAT,
    SOUND,
    STORY,
    A,
    B,
    asked,
    attempts_on,
    balance,
    changed,
    done,
    final_state,
    line_of,
    lines,
    refused,
    with_account,
)
from tests.faults.workload import unresolved

HISTORY_CHECKS: dict[str, Callable[[list[Attempt], FinalState], list[str]]] = {
    "lost": checks.lost,
    "doubled": checks.doubled,
    "invented": checks.invented,
    "half_done": checks.half_done,
    "bank": checks.bank,
    "counter": lambda attempts, final: checks.counter(attempts, final, COUNTER),
    "replays": lambda attempts, _: checks.replays(attempts),
    "entries": lambda _, final: checks.entries(final),
    "order": checks.order,
    "reads": checks.reads,
    "reconcile": lambda _, final: checks.reconcile(final),
    "error_form": lambda attempts, _: checks.error_form(attempts),
}


@pytest.fixture(autouse=True)
def slow_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the story a second passes between one write and the next; clients are quicker."""
    monkeypatch.setattr(checks, "PAUSE_S_MIN", 1.5)


@pytest.mark.parametrize("name", HISTORY_CHECKS)
def test_a_sound_history_passes(name: str) -> None:
    assert HISTORY_CHECKS[name](STORY, SOUND) == []


# ---- set ---------------------------------------------------------------------------------------------------------


def test_a_write_that_was_acknowledged_and_is_not_there_is_lost() -> None:
    final = final_state((A, "d1", 1_000), (B, "d2", 500), (A, "t1", -300), (B, "t1", 300), (A, "u1", 50))
    assert checks.lost(STORY, final) == [
        f"w1 was acknowledged, and has no line on {B}",
        f"c1 was acknowledged, and has no line on {COUNTER}",
        f"c2 was acknowledged, and has no line on {COUNTER}",
    ]


def test_a_transfer_that_never_arrived_is_lost_and_half_done() -> None:
    final = final_state(*((n, k, a) for n, k, a in FLAT if (n, k) != (B, "t1")))
    assert checks.lost(STORY, final) == [f"t1 was acknowledged, and has no line on {B}"]
    assert checks.half_done(STORY, final) == [f"t1 has a line on {[A]} alone"]


def test_a_write_that_was_made_twice_is_doubled() -> None:
    assert checks.doubled(STORY, final_state(*FLAT, (B, "w1", -100))) == [f"w1 has 2 lines on {B}"]


def test_an_unknown_outcome_that_was_sent_again_and_made_twice_is_doubled() -> None:
    assert checks.doubled(STORY, final_state(*FLAT, (A, "u1", 50))) == [f"u1 has 2 lines on {A}"]


def test_what_was_refused_and_is_there_was_invented() -> None:
    assert checks.invented(STORY, final_state(*FLAT, (A, "r1", -9))) == ["r1 was refused, and has lines"]


def test_what_nobody_asked_for_was_invented() -> None:
    assert checks.invented(STORY, final_state(*FLAT, (A, "x", 9))) == ["x has lines, and nobody asked for it"]


def test_a_line_on_another_account_was_invented() -> None:
    assert checks.invented(STORY, final_state(*FLAT, (B, "d1", 9))) == [
        f"d1 has a line on {B}, which it does not touch"
    ]


def test_another_amount_than_was_asked_for_is_found() -> None:
    assert checks.half_done(STORY, changed(A, 0, amount=1_001)) == [f"d1 moved 1001 on {A} instead of 1000"]


# ---- bank --------------------------------------------------------------------------------------------------------


def test_a_total_that_is_not_what_was_paid_in_is_found() -> None:
    final = with_account(A, replace(SOUND.accounts[A], balance=751))
    assert checks.bank(STORY, final) == ["the accounts hold 1651 together, and 1650 was paid in"]


def test_a_negative_balance_is_found_also_where_it_was_made_good_later() -> None:
    assert checks.bank(STORY, changed(A, 1, balance_after=-1)) == [f"{A} was -1 after t1"]
    story = [*STORY, done("d1", "deposit", A, 1_000, at=(30, 31))]
    final = replace(SOUND, accounts={**SOUND.accounts, A: FinalAccount(-1, ()), B: FinalAccount(1_451, ())})
    assert checks.bank(story, final) == [f"{A} holds -1"]


def test_an_account_that_nobody_opened_is_found() -> None:
    final = replace(SOUND, stored={**SOUND.stored, "666": 1})
    assert checks.bank(STORY, final) == ["666 has entries, and nobody opened it"]


# ---- counter -----------------------------------------------------------------------------------------------------


def test_a_counter_that_stands_too_high_or_too_low_is_found() -> None:
    for value in (100, 300):
        final = with_account(COUNTER, replace(SOUND.accounts[COUNTER], balance=value))
        assert checks.counter(STORY, final, COUNTER) == [f"the counter stands at {value} after deposits of 200"]


# ---- replays -----------------------------------------------------------------------------------------------------


def test_a_write_that_was_never_answered_is_found() -> None:
    assert checks.replays([each for each in STORY if each.answered_s != 21]) == ["u1 was never answered"]


def test_a_key_that_was_answered_with_two_lines_is_found() -> None:
    other = replace(STORY[0].answer, content={**STORY[0].answer.content, "id": "another"})
    again = replace(STORY[0], invoked_s=20, answered_s=21, answer=other)
    assert checks.replays([*STORY, again]) == ["d1 was answered with different lines"]


def test_what_was_refused_when_it_was_sent_again_is_answered() -> None:
    assert checks.replays([*STORY, replace(refused("u9"), answer=Answer()), refused("u9")]) == []


# ---- entries -----------------------------------------------------------------------------------------------------


def test_a_gap_in_the_numbers_is_found() -> None:
    assert checks.entries(changed(A, 2, seq=4)) == [f"{A}: line 3 is numbered 4"]


def test_a_number_that_is_there_twice_is_found() -> None:
    assert checks.entries(changed(A, 2, seq=2)) == [f"{A}: line 3 is numbered 2"]


def test_a_balance_that_does_not_follow_is_found() -> None:
    assert checks.entries(changed(B, 1, balance_after=801)) == [
        f"{B}: 801 after line 2 instead of 800",
        f"{B}: 700 after line 3 instead of 701",
    ]


def test_a_balance_that_its_lines_do_not_explain_is_found() -> None:
    final = with_account(A, replace(SOUND.accounts[A], balance=1))
    assert checks.entries(final) == [f"{A} holds 1, and its lines say 750"]


def test_an_entry_that_is_stored_and_not_shown_is_found() -> None:
    final = replace(SOUND, stored={**SOUND.stored, A: 4})
    assert checks.entries(final) == [f"{A} has 4 entries and shows 3"]


def test_what_reconcile_names_is_told() -> None:
    assert checks.reconcile(replace(SOUND, difference="a gap")) == ["reconcile: a gap"]


# ---- order and reads ---------------------------------------------------------------------------------------------


def test_a_write_numbered_before_one_that_was_over_is_found() -> None:
    late = [replace(each, invoked_s=5, answered_s=5.5) if each.operation.key == "t1" else each for each in STORY]
    assert checks.order(late, SOUND) == [f"t1 is line 2 of {B}, before one that was over when it was asked for"]


def test_an_answer_that_is_not_what_is_kept_is_found() -> None:
    assert checks.order(STORY, changed(A, 0, id="another")) == ["d1 was answered with another line than is kept"]


def test_a_balance_older_than_what_was_acknowledged_is_found() -> None:
    story = [*STORY, balance(B, 800, at=(12, 13))]
    assert checks.reads(story, SOUND) == [f"{B} was read as 800 at 12.000 s, between lines 3 and 3"]


def test_a_read_without_a_primary_may_miss_the_moment_before_and_no_other_may() -> None:
    """Nothing is acknowledged from 6 s to 21 s; the counter was paid into at 5 and 6 s."""
    missed = balance(COUNTER, 100, at=(8, 9))
    assert checks.reads([*STORY, missed], SOUND) == []
    answered = asked("d9", "deposit", B, 1, at=(6, 7), answer=Answer(201, "application/json"))
    assert checks.reads([*STORY, answered, replace(answered, answered_s=8.4), missed], SOUND) == [
        f"{COUNTER} was read as 100 at 8.000 s, between lines 2 and 2"
    ]


def test_a_balance_from_before_it_was_asked_for_is_found() -> None:
    story = [*STORY, balance(A, 750, at=(4, 5))]
    assert checks.reads(story, SOUND) == [f"{A} was read as 750 at 4.000 s, between lines 2 and 2"]


def test_a_balance_that_never_was_is_found() -> None:
    story = [*STORY, balance(A, 725, at=(8, 9))]
    assert checks.reads(story, SOUND) == [f"{A} was read as 725 at 8.000 s, between lines 2 and 3"]


def test_a_read_older_than_one_before_is_found() -> None:
    """What one reader has seen, no later one may miss, though nobody was told that the write succeeded."""
    seen = lines(A, line_of(A, "u1"), line_of(A, "t1"), at=(8, 9))
    assert checks.reads([*STORY[:8], seen, balance(A, 700, at=(9.5, 10))], SOUND) == [
        f"{A} was read as 700 at 9.500 s, between lines 3 and 3"
    ]


def test_lines_that_end_too_early_are_found() -> None:
    story = [*STORY, lines(B, line_of(B, "t1"), line_of(B, "d2"), at=(12, 13))]
    assert checks.reads(story, SOUND) == [f"{B}'s lines, read at 12.000 s, end with 2, not between 3 and 3"]


def test_lines_with_a_gap_are_found() -> None:
    story = [*STORY, lines(B, line_of(B, "w1"), line_of(B, "d2"), at=(12, 13))]
    assert checks.reads(story, SOUND) == [f"{B}'s lines, read at 12.000 s, are numbered [3, 1]"]


def test_lines_with_a_repeat_are_found() -> None:
    story = [*STORY, lines(B, line_of(B, "w1"), line_of(B, "w1"), at=(12, 13))]
    assert checks.reads(story, SOUND) == [f"{B}'s lines, read at 12.000 s, are numbered [3, 3]"]


def test_lines_that_were_others_when_they_were_read_are_found() -> None:
    """A read of what was rolled back later."""
    gone = replace(line_of(B, "w1"), id="rolled back")
    story = [*STORY, lines(B, gone, line_of(B, "t1"), at=(12, 13))]
    assert checks.reads(story, SOUND) == [f"{B}'s lines, read at 12.000 s, have others in the places [3]"]


# ---- errors ------------------------------------------------------------------------------------------------------


def test_a_500_is_found_also_in_the_right_form() -> None:
    assert checks.error_form([refused("e", 500, code="internal_error")]) == ["e was answered with 500 internal_error"]


def test_an_error_of_another_media_type_is_found() -> None:
    assert checks.error_form([refused("e", 502, "text/html")]) == ["e was answered with 502 as text/html"]


def test_an_error_without_a_code_is_found() -> None:
    assert checks.error_form([refused("e", code="")]) == ["e was answered with 409 as application/problem+json"]


def test_a_refusal_of_a_right_request_is_found_unless_money_was_wanting() -> None:
    def unwarranted(attempt: Attempt) -> list[str]:
        return checks.unwarranted([attempt], [*STORY, attempt], SOUND)

    assert unwarranted(refused("r")) == []
    assert unwarranted(refused("r", 404, code="not_found")) == ["r was refused with 404 not_found"]
    deposit = asked("d", "deposit", A, 1, at=(1, 2), answer=refused("r").answer)
    assert unwarranted(deposit) == ["d was refused with 409 insufficient_funds"]


@pytest.mark.parametrize(
    ("amount", "found"),
    [
        (751, []),
        (750, ["w was refused with 409 insufficient_funds, and 1001 held 750 at least"]),
    ],
)
def test_a_refusal_for_want_of_money_that_was_there_is_found(amount: int, found: list[str]) -> None:
    late = asked("w", "withdraw", A, amount, at=(100, 101), answer=refused("r").answer)
    assert checks.unwarranted([late], [*STORY, late], SOUND) == found


def test_a_broken_connection_is_no_error_of_the_wrong_form() -> None:
    assert checks.error_form([replace(refused("e"), answer=Answer(code="ConnectionResetError"))]) == []


def test_a_request_that_was_taken_and_not_answered_is_found() -> None:
    cut = replace(refused("e"), answer=Answer(code="RemoteDisconnected"))
    assert checks.unanswered([cut], server=0) == ["e was sent to server 0 and got no answer (RemoteDisconnected)"]
    assert checks.unanswered([cut], server=1) == []
    for not_taken in ("ConnectionRefusedError", "BrokenPipeError"):
        assert checks.unanswered([replace(cut, answer=Answer(code=not_taken))], server=0) == []
    assert len(checks.unanswered([replace(cut, answer=Answer(code="BrokenPipeError"))] * 4, server=0)) == 4
    reset = replace(cut, answer=Answer(code="ConnectionResetError"))  # it may have been sent whole before
    assert checks.unanswered([reset], server=0) == ["e was sent to server 0 and got no answer (ConnectionResetError)"]


# ---- times -------------------------------------------------------------------------------------------------------


def test_writes_are_back_when_every_server_has_acknowledged_one_that_was_asked_for_since() -> None:
    before, after = attempts_on(A, (1, 12, 201), (10.5, 13, 201))
    slower = replace(attempts_on(A, (14, 16, 201))[0], server=1)
    assert checks.writes_back_s([before, after, slower], since_s=10, servers={0}) == 3
    assert checks.writes_back_s([before, after, slower], since_s=10, servers={0, 1}) == 6
    assert checks.writes_back_s([before, after], since_s=10, servers={0, 1}) == math.inf


def test_an_account_that_others_are_served_beside_is_blocked() -> None:
    story = attempts_on(A, (0, 1, 201), (2, 8, 503), (8, 14, 503), (14, 15, 201)) + attempts_on(B, (3, 4, 201))
    assert checks.longest_block(story, outages=[]) == (13, A)


def test_a_refusal_for_want_of_money_ends_a_block_for_the_account_is_served_and_no_other_refusal_does() -> None:
    story = attempts_on(A, (2, 8, 503), (10, 14, 201))
    assert checks.longest_block([*story, refused("r", at=(8, 9))], outages=[]) == (7, A)
    assert checks.longest_block([*story, refused("r", at=(8, 9), code="account_frozen")], outages=[]) == (12, A)


def test_a_transfer_in_vain_blocks_both_sides() -> None:
    transfer = asked("t", "transfer", A, 1, to=B, at=(2, 8), answer=Answer())
    story = [transfer, *attempts_on(A, (8, 9, 201)), *attempts_on(B, (8, 12, 201))]
    assert checks.longest_block(story, outages=[]) == (10, B)


def test_an_account_that_is_never_served_again_is_blocked_as_long_as_somebody_asked() -> None:
    assert checks.longest_block(attempts_on(A, (0, 1, 201), (2, 8, 503), (8, 14, 503)), outages=[]) == (12, A)


def test_a_request_that_no_server_took_blocks_nobody() -> None:
    refused_ = replace(attempts_on(A, (2, 8, 0))[0], answer=Answer(code="ConnectionRefusedError"))
    assert checks.longest_block([refused_, *attempts_on(A, (20, 21, 201))], outages=[]) == (0, "")


def test_time_within_an_outage_blocks_nobody() -> None:
    story = attempts_on(A, (2, 8, 503), (8, 14, 503), (14, 15, 201))
    assert checks.longest_block(story, outages=[(3, 12)]) == (3, A)
    assert checks.longest_block(story, outages=[(1, 12)]) == (3, A)
    assert checks.longest_block(story, outages=[(1, 20)])[0] == 0


def test_of_what_was_asked_for_in_a_while_the_share_in_vain_is_told() -> None:
    story = attempts_on(A, (0, 1, 503), (2, 3, 503), (3, 4, 201), (4, 5, 409), (5, 99, 0), (9, 10, 503))
    assert checks.share_in_vain(story, since_s=2, until_s=9) == 0.5
    assert checks.share_in_vain(story, since_s=10, until_s=20) == 1


def test_a_poll_that_waits_counts_as_often_as_one_was_due_meanwhile() -> None:
    quick = [Poll(0, 0.1 * number, 0.01) for number in range(500)]
    assert checks.p99_s([*quick, Poll(0, 50, 0.25)]) == 0.01
    assert checks.p99_s([*quick, Poll(0, 50, 30)]) == pytest.approx(30 - 0.8)


def test_the_slowest_of_a_hundred_polls_is_left_out_and_no_more() -> None:
    polls = [Poll(0, 0.1 * number, 0.01) for number in range(98)]
    assert checks.p99_s([*polls, Poll(0, 9.8, 0.01), Poll(0, 9.9, 0.09)]) == 0.01
    assert checks.p99_s([*polls, Poll(0, 9.8, 0.05), Poll(0, 9.9, 0.09)]) == 0.05
    assert checks.p99_s([]) == math.inf


# ---- the history itself ------------------------------------------------------------------------------------------


def test_a_history_is_read_back_as_it_was_told(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    deposit, cut = Operation("k1", "deposit", A, 100), Operation("k2", "transfer", A, 5, B)
    answer = Answer(201, "application/json", content={"id": "x"})
    with History(path) as book:
        first = book.invoke(deposit, process="p", server=1)
        book.invoke(cut, process="q", server=0)
        book.complete(first, deposit, answer)
        book.mark("strike")
        book.live(0, asked_s=0.5, took_s=0.25)
    known = history.read(path)
    assert [(each.operation, each.outcome, each.process, each.server) for each in known.attempts] == [
        (deposit, "ok", "p", 1),
        (cut, "info", "q", 0),
    ]
    assert known.attempts[0].answer == answer
    assert known.attempts[0].invoked_s <= known.attempts[0].answered_s < known.attempts[1].answered_s == math.inf
    assert known.time_of("strike") >= known.attempts[0].answered_s
    assert known.polls == [Poll(0, 0.5, 0.25)]
    assert (book.acknowledged, book.newest_acknowledged_s) == (1, known.attempts[0].invoked_s)
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0, "info"), (200, "ok"), (201, "ok"), (404, "fail"), (409, "fail"), (429, "fail"), (500, "info"), (503, "info")],
)
def test_what_leaves_a_doubt_is_info_and_never_fail(status: int, outcome: str) -> None:
    assert Answer(status).outcome == outcome


def test_writes_in_doubt_are_resolved_once_and_reads_not_at_all() -> None:
    told_of = [(each.operation, each.outcome) for each in STORY[:8]]
    in_doubt = Operation("u1", "deposit", A, 50)
    assert unresolved([*told_of, (in_doubt, "info"), (Operation("b", "balance", A), "info")]) == [in_doubt]
    assert unresolved([*told_of, (in_doubt, "ok")]) == []
