"""The faults of processes: the database's members and the bank's servers killed, frozen, stopped and starved.

A fault is a small class with `strike` and `heal`; `catalogue` lists all of them, those of other files, too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.bank import Bank, BankSettings
from tests.faults.checks import unanswered
from tests.faults.cluster import ELECTION_TIMEOUT_MS_DEFAULT, ELECTION_TIMEOUT_MS_RECOMMENDED, Cluster, ClusterSettings
from tests.faults.history import Attempt, History, Recorded
from tests.faults.outcome import FinalState

BACK_S_MAX_DEFAULT = 15.0
BACK_S_MAX_RECOMMENDED = 5.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Layout:
    """What a run stands on."""

    cluster: ClusterSettings = field(
        default_factory=lambda: ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS_RECOMMENDED)
    )
    bank: BankSettings = field(default_factory=BankSettings)


@dataclass(slots=True)
class Field:
    """Where a fault strikes."""

    cluster: Cluster
    bank: Bank
    history: History
    chance: random.Random


class Fault:
    """Something that goes wrong. One object is good for one run: it may keep what it needs to heal.

    `back_from` says from when writes are expected back: from when it has `struck` (the bank is to help itself) or only
    from the `heal` (nobody could serve before). They must be within `back_s_max`.
    """

    name = ""
    about = ""
    back_from = "struck"
    back_s_max = BACK_S_MAX_DEFAULT
    hold_s_max = 20.0
    hold_s_more = 2.0
    takes_all_down = True
    """Whether nobody can be served for a while: that time blocks no account, it is judged by `back_s_max`."""
    keeps_connections = True

    def missing(self) -> str:
        """Say why it can't be thrown on this machine; nothing where it can."""
        return ""

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        """Set up what the run stands on, and take it down again afterwards."""
        yield Layout()

    def strike(self, field: Field) -> None:
        """Begin it."""
        raise NotImplementedError

    def hold(self, field: Field, struck_s: float) -> None:
        """Let it last: by default until writes are back, and a little longer."""
        deadline = struck_s + self.hold_s_max
        while field.history.newest_acknowledged_s < struck_s and field.history.now_s() < deadline:
            time.sleep(_POLL_S)
        time.sleep(self.hold_s_more)

    def heal(self, field: Field) -> None:
        """End it, and put back what it took away."""

    def excuses(self, attempt: Attempt, history: Recorded) -> bool:
        """Tell whether a request may be refused, in this fault, that otherwise must not be."""
        return False

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """Find what it must not have done besides what every run is checked for, and that it has struck nothing."""
        return ()


class PrimaryKilled(Fault):
    name = "primary-kill"
    about = "SIGKILL of the primary, which is started again after writes are back"
    back_s_max = BACK_S_MAX_RECOMMENDED

    def strike(self, field: Field) -> None:
        field.cluster.kill(field.cluster.wait_for_primary())

    def heal(self, field: Field) -> None:
        field.cluster.restart()


class PrimaryFrozen(Fault):
    name = "primary-freeze"
    about = "SIGSTOP of the primary, which goes on where it was after writes are back"
    back_s_max = BACK_S_MAX_RECOMMENDED

    def strike(self, field: Field) -> None:
        field.cluster.freeze(field.cluster.wait_for_primary())

    def heal(self, field: Field) -> None:
        field.cluster.thaw()


class _WithDefaultElections(Fault):
    back_s_max = BACK_S_MAX_DEFAULT

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        yield Layout(ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS_DEFAULT))


class PrimaryKilledByDefault(_WithDefaultElections, PrimaryKilled):
    name = "primary-kill-10s"
    about = f"{PrimaryKilled.about}; electionTimeoutMillis 10,000"


class PrimaryFrozenByDefault(_WithDefaultElections, PrimaryFrozen):
    name = "primary-freeze-10s"
    about = f"{PrimaryFrozen.about}; electionTimeoutMillis 10,000"


class AllNodesKilled(Fault):
    name = "all-nodes-kill"
    about = "SIGKILL of all members at once, which are started again after 3 s"
    back_from = "heal"

    def strike(self, field: Field) -> None:
        field.cluster.kill()

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(3.0)

    def heal(self, field: Field) -> None:
        field.cluster.restart()


