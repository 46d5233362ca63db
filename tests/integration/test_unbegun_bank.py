"""Commands that prove or run something, on a database in which no bank was ever begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app import create_app
from app.models.store import Store
from config import Config
from tests.processes import processes_of, wait_until

COMMANDS = (
    ["reconcile"],
    ["reconcile", "--account", "123456789012"],
    ["audit", "verify"],
    ["audit", "export-head"],
    ["jobs", "list"],
    ["jobs", "run"],
    ["jobs", "run", "seal-audit"],
)


@pytest.fixture
def nowhere(config: Config, store: Store) -> Iterator[Store]:
    """A database that is empty on a server that is there."""
    name = f"{config.mongo_database}_unbegun"
    with closing(Store.open(replace(config, mongo_database=name))) as unbegun:
        yield unbegun
        unbegun.client.drop_database(name)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_is_sound_where_no_bank_was_begun(nowhere: Store, command: list[str]) -> None:
    done = create_app(nowhere.config, nowhere).test_cli_runner().invoke(args=command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"No bank was ever begun in the database {nowhere.config.mongo_database}: ")
    assert nowhere.database.list_collection_names() == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database_is_made_only_to_find_that_no_bank_was_begun(
    config: Config, tmp_path: Path, command: list[str]
) -> None:
    folder = tmp_path / "instance"
    app = create_app(replace(config, mongo_uri="", data_dir=folder), opens_store=False)
    done = app.test_cli_runner().invoke(args=command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"No bank was ever begun in {folder}: ")
    assert not folder.exists()
    wait_until(lambda: not processes_of(tmp_path))
