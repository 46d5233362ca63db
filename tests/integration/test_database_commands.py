"""`flask db`: what an operator creates and checks by hand."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from click.testing import Result

from app import create_app
from app.models.store import Store
from config import Config


def invoke(config: Config, *command: str) -> Result:
    with closing(Store.open(config)) as store:
        return create_app(config, store).test_cli_runner().invoke(args=command)


def test_a_production_database_is_created_by_init_and_then_passes_the_check(
    config: Config, store: Store, uri_with_login: str
) -> None:
    name = f"{config.mongo_database}_owned"
    fresh = replace(config, env="production", mongo_uri=uri_with_login, mongo_database=name)
    missing = invoke(fresh, "db", "check")
    assert missing.exit_code == 1
    assert missing.output.startswith("The database lacks ")
    for _ in range(2):
        assert invoke(fresh, "db", "init").output == f"The database {fresh.mongo_database} is ready.\n"
    checked = invoke(fresh, "db", "check")
    assert checked.output == f"The database {fresh.mongo_database} has all that the bank needs.\n"
    assert checked.exit_code == 0
    store.client.drop_database(fresh.mongo_database)


def test_a_role_is_said_to_count_for_nothing_yet_where_anybody_may_come(config: Config, store: Store) -> None:
    done = invoke(config, "db", "roles")
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        [
            f"The role bank_app of the database {config.mongo_database} is ready for the server's user.",
            "It counts once MongoDB's access control is on: for now MongoDB takes anybody.",
        ],
    )
    store.database.command("dropRole", "bank_app")


def test_commands_tell_a_database_that_is_not_there_in_one_sentence(config: Config) -> None:
    absent = replace(config, mongo_uri="mongodb://127.0.0.1:1/", mongo_timeout_ms=200)
    for command in (("db", "init"), ("db", "check"), ("users", "disable", "eve")):
        done = invoke(absent, *command)
        assert done.exit_code == 1
        assert done.output.startswith("MongoDB can't be reached at 127.0.0.1:1: ")
        assert done.output.count("\n") == 1
