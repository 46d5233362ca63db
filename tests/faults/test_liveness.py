"""A server that does not answer at all is seen, too, though no poll of it ever ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

from tests.faults import history
from tests.faults.bank import Bank
from tests.faults.history import History
from tests.faults.liveness import Liveness

TIMEOUT_S = 30.0


class Mute:
    """Stands for a bank whose only server is up and can't be reached."""

    numbers = range(1)

    def __init__(self) -> None:
        self.is_asked = threading.Event()

    def is_up(self, number: int) -> bool:
        return True

    def port(self, number: int) -> None:
        self.is_asked.set()


def test_a_poll_that_is_not_answered_until_the_end_is_recorded(tmp_path: Path) -> None:
    bank, path = Mute(), tmp_path / "history.jsonl"
    with History(path) as book:
        liveness = Liveness(cast(Bank, bank), book)
        liveness.start()
        assert bank.is_asked.wait(TIMEOUT_S)
        stopped_s = book.now_s()
        liveness.stop()
    (poll,) = history.read(path).polls
    assert poll.server == 0
    assert poll.time_s < stopped_s <= poll.time_s + poll.took_s
