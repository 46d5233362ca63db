"""Server processes take turns, as long as each of them gives its turn back."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

import pytest

from app.models import turns
from app.models.turns import PATIENCE_S, take_turns, turn
from tests.processes import TIMEOUT_S

forked = multiprocessing.get_context("fork")
TURNS = 200


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(turns, "_shared", None)
    take_turns()
    opened = turns._shared
    assert opened is not None
    yield
    opened.close()


class Holder:
    """Another process, which has the turn until it is told, or ends."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._said, saying = forked.Pipe(duplex=False)
        hearing, self._tell = forked.Pipe(duplex=False)
        self.process = forked.Process(target=_hold, args=(saying, hearing, patience_s), daemon=True)
        self.process.start()
        assert self._said.poll(TIMEOUT_S)

    def end(self) -> None:
        self._tell.send(None)
        self.process.join(TIMEOUT_S)
        assert self.process.exitcode == 0


def _hold(saying: Connection, hearing: Connection, patience_s: float) -> None:
    with turn(patience_s):
        saying.send(None)
        hearing.recv()


def test_a_turn_that_is_ended_early_is_somebody_elses() -> None:
    with turn() as end:
        end()
        other = Holder(2 * TIMEOUT_S)  # which begins by its turn alone, before the block ends
        other.end()


def test_where_the_system_has_no_locks_everybody_goes_without_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    begun = time.monotonic()
    for _ in range(3):
        with turn(TIMEOUT_S):
            pass
    assert time.monotonic() - begun < TIMEOUT_S / 2


def test_where_there_is_no_place_for_a_lock_everybody_goes_without_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(turns, "_shared", None)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    take_turns()
    with turn():
        assert turns._shared is None


def _note_turns(together: Barrier, saying: Connection) -> None:
    together.wait(TIMEOUT_S)
    for _ in range(TURNS):
        with turn(TIMEOUT_S):
            saying.send_bytes(b"begin %d" % os.getpid())
            os.sched_yield()  # to the other, which must not begin
            saying.send_bytes(b"end %d" % os.getpid())


def test_of_two_processes_one_begins_when_the_other_has_ended() -> None:
    said, saying = forked.Pipe(duplex=False)
    together = forked.Barrier(2)
    processes = [forked.Process(target=_note_turns, args=(together, saying)) for _ in range(2)]
    for process in processes:
        process.start()
    notes = []
    for _ in range(2 * 2 * TURNS):
        assert said.poll(TIMEOUT_S)
        notes.append(said.recv_bytes().split())
    for process in processes:
        process.join(TIMEOUT_S)
    assert {begun[1] for begun in notes[::2]} == {str(process.pid).encode() for process in processes}
    assert all(
        (begun[0], ended[0], begun[1]) == (b"begin", b"end", ended[1])
        for begun, ended in zip(notes[::2], notes[1::2], strict=True)
    )


def test_a_turn_that_is_given_back_is_had_at_once() -> None:
    holder = Holder()
    holder.end()
    begun = time.monotonic()
    with turn(TIMEOUT_S):
        assert time.monotonic() - begun < TIMEOUT_S / 2


def test_whoever_dies_gives_its_turn_back() -> None:
    holder = Holder()
    holder.process.kill()
    holder.process.join(TIMEOUT_S)
    begun = time.monotonic()
    with turn(TIMEOUT_S):
        assert time.monotonic() - begun < TIMEOUT_S / 2


def test_nobody_waits_for_long_for_one_that_is_halted() -> None:
    holder = Holder()
    assert holder.process.pid is not None
    os.kill(holder.process.pid, signal.SIGSTOP)
    begun = time.monotonic()
    with turn(patience_s=0.1):
        waited_s = time.monotonic() - begun
    os.kill(holder.process.pid, signal.SIGCONT)
    holder.end()
    assert 0.1 <= waited_s < TIMEOUT_S / 2


def test_whoever_went_without_a_turn_takes_nobody_elses_away() -> None:
    holder = Holder()
    with turn(patience_s=0):
        pass
    begun = time.monotonic()
    with turn(patience_s=0.1):
        waited_s = time.monotonic() - begun
    holder.end()
    assert waited_s >= 0.1


def test_without_other_processes_there_is_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Holder()
    monkeypatch.setattr(turns, "_shared", None)
    begun = time.monotonic()
    with turn(TIMEOUT_S):
        assert time.monotonic() - begun < TIMEOUT_S / 2
    holder.end()
