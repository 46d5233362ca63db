"""What tests of the HTTP surface share: further applications on the same database, with other settings or clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.models.store import Store
from config import Config
from tests.described import DescribedClient
from tests.factories.clock import MovableClock

_WIDE_LIMITS = dict.fromkeys(("rate_limit_login", "rate_limit_register", "rate_limit_refresh"), "6000/minute")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def app_with(config: Config, store: Store, clock: MovableClock) -> Iterator[Callable[..., Flask]]:
    """Makes applications on the emptied database, as other processes would; the test moves their clock."""
    made: list[Store] = []

    def make(**settings: Any) -> Flask:
        own = replace(config, **{**_WIDE_LIMITS, **settings})
        made.append(Store.open(own, clock=clock))
        application = create_app(own, made[-1])
        application.testing = True
        application.test_client_class = DescribedClient
        return application

    yield make
    for own_store in made:
        own_store.close()
