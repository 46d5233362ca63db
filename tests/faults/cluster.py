"""Three real mongods on loopback as one replica set, each of which can be killed, frozen and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.models import mongod

SIZE = 3
ELECTION_TIMEOUT_MS_DEFAULT = 10_000
ELECTION_TIMEOUT_MS_RECOMMENDED = 1_200
"""Two members may stand at the same moment, and neither wins: then it takes as long again."""
HEARTBEATS_RECOMMENDED = {"heartbeatIntervalMillis": 300, "heartbeatTimeoutSecs": 1}
"""What goes with it: by the default of 2 s a primary would not hear from its members before it has to step down."""
CATCH_UP_TIMEOUT_MS_RECOMMENDED = 1_000
"""A new primary asks everybody for what it lacks, and waits for who is silent: by default for 10 s, and for nothing
that was acknowledged, which a majority has."""
PARAMETERS_RECOMMENDED = {"oplogNetworkTimeoutBufferSeconds": 1, "oplogFetcherSteadyStateMaxFetcherRestarts": 0}
"""A member that copies from a primary that went silent (frozen, cut off) looks for another after 2 s instead of 15."""
CACHE_MIB = 256
START_S_MAX = 120.0
"""On a machine that is busy with other things, too."""
_ANSWER_TIMEOUT_MS = 1_000
_POLL_S = 0.05


class ClusterFailed(Exception):
    """The replica set did not become what was waited for; the message names the members' logs."""


def direct(_number: int, port: int) -> str:
    """Let everybody talk to a member without anything between."""
    return f"127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class MemberSettings:
    """How one member differs from the others. `prefix` is a command that becomes mongod, such as `faketime`."""

    prefix: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """How a replica set is made.

    `front` gets a member's number and port, and returns the address under which the other members and the bank's
    servers know it: that of a proxy, for instance. The harness itself asks the members at their own ports.
    """

    election_timeout_ms: int = ELECTION_TIMEOUT_MS_DEFAULT
    parameters: Mapping[str, object] = field(default_factory=dict)
    test_commands: bool = False
    members: Mapping[int, MemberSettings] = field(default_factory=dict)
    front: Callable[[int, int], str] = direct

    @property
    def elections(self) -> dict[str, int]:
        """Return the settings of the replica set. Who shortens the election timeout shortens the heartbeats, too."""
        heartbeats = {} if self.election_timeout_ms >= ELECTION_TIMEOUT_MS_DEFAULT else HEARTBEATS_RECOMMENDED
        catch_up = {"catchUpTimeoutMillis": CATCH_UP_TIMEOUT_MS_RECOMMENDED}
        return {"electionTimeoutMillis": self.election_timeout_ms, **heartbeats, **catch_up}


