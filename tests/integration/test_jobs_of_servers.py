"""The jobs that servers do beside their requests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.live import LiveServer, serving
from tests.processes import TIMEOUT_S, processes_of, wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that nothing runs on any more when the test ends."""
    yield tmp_path
    wait_until(lambda: not processes_of(tmp_path))


def is_sealed(database: Database[Any]) -> bool:
    logins = database["audit"].count_documents({"action": "auth.login"})
    return logins > 0 and database["audit_unsealed"].find_one() is None


def fail_to_log_in(server: LiveServer) -> None:
    body = {"username": "nobody", "password": "not a password of theirs"}

    def is_refused() -> bool:
        with suppress(httpx.TransportError):  # a connection to a worker that has just been killed
            answer = httpx.post(f"{server.url}/auth/login", json=body, timeout=TIMEOUT_S)
            assert answer.status_code in (401, 503), answer.text
            return answer.status_code == 401
        return False

    wait_until(is_refused)


def test_servers_seal_the_audit_trail_by_themselves_also_after_one_was_killed(folder: Path) -> None:
    with serving(folder, WORKERS=2) as server, MongoClient[Any](server.database_uri()) as client:
        database = client["bank"]
        fail_to_log_in(server)
        wait_until(lambda: is_sealed(database))
        os.kill(server.workers()[0], signal.SIGKILL)
        database["jobs"].update_many({"lease_until": {"$exists": True}}, {"$set": {"lease_until": long_ago()}})
        wait_until(server.answers)
        fail_to_log_in(server)
        wait_until(lambda: is_sealed(database))
        assert database["audit_seals"].count_documents({}) >= 2


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)
