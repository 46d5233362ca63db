"""A short history made by hand, what it left behind, and builders of others: for tests of the checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.faults.history import Answer, Attempt, Operation
from tests.faults.outcome import FinalAccount, FinalState, Line

A, B, COUNTER = "1001", "1002", "1003"


def told(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__slots__}


def final_state(*lines: tuple[str, str, int]) -> FinalState:
    """Return accounts whose lines are these (account, key, amount), in this order."""
    kept: dict[str, list[Line]] = {A: [], B: [], COUNTER: []}
    for number, key, amount in lines:
        mine = kept[number]
        balance = (mine[-1].balance_after if mine else 0) + amount
        mine.append(Line(f"{number}-{key}", f"t-{key}", len(mine) + 1, amount, balance, key))
    accounts = {number: FinalAccount(mine[-1].balance_after if mine else 0, mine) for number, mine in kept.items()}
    return FinalState(accounts, stored={number: len(mine) for number, mine in kept.items()})


SOUND = final_state(
    (A, "d1", 1_000),
    (B, "d2", 500),
    (A, "t1", -300),
    (B, "t1", 300),
    (B, "w1", -100),
    (COUNTER, "c1", 100),
    (COUNTER, "c2", 100),
    (A, "u1", 50),
)


def line_of(number: str, key: str, final: FinalState = SOUND) -> Line:
    return next(line for line in final.accounts[number].lines if line.key == key)


def asked(
    key: str, kind: str, account: str, amount: int = 0, *, at: tuple[float, float], to: str = "", answer: Answer
) -> Attempt:
    return Attempt(Operation(key, kind, account, amount, to), "client", 0, *at, answer)


def done(key: str, kind: str, account: str, amount: int, *, at: tuple[float, float], to: str = "") -> Attempt:
    """Return a write that was answered with the line that is kept."""
    answer = Answer(201, "application/json", content=told(line_of(account, key)))
    return asked(key, kind, account, amount, at=at, to=to, answer=answer)


NO_MONEY = Answer(409, "application/problem+json", "insufficient_funds")


def refused(
    key: str,
    status: int = NO_MONEY.status,
    media_type: str = NO_MONEY.media_type,
    code: str = NO_MONEY.code,
    *,
    at: tuple[float, float] = (7, 8),
) -> Attempt:
    return asked(key, "withdraw", A, 99_999, at=at, answer=Answer(status, media_type, code))


def balance(number: str, amount: int, *, at: tuple[float, float]) -> Attempt:
    answer = Answer(200, "application/json", content={"balance": amount})
    return asked(f"balance-{at}", "balance", number, at=at, answer=answer)


def lines(number: str, *seen: Line, at: tuple[float, float]) -> Attempt:
    answer = Answer(200, "application/json", content={"lines": [told(line) for line in seen]})
    return asked(f"lines-{at}", "lines", number, at=at, answer=answer)


FLAT = [(number, line.key, line.amount) for number, account in SOUND.accounts.items() for line in account.lines]
STORY = [
    done("d1", "deposit", A, 1_000, at=(0, 1)),
    done("d2", "deposit", B, 500, at=(1, 2)),
    done("t1", "transfer", A, 300, to=B, at=(2, 3)),
    done("w1", "withdraw", B, 100, at=(3, 4)),
    done("c1", "deposit", COUNTER, 100, at=(4, 5)),
    done("c2", "deposit", COUNTER, 100, at=(5, 6)),
    asked("u1", "deposit", A, 50, at=(6, 16), answer=Answer(code="TimeoutError")),
    refused("r1"),
    balance(A, 700, at=(8, 9)),
    balance(A, 750, at=(9, 10)),
    lines(B, line_of(B, "w1"), line_of(B, "t1"), line_of(B, "d2"), at=(10, 11)),
    done("u1", "deposit", A, 50, at=(20, 21)),
]


def changed(number: str, place: int, **how: object) -> FinalState:
    """Return the sound state with one line of an account changed."""
    account = SOUND.accounts[number]
    mine = list(account.lines)
    mine[place] = replace(mine[place], **how)  # type: ignore[arg-type]
    return with_account(number, replace(account, lines=mine))


def with_account(number: str, account: FinalAccount) -> FinalState:
    return replace(SOUND, accounts={**SOUND.accounts, number: account})


def attempts_on(number: str, *spans: tuple[float, float, int]) -> list[Attempt]:
    """Return deposits to an account: begin, end, status."""
    return [
        asked(f"{number}-{at}", "deposit", number, 1, at=(at, until), answer=Answer(status))
        for at, until, status in spans
    ]
