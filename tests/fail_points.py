"""Faults that the database server makes on demand."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from app.domain.ids import random_id
from app.models.connection import connect
from app.models.store import Store
from config import Config


def named_store(config: Config, *listeners: CommandListener) -> Store:
    """Open a second store on the same database, whose commands alone a fail point can catch."""
    name = f"tests-{random_id()}"
    client = connect(config.mongo_uri, timeout_ms=config.mongo_timeout_ms, app_name=name, listeners=listeners)
    return Store(client, config)


@contextmanager
def failing(store: Store, *commands: str, mode: Any = "alwaysOn", **how: Any) -> Iterator[None]:
    """Let the server fail these commands of this store's client.

    A server has one such fail point, and all workers of a test run share the server: the others wait their turn.
    """
    name = store.client.options.pool_options.metadata["application"]["name"]
    data = {"failCommands": list(commands), "appName": name, **how}
    turn = Path(os.environ["BANK_TESTS_FOLDER"]) / "fail-point.lock"
    with MongoClient[dict[str, Any]](store.config.mongo_uri) as client, turn.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
        try:
            yield
        finally:
            client.admin.command("configureFailPoint", "failCommand", mode="off")
