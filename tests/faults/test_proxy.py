"""The network of the faults, by a small replica set: what it lets through, what it holds back, and for whom."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from tests.faults import cluster
from tests.faults.cluster import Cluster, ClusterSettings
from tests.faults.network_faults import MEMBERS, PrimaryCutOff, to_and_from
from tests.faults.proxy import SERVERS, Network
from tests.processes import TIMEOUT_S, wait_until

pytestmark = pytest.mark.skipif(bool(PrimaryCutOff().missing()), reason=PrimaryCutOff().missing())


ELECTION_TIMEOUT_MS = 4_000
"""Longer than this machine pauses when other tests run beside: nobody stands unless a test wants it."""
ELECTED_S_MAX = 120.0
"""On a machine as busy as it may be; how soon is for `make faults` to judge."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def members(alone: None, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    settings = ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS, front=network.front)
    with cluster.running(tmp_path_factory.mktemp("cluster"), settings) as members:
        yield members


@pytest.fixture
def client(network: Network, members: Cluster) -> Iterator[MongoClient[dict[str, object]]]:
    """What a server of the bank has, while nothing is wrong with the network; afterwards all is well again."""
    members.wait_until_whole()
    with MongoClient[dict[str, object]](members.uri, w="majority", timeoutMS=3_000, connectTimeoutMS=1_000) as client:
        # a member whose source goes silent before it has answered its first question waits for two minutes
        wait_until(lambda: writes(client, members=len(MEMBERS)), timeout_s=ELECTED_S_MAX)
        yield client
        network.heal()


def writes(client: MongoClient[dict[str, object]], *, members: int | str = "majority") -> bool:
    """Write something, and tell whether so many members had it in time."""
    try:
        client.bank.get_collection("notes", write_concern=WriteConcern(members)).insert_one({})
    except PyMongoError:
        return False
    return True


def test_a_primary_that_nobody_reaches_is_replaced_and_follows_when_it_is_reached_again(
    network: Network, members: Cluster, client: MongoClient[dict[str, object]]
) -> None:
    old = members.wait_for_primary()
    network.cut(to_and_from(old.number, SERVERS, *MEMBERS))
    wait_until(lambda: writes(client), timeout_s=ELECTED_S_MAX)
    assert members.wait_for_primary() is not old
    network.heal()
    members.wait_until_whole()


def test_a_primary_that_the_servers_alone_do_not_reach_stays_primary(
    network: Network, members: Cluster, client: MongoClient[dict[str, object]]
) -> None:
    primary = members.wait_for_primary()
    wait_until(lambda: writes(client), timeout_s=ELECTED_S_MAX)
    network.cut(to_and_from(primary.number, SERVERS))
    assert not writes(client)
    assert members.wait_for_primary() is primary
    network.heal()
    wait_until(lambda: writes(client), timeout_s=ELECTED_S_MAX)


def test_a_primary_that_hears_nobody_is_replaced(
    network: Network, members: Cluster, client: MongoClient[dict[str, object]]
) -> None:
    deaf = members.wait_for_primary()
    network.cut([(other, deaf.number) for other in MEMBERS if other != deaf.number])
    wait_until(lambda: members.wait_for_primary() is not deaf, timeout_s=ELECTED_S_MAX)
    wait_until(lambda: writes(client), timeout_s=ELECTED_S_MAX)


def test_what_is_slow_takes_as_much_longer_both_ways(
    network: Network, members: Cluster, client: MongoClient[dict[str, object]]
) -> None:
    wait_until(lambda: writes(client), timeout_s=ELECTED_S_MAX)
    network.slow([flow for member in MEMBERS for flow in to_and_from(member, SERVERS)], delay_s=0.2)
    begun = time.monotonic()
    wait_until(lambda: writes(client), timeout_s=ELECTED_S_MAX)
    assert time.monotonic() - begun >= 0.4


def test_a_connection_that_is_broken_off_tells_its_caller(network: Network, members: Cluster) -> None:
    network.reset([SERVERS])  # of those before
    wait_until(lambda: network.count(SERVERS) == 0)
    host, port = members.members[0].address.split(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        connection.sendall(b"anything")
        wait_until(lambda: network.count(SERVERS) > 0)
        network.reset([SERVERS])
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
