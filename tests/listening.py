"""Hearing what the bank asks of the database, on a client made as the bank makes its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.monitoring import CommandListener

from app.models.connection import connect
from app.models.store import Store
from config import Config


@contextmanager
def listened(config: Config, listener: CommandListener) -> Iterator[Store]:
    """Open a further store on the tests' database, whose commands the listener hears, until the block ends."""
    store = Store(connect(config.mongo_uri, timeout_ms=config.mongo_timeout_ms, listeners=[listener]), config)
    try:
        yield store
    finally:
        store.close()
