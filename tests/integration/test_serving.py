"""The server as people start it: what it prints, how it ends, and what is left when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pymongo import MongoClient

from app.models import embedded, mongod
from tests.live import LiveServer, serving
from tests.processes import PROJECT, TIMEOUT_S, environment, is_running, processes_of, running, wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that nothing runs on any more when the test ends."""
    yield tmp_path
    wait_until(lambda: not processes_of(tmp_path))


def log_in(server: LiveServer, username: str, password: str) -> int:
    body = {"username": username, "password": password}
    return httpx.post(f"{server.url}/auth/login", json=body, timeout=TIMEOUT_S).status_code


def test_a_new_database_gets_demo_users_whose_passwords_are_shown_once(folder: Path) -> None:
    with serving(folder) as server:
        passwords = {name: server.demo_password(name) for name in ("alice", "bob", "banker", "banker2", "admin")}
        assert f"API            {server.url}\n" in server.output
        assert f"Documentation  {server.url}/docs\n" in server.output
        assert {log_in(server, name, password) for name, password in passwords.items()} == {200}
        assert server.stop() == 0
    with serving(folder) as server:
        assert "alice" not in server.output
        assert log_in(server, "alice", passwords["alice"]) == 200


def test_a_stop_finishes_accepted_requests_and_then_ends_the_database(folder: Path) -> None:
    with embedded.start(folder, test_commands=True) as database, serving(folder, WORKERS=2) as server:
        alice = {"username": "alice", "password": server.demo_password("alice")}
        with MongoClient(database.uri) as client, ThreadPoolExecutor() as pool:
            stall = {"failCommands": ["find"], "namespace": "bank.users", "blockConnection": True, "blockTimeMS": 1_500}
            mode = {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": stall}
            entered = client.admin.command(mode)["count"]
            answer = pool.submit(httpx.post, f"{server.url}/auth/login", json=alice, timeout=TIMEOUT_S)
            client.admin.command({"waitForFailPoint": "failCommand", "timesEntered": entered + 1, "maxTimeMS": 9_000})
            assert server.stop() == 0
            assert answer.result().status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_does_not_wait_for_idle_connections(folder: Path, number: int) -> None:
    with serving(folder) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/health/live").status_code == 200
        assert server.stop(number) == 0
        assert "Traceback" not in server.output


def test_a_terminal_that_is_closed_takes_the_server_along(folder: Path) -> None:
    with serving(folder) as server:
        workers = server.workers()
        assert server.stop(signal.SIGHUP) == 0
        assert not any(map(is_running, workers))


def test_ctrl_c_in_a_terminal_reaches_every_process_at_once_and_ends_cleanly(folder: Path) -> None:
    with serving(folder, WORKERS=2) as server:
        os.killpg(server.process.pid, signal.SIGINT)
        server.wait()
        assert "Traceback" not in server.output
        wait_until(lambda: not processes_of(folder))
        assert "Now exiting" in (folder / "mongo" / "mongod.log").read_text()


def test_a_killed_server_leaves_no_process_behind(folder: Path) -> None:
    with serving(folder, WORKERS=2) as server:
        workers = server.workers()
        assert len(workers) == 2
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not any(map(is_running, workers)))
        wait_until(lambda: not processes_of(folder))


def test_a_killed_worker_is_replaced(folder: Path) -> None:
    with serving(folder, WORKERS=1) as server:
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.workers() not in ([], [worker]))
        wait_until(server.answers)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system keeps no process to a processor")
def test_each_worker_keeps_to_a_processor_of_its_own_and_so_does_who_replaces_it(folder: Path) -> None:
    workers = min(2, len(os.sched_getaffinity(0)))
    with serving(folder, WORKERS=workers) as server:
        before = [os.sched_getaffinity(worker) for worker in server.workers()]
        assert [len(processors) for processors in before] == [1] * workers
        assert len(set.union(*before)) == workers
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(set(server.workers()) - {killed}) == workers)
        assert set.union(*map(os.sched_getaffinity, server.workers())) == set.union(*before)
        assert len(os.sched_getaffinity(server.process.pid)) == len(os.sched_getaffinity(0))


def test_all_killed_at_once_is_taken_up_again_with_the_data(folder: Path) -> None:
    with serving(folder) as server:
        password = server.demo_password("bob")
        server.kill_everything()
    with serving(folder) as server:
        assert log_in(server, "bob", password) == 200


def test_a_taken_port_is_told_in_one_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("run.py", FLASK_ENV="development", DATA_DIR=folder, PORT=port)
    assert done.returncode == 1
    assert done.stderr == f"Can't listen on 127.0.0.1:{port} (Address already in use): choose another HOST or PORT.\n"


@pytest.mark.security("S67")
@pytest.mark.parametrize("command", [["run.py"], ["-m", "flask", "run"]])
def test_wrong_settings_are_all_named_at_once_without_a_traceback(command: list[str]) -> None:
    done = run(*command, FLASK_ENV="production", FLASK_APP="run.py", WORKERS="many")
    assert done.returncode == 2
    assert done.stderr.startswith("The configuration is not usable:\n")
    assert "WORKERS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_can_not_be_one_is_told_in_one_sentence(folder: Path) -> None:
    (folder / "file").touch()
    done = run("run.py", FLASK_ENV="development", DATA_DIR=folder / "file" / "data")
    assert done.returncode == 1
    assert done.stderr.startswith("DATA_DIR can't be used: Not a directory: ")


@pytest.mark.parametrize("command", [["run.py"], ["-m", "flask", "run"]])
def test_a_database_that_is_not_there_is_told_in_one_sentence(command: list[str], folder: Path) -> None:
    done = run(
        *command,
        FLASK_ENV="development",
        FLASK_APP="run.py",
        DATA_DIR=folder,
        MONGO_URI="mongodb://127.0.0.1:1/?replicaSet=bank",
        MONGO_TIMEOUT_MS=200,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("MongoDB can't be reached at 127.0.0.1:1: ")
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_too_slow_at_the_start_is_told_in_one_sentence(folder: Path) -> None:
    with embedded.start(folder, test_commands=True) as database, MongoClient(database.uri) as client:
        stall = {"failCommands": ["create"], "blockConnection": True, "blockTimeMS": 5_000}
        client.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": stall})
        done = run("run.py", FLASK_ENV="development", DATA_DIR=folder, MONGO_URI=database.uri, MONGO_TIMEOUT_MS=1_000)
    assert done.returncode == 1
    assert done.stderr == "MongoDB does not answer in time: look at its load, then start again.\n"


def test_the_development_server_and_its_reloader_share_one_database(folder: Path) -> None:
    settings = environment(FLASK_ENV="development", FLASK_APP="run.py", DATA_DIR=folder, PYTHONUNBUFFERED=1)
    with running("-m", "flask", "run", "--debug", "--port", "0", env=settings, start_new_session=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("Debugger PIN" in line for line in lines)  # the reloader's second process is up
        assert len([line for line in processes_of(folder).values() if "app.models.keeper" not in line]) == 1
        os.killpg(process.pid, signal.SIGINT)


def run(*command: str, **variables: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env=environment(**{"PORT": mongod.free_port()} | variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
