"""The faults of the network: a primary that is cut off, altogether or one way, slow links, broken connections."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.cluster import (
    ELECTION_TIMEOUT_MS_DEFAULT,
    ELECTION_TIMEOUT_MS_RECOMMENDED,
    SIZE,
    ClusterSettings,
)
from tests.faults.nemesis import BACK_S_MAX_DEFAULT, BACK_S_MAX_RECOMMENDED, Fault, Field, Layout
from tests.faults.proxy import SERVERS, Flow, Network

MEMBERS = tuple(range(SIZE))


def to_and_from(number: int, *others: int) -> list[Flow]:
    """Return what flows between one party and others, both ways."""
    return [flow for other in others if other != number for flow in ((number, other), (other, number))]


class _OverNetwork(Fault):
    """A fault of the network that all members and servers talk through."""

    election_timeout_ms = ELECTION_TIMEOUT_MS_RECOMMENDED

    def missing(self) -> str:
        return "" if Path("/proc/net/tcp").exists() else "needs /proc, to tell who opened a connection"

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        with Network() as self.network:
            yield Layout(ClusterSettings(election_timeout_ms=self.election_timeout_ms, front=self.network.front))

    def heal(self, field: Field) -> None:
        self.network.heal()


class _PrimaryAlone(_OverNetwork):
    """The primary is cut off from the other members, who elect another one."""

    back_s_max = BACK_S_MAX_RECOMMENDED

    def flows(self, primary: int) -> Iterable[Flow]:
        """Return what is cut."""
        raise NotImplementedError

    def strike(self, field: Field) -> None:
        self._alone = field.cluster.wait_for_primary()
        self.network.cut(self.flows(self._alone.number))

    def hold(self, field: Field, struck_s: float) -> None:
        super().hold(field, struck_s)
        assert field.cluster.wait_for_primary() is not self._alone, "nobody else was elected"


class PrimaryCutOff(_PrimaryAlone):
    name = "primary-cut-off"
    about = "Nothing passes between the primary and anybody else, and nobody is told"

    def flows(self, primary: int) -> Iterable[Flow]:
        return to_and_from(primary, SERVERS, *MEMBERS)


class PrimaryCutOffByDefault(PrimaryCutOff):
    name = "primary-cut-off-10s"
    about = f"{PrimaryCutOff.about}; electionTimeoutMillis 10,000"
    election_timeout_ms = ELECTION_TIMEOUT_MS_DEFAULT
    back_s_max = BACK_S_MAX_DEFAULT


class PrimaryCutOffFromMembers(_PrimaryAlone):
    name = "primary-without-members"
    about = "Nothing passes between the primary and the other members; the servers reach all of them"

    def flows(self, primary: int) -> Iterable[Flow]:
        return to_and_from(primary, *MEMBERS)


class PrimaryCutOffFromServers(_OverNetwork):
    name = "primary-without-servers"
    about = "Nothing passes between the primary and the servers, for 8 s; the members see no fault and elect nobody"
    back_from = "heal"
    lasts_s = 8.0

    def strike(self, field: Field) -> None:
        self.network.cut(to_and_from(field.cluster.wait_for_primary().number, SERVERS))

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(self.lasts_s)
        assert field.history.newest_acknowledged_s < struck_s, "the servers still reached a primary"


class PrimaryDeaf(_PrimaryAlone):
    name = "primary-deaf"
    about = "What the other members send to the primary does not arrive; the other way all does"

    def flows(self, primary: int) -> Iterable[Flow]:
        return ((other, primary) for other in MEMBERS if other != primary)


class SlowMembers(_OverNetwork):
    name = "slow-link"
    about = "Whatever the members send to each other takes 200 ms longer, each way, for 20 s"
    delay_s = 0.2

    def strike(self, field: Field) -> None:
        self.network.slow([flow for member in MEMBERS for flow in to_and_from(member, *MEMBERS)], delay_s=self.delay_s)

    lasts_s = 20.0

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(self.lasts_s)
        took_s = self.takes_s(field)
        assert took_s >= self.delay_s, f"what was to take {2 * self.delay_s} s there and back took {took_s:.3f} s"

    def takes_s(self, field: Field) -> float:
        """Return how long the primary's heartbeats take there and back, as it tells itself."""
        told = field.cluster.wait_for_primary().ask("replSetGetStatus") or {"members": []}
        return min((each["pingMs"] for each in told["members"] if "pingMs" in each), default=0) / 1000


class SlowServers(SlowMembers):
    name = "slow-servers-link"
    about = "Whatever servers and members send to each other takes 50 ms longer, each way, for 20 s"
    delay_s = 0.05

    def strike(self, field: Field) -> None:
        self.network.slow([flow for member in MEMBERS for flow in to_and_from(member, SERVERS)], delay_s=self.delay_s)

    def takes_s(self, field: Field) -> float:
        """Return how long a ping takes on the way that the servers' requests take."""
        with field.cluster.wait_for_primary().client_as_servers() as client:
            client.admin.command("ping")  # which connects
            begun_s = time.monotonic()
            client.admin.command("ping")
            return time.monotonic() - begun_s


class ConnectionsReset(_OverNetwork):
    name = "connections-reset"
    about = "All connections of servers and members are broken off, ten times within 10 s"
    times = 10

    def strike(self, field: Field) -> None:
        for _ in range(self.times):
            assert self.network.count(SERVERS), "no server was connected"
            self.network.reset((SERVERS, *MEMBERS))
            time.sleep(1.0)


FAULTS: tuple[type[Fault], ...] = (
    PrimaryCutOff,
    PrimaryCutOffByDefault,
    PrimaryCutOffFromMembers,
    PrimaryCutOffFromServers,
    PrimaryDeaf,
    SlowMembers,
    SlowServers,
    ConnectionsReset,
)