class Member:
    """One mongod: its folder, its port, its process while it runs."""

    def __init__(self, number: int, folder: Path, settings: ClusterSettings) -> None:
        own = settings.members.get(number, MemberSettings())
        self.number = number
        self.port = mongod.free_port()
        self.address = settings.front(number, self.port)
        self.data = own.data or folder / f"member{number}"
        self.log = folder / f"member{number}.log"
        parameters = {**PARAMETERS_RECOMMENDED, **settings.parameters, **own.parameters}
        self._command = [
            *own.prefix,
            *mongod.command_line(mongod.find_binary(), cache_mib=CACHE_MIB, test_commands=settings.test_commands),
            *(part for name, value in parameters.items() for part in ("--setParameter", f"{name}={value}")),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it on the data that it had. Call it in a thread that lives as long as the member is to live."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._process = mongod.spawn(self._command, data=self.data, port=self.port, log=self.log)

    @property
    def is_running(self) -> bool:
        """Tell whether its process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal to its process, if there is one."""
        if self.is_running:
            os.kill(self.pid, number)

    def wait(self) -> None:
        """Wait until its process has ended."""
        if self._process is not None:
            self._process.wait(START_S_MAX)

    def hello(self) -> dict[str, Any] | None:
        """Return what it says of itself, or None when it does not answer."""
        return self.ask("hello")

    def ask(self, command: str, value: object = 1, **arguments: object) -> dict[str, Any] | None:
        """Run an administrator's command on this very member; None when it does not answer or refuses."""
        if not self.is_running:
            return None
        with self.client() as client:
            try:
                return client.admin.command(command, value, **arguments)
            except PyMongoError:
                return None

    def client(self, *, timeout_ms: int = _ANSWER_TIMEOUT_MS) -> MongoClient[dict[str, Any]]:
        """Return a client of this member alone, past whatever stands in front of it."""
        return MongoClient("127.0.0.1", self.port, directConnection=True, timeoutMS=timeout_ms)

    def client_as_servers(self) -> MongoClient[dict[str, Any]]:
        """Return a client of this member alone, through whatever the servers go through."""
        return MongoClient(self.address, directConnection=True, timeoutMS=10 * _ANSWER_TIMEOUT_MS)


class Cluster:
    """The replica set. `member` arguments are the members themselves; None of them means all."""

    def __init__(self, folder: Path, settings: ClusterSettings | None = None) -> None:
        self.settings = settings or ClusterSettings()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.members = [Member(number, folder, self.settings) for number in range(SIZE)]
        # a member dies with the thread that started it, and the faults' threads come and go
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="mongod-starter")

    @property
    def uri(self) -> str:
        """The address for the bank's servers, through whatever stands in front of the members."""
        hosts = ",".join(member.address for member in self.members)
        return f"mongodb://{hosts}/?replicaSet={mongod.REPLICA_SET}"

    def start(self) -> None:
        """Run all members and make them one replica set, whole and with a primary."""
        self.restart()
        self._wait(lambda: all(member.ask("ping") for member in self.members), "answer")
        members = [{"_id": member.number, "host": member.address} for member in self.members]
        config = {
            "_id": mongod.REPLICA_SET,
            "members": members,
            "settings": self.settings.elections,
        }
        with self.members[0].client(timeout_ms=30_000) as client:
            client.admin.command("replSetInitiate", config)
        self.wait_until_whole()

    def close(self) -> None:
        """End every member at once; the data stays."""
        self.kill()
        self._starter.shutdown()

    def kill(self, *members: Member) -> None:
        """End members (all where none is named) as a power cut would."""
        self._end(signal.SIGKILL, members)

    def stop(self, *members: Member) -> None:
        """End members (all where none is named) in order."""
        self._end(signal.SIGTERM, members)

    def freeze(self, *members: Member) -> None:
        """Let members do nothing any more, with all their connections open."""
        self._signal(signal.SIGSTOP, members)

    def thaw(self, *members: Member) -> None:
        """Let members go on where they were frozen."""
        self._signal(signal.SIGCONT, members)

    def restart(self, *members: Member) -> None:
        """Start those members (of all, where none is named) that do not run."""
        for member in members or self.members:
            if not member.is_running:
                self._starter.submit(member.start).result()

    def primary(self) -> Member | None:
        """Return who says to be the primary, in the latest term where several do; None when nobody does."""
        found = [(hello["electionId"], member) for member in self.members if (hello := self._writable(member))]
        return max(found, key=lambda each: each[0])[1] if found else None

    def wait_for_primary(self, *, timeout_s: float = START_S_MAX) -> Member:
        """Return the primary as soon as there is one."""
        self._wait(lambda: self.primary() is not None, "elect a primary", timeout_s=timeout_s)
        primary = self.primary()
        return primary if primary is not None else self.wait_for_primary(timeout_s=timeout_s)

    def secondaries(self) -> list[Member]:
        """Return who says to be a secondary."""
        return [member for member in self.members if (member.hello() or {}).get("secondary")]

    def wait_until_whole(self, *, timeout_s: float = START_S_MAX) -> None:
        """Wait until there is one primary and everybody else follows it."""
        self._wait(self._is_whole, "become whole", timeout_s=timeout_s)

    def _is_whole(self) -> bool:
        hellos = [member.hello() or {} for member in self.members]
        states = sorted((bool(each.get("isWritablePrimary")), bool(each.get("secondary"))) for each in hellos)
        return states == [(False, True)] * (SIZE - 1) + [(True, False)]

    def _writable(self, member: Member) -> dict[str, Any] | None:
        hello = member.hello()
        return hello if hello and hello.get("isWritablePrimary") else None

    def _signal(self, number: int, members: tuple[Member, ...]) -> None:
        for member in members or self.members:
            member.signal(number)

    def _end(self, number: int, members: tuple[Member, ...]) -> None:
        self._signal(number, members)
        for member in members or self.members:
            member.wait()

    def _wait(self, condition: Callable[[], bool], what: str, *, timeout_s: float = START_S_MAX) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise ClusterFailed(f"The replica set did not {what} in {timeout_s} s; see {self.folder}/*.log.")
            time.sleep(_POLL_S)


@contextmanager
def running(folder: Path, settings: ClusterSettings | None = None) -> Iterator[Cluster]:
    """Run a replica set in this folder until the block ends; nothing is left running then."""
    cluster = Cluster(folder, settings)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
