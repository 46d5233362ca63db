"""The network between the database's members and the bank's servers: every connection passes it, and it can fail.

Each member is known to the others, and to the servers, by the address of a proxy in front of it. Which member connects
is found by whose socket it is, so that a fault can be meant for what flows from one to another, whoever began.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.processes import parents

SERVERS = -1
"""Whoever is no member: the bank's servers."""
_CHUNK = 65_536
_QUEUED_MAX = 256
_OF_A_MEMBER = b"internalClient"
"""Stands in the first message of a member to another one, and of nobody else."""
_LINGER_NOT = struct.pack("ii", 1, 0)
_TIMEOUT_S = 30.0
Flow = tuple[int, int]
"""From one party to another: a member's number, or SERVERS."""


@dataclass(slots=True)
class _Link:
    """How what flows one way is treated. What is held back while it is cut arrives later, as TCP sends it again."""

    delay_s: float = 0.0
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.whole.set()


@dataclass(slots=True, eq=False)
class _Connection:
    flow: Flow
    writers: list[asyncio.StreamWriter]

    def reset(self) -> None:
        """Break it off, so that both ends are told (RST)."""
        for writer in self.writers:
            raw = writer.get_extra_info("socket")
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()


class Network:
    """All proxies, in a thread of their own. What is told to it holds when the call returns."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._ports: dict[int, int] = {}
        self._pids: dict[int, int] = {}
        self._links: defaultdict[Flow, _Link] = defaultdict(_Link)
        self._listeners: list[asyncio.Server] = []
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def front(self, number: int, port: int) -> str:
        """Put a proxy in front of the member that listens at this port, and return the proxy's address."""
        self._ports[number] = port
        host, own_port = self._run(self._listen(number))
        return f"{host}:{own_port}"

    def cut(self, flows: Iterable[Flow]) -> None:
        """Let nothing through any more, without telling anybody; nobody can connect whose answers can't come back."""
        self._run(self._set(flows, is_whole=False))

    def slow(self, flows: Iterable[Flow], *, delay_s: float) -> None:
        """Let everything arrive so much later, whatever its size."""
        self._run(self._set(flows, delay_s=delay_s))

    def reset(self, parties: Iterable[int]) -> None:
        """Break off every connection that one of these has opened, or is the member of."""
        self._run(self._reset(set(parties)))

    def count(self, party: int) -> int:
        """Return how many connections one of these has opened, or is the member of."""
        return sum(party in each.flow for each in list(self._connections))

    def heal(self) -> None:
        """Let everything through at once, what was held back first."""
        self._run(self._set(list(self._links)))

    # ---- in the network's own thread ---------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    async def _set(self, flows: Iterable[Flow], *, is_whole: bool = True, delay_s: float = 0.0) -> None:
        for flow in flows:
            link = self._links[flow]
            link.delay_s = delay_s
            (link.whole.set if is_whole else link.whole.clear)()

    async def _reset(self, parties: set[int]) -> None:
        for connection in [each for each in self._connections if parties & set(each.flow)]:
            connection.reset()

    async def _listen(self, number: int) -> tuple[str, int]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._serve(number, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._listeners.append(server)
        host, port = server.sockets[0].getsockname()
        return host, port

    async def _serve(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a caller with the member, and let each way flow by its own link."""
        connection = _Connection((SERVERS, number), [writer])
        self._connections.add(connection)
        try:
            first = await reader.read(_CHUNK)  # in this protocol the caller speaks first
            if _OF_A_MEMBER in first:
                connection.flow = (self._member_of(writer), number)
            there, back = self._links[connection.flow], self._links[connection.flow[::-1]]
            await there.whole.wait()
            await back.whole.wait()
            if reader.at_eof():
                return  # it has waited for too long
            member_reader, member_writer = await asyncio.open_connection("127.0.0.1", self._ports[number])
            connection.writers.append(member_writer)
            await asyncio.sleep(there.delay_s)
            member_writer.write(first)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_flow(reader, member_writer, there))
                ways.create_task(_flow(member_reader, writer, back))
        except* OSError:
            pass  # one end has gone: so does the other
        finally:
            connection.reset()
            self._connections.discard(connection)

    def _member_of(self, writer: asyncio.StreamWriter) -> int:
        """Tell which member has opened this connection, by whose socket its other end is."""
        inode = _inode_of(writer.get_extra_info("peername")[1], writer.get_extra_info("sockname")[1])
        return next((number for number in self._ports if inode in _sockets_of(self._pid_of(number))), SERVERS)

    def _pid_of(self, number: int) -> int:
        """Return a member's process, which is another one after each start."""
        port = self._ports[number]
        if not _listens(self._pids.get(number, 0), port):
            self._pids[number] = next((pid for pid in parents() if _listens(pid, port)), 0)
        return self._pids[number]

    async def _end(self) -> None:
        for server in self._listeners:
            server.close()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
    """Pass on what comes, each piece when its delay is over and the link is whole; then tell that no more will come."""
    arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED_MAX)
    loop = asyncio.get_running_loop()

    async def receive() -> None:
        while chunk := await reader.read(_CHUNK):
            await arriving.put((loop.time() + link.delay_s, chunk))
        await arriving.put((loop.time() + link.delay_s, b""))

    async def deliver() -> None:
        while True:
            due_s, chunk = await arriving.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await link.whole.wait()
            if not chunk:
                raise ConnectionResetError
            writer.write(chunk)
            await writer.drain()

    async with asyncio.TaskGroup() as ends:
        ends.create_task(receive())
        ends.create_task(deliver())


def _listens(pid: int, port: int) -> bool:
    """Tell whether a process is the mongod of this port, by its command line."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return (b"--port", str(port).encode()) in pairwise(arguments)


def _inode_of(port: int, to: int) -> str:
    """Return the number of the socket that connects these ports of this machine.

    The first one alone does not tell: it may serve a connection to elsewhere as well, or wait to be forgotten by one.
    """
    ends = [f"0100007F:{port:04X}", f"0100007F:{to:04X}"]
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
    return next((columns[9] for columns in rows if columns[1:3] == ends), "")


def _sockets_of(pid: int) -> set[str]:
    """Return the numbers of the sockets that a process has open."""
    found = set()
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):
                found.add(os.readlink(entry.path).removeprefix("socket:[").removesuffix("]"))  # noqa: PTH115 - quicker
    return found