class DatabaseDown(AllNodesKilled):
    name = "database-down"
    about = "All members stopped in order and down for a minute"

    def strike(self, field: Field) -> None:
        field.cluster.stop()

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(60.0)


class WorkersKilled(Fault):
    name = "worker-kill"
    about = "SIGKILL of workers of the servers under load, in turn"
    times = 6
    takes_all_down = False

    def strike(self, field: Field) -> None:
        for _ in range(self.times):
            field.bank.kill_worker(field.chance)


class EverythingKilled(AllNodesKilled):
    name = "everything-kill"
    back_s_max = 30.0  # the servers are started anew, one after the other
    about = "SIGKILL of all members and of all servers with their workers at once: a power cut"

    def strike(self, field: Field) -> None:
        field.cluster.kill()
        for number in field.bank.running:
            field.bank.kill(number)

    def heal(self, field: Field) -> None:
        field.cluster.restart()
        field.cluster.wait_for_primary()
        field.bank.start()


class ServerStopped(Fault):
    name = "server-stop"
    about = "SIGTERM of a server under load, three times: whatever it took is answered"
    back_from = "heal"
    takes_all_down = False
    keeps_connections = (
        False  # whether a kept one is closed before or after the next request is sent is nobody's promise
    )
    times = 3

    def strike(self, field: Field) -> None:
        for _ in range(self.times):
            assert field.bank.stop(0) == 0
            field.bank.start(0)
            time.sleep(1.0)

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        return unanswered(history.attempts, server=0)


class PoolExhausted(Fault):
    name = "pool-exhausted"
    about = "4 connections for each worker, every read on which takes the database 1.5 s, for 10 s"
    back_from = "heal"

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        yield Layout(
            ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS_RECOMMENDED, test_commands=True),
            BankSettings(uri_options="&maxPoolSize=4"),
        )

    def strike(self, field: Field) -> None:
        data = {"failCommands": ["find"], "appName": "bank", "blockConnection": True, "blockTimeMS": 1_500}
        for member in field.cluster.members:
            taken = member.ask("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
            assert taken is not None, f"member {member.number} did not take the fail point"

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(10.0)

    def heal(self, field: Field) -> None:
        for member in field.cluster.members:  # who answers only when the last read that waits is over
            member.ask("configureFailPoint", "failCommand", mode="off")


class Mixed(Fault):
    """A seeded series. What it can do has its own small methods, so that each is put right before the next begins."""

    name = "mixed"
    about = "Primary killed, primary frozen, workers killed, several times in a seeded order"
    times = 3
    takes_all_down = False

    def strike(self, field: Field) -> None:
        deeds = [self._kill_primary, self._freeze_primary, self._kill_worker] * self.times
        for deed in field.chance.sample(deeds, len(deeds)):
            deed(field)
            time.sleep(field.chance.uniform(0, 1))

    def hold(self, field: Field, struck_s: float) -> None:
        """It has lasted already."""

    def heal(self, field: Field) -> None:
        field.cluster.thaw()
        field.cluster.restart()

    def _kill_primary(self, field: Field) -> None:
        field.cluster.kill(field.cluster.wait_for_primary())
        self._until_writes_are_back(field)
        field.cluster.restart()
        field.cluster.wait_until_whole()

    def _freeze_primary(self, field: Field) -> None:
        field.cluster.freeze(field.cluster.wait_for_primary())
        self._until_writes_are_back(field)
        field.cluster.thaw()
        field.cluster.wait_until_whole()

    def _kill_worker(self, field: Field) -> None:
        field.bank.kill_worker(field.chance)

    def _until_writes_are_back(self, field: Field) -> None:
        super().hold(field, field.history.now_s())


FAULTS: tuple[type[Fault], ...] = (
    PrimaryKilled,
    PrimaryKilledByDefault,
    PrimaryFrozen,
    PrimaryFrozenByDefault,
    AllNodesKilled,
    EverythingKilled,
    DatabaseDown,
    WorkersKilled,
    ServerStopped,
    PoolExhausted,
    Mixed,
)
