"""How the sendings of a layout become its figures; servers, wrk and the database are stood in for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import MagicMock

import pytest

from benchmarks import bulk, layouts, loads
from benchmarks.bank import ACCOUNTS_EACH, Bank
from benchmarks.layouts import WARM_UP_S, Plan, measure_layout
from benchmarks.load import Load, Outcome
from benchmarks.sums import Books

SECONDS = 4.0
OPENED = {loads.BALANCE, loads.DEPOSIT, loads.DEPOSIT_HOT, loads.TRANSFER, loads.TRANSFER_ZIPF, loads.TRANSFER_HOT}
YARDSTICKS = {loads.BARE, loads.HELLO, loads.NOOP}
WARM_UP, CLOSED, OPEN = (1, 0, 0), (0, 10, 0), (0, 0, 100)
"""What goes wrong in each sending: so many answers are refused, broken and late."""


def outcome(refused: int, broken: int, late: int) -> Outcome:
    return Outcome(50, 1, 2, 200, 200 - refused - broken, refused, broken, late, (3, 4), {})


def sent(load: Load, url: str, *, seconds: float, rate: float | None = None, watched: Mapping[str, Any]) -> Outcome:
    return outcome(*(OPEN if rate is not None else WARM_UP if seconds == WARM_UP_S else CLOSED))


@contextmanager
def given(value: Any) -> Iterator[Any]:
    yield value


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan whose servers, loads and books are made up."""
    bank = Bank(["anna", "boris"], [f"{place:012d}" for place in range(2 * ACCOUNTS_EACH)])
    server = MagicMock(host="127.0.0.1:5000", url="http://127.0.0.1:5000", pids=[1])
    stand_ins: dict[str, Any] = {
        "open_bank": lambda _: bank,
        "opened": lambda _: given(MagicMock()),
        "serving": lambda *_: given(server),
        "log_in": lambda _, usernames: [f"token-{name}" for name in usernames],
        "read_books": lambda *_, **__: Books(0, 0, 0),
        "reconcile": lambda _: None,
        "find_process": lambda _: 2,
        "run": sent,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(layouts, name, stand_in)
    monkeypatch.setattr(bulk, "send_files", lambda *_, **__: outcome(*CLOSED))
    environment = {"FLASK_ENV": "testing", "DATA_DIR": "/nowhere"}
    return Plan(
        environment=environment, workers=1, threads=64, seconds=SECONDS, has_open_loads=True, say=lambda _: None
    )


def test_errors_count_in_whichever_sending_of_a_load_they_are_met(plan: Plan) -> None:
    found = {name: figure.errors for name, figure in measure_layout(plan).loads.items()}
    assert {name: found.pop(name) for name in YARDSTICKS} == dict.fromkeys(YARDSTICKS, 22)  # in two halves
    assert {name: found.pop(name) for name in OPENED} == dict.fromkeys(OPENED, 111)
    assert found == {loads.HISTORY: 11, loads.LOGIN: 11, loads.BULK: 10}
