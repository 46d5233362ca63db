"""Bank Management System: a JSON API for a bank, on a double-entry ledger in MongoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.models.store import Store
    from config import Config


def create_app(config: Config, store: Store | None = None, *, opens_store: bool = True) -> Flask:
    """Wire one application together. May be called many times in a process; nothing is shared between the results.

    Without a store it opens its own; for a command, only once that needs one.
    """
    from app.wiring import build  # not above: whoever imports the domain alone shall not load Flask and the driver

    return build(config, store, opens_store=opens_store)
