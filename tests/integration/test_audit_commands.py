"""`flask audit` and `flask jobs`, as an operator runs them."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.domain.audit import SYSTEM, Stream, Subject
from app.domain.audit_chain import Head, export_heads
from app.models.audit_seals import seal_audit
from app.models.audit_verification import AuditVerification
from app.models.ledger_reader import LedgerReader
from app.models.store import Store
from config import Config
from tests.fail_points import failing, named_store


def flask(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


@pytest.fixture
def sealed(store: Store) -> Store:
    """A trail of four records under two seals."""
    for number in range(4):
        store.audit.write("staff.product_changed", SYSTEM, Subject("product", f"P{number}"))
        if number % 2:
            seal_audit(store)
    return store


@pytest.fixture
def export(app: Flask, sealed: Store, tmp_path: Path) -> Path:
    path = tmp_path / "heads.json"
    assert flask(app, "audit", "export-head", str(path)).exit_code == 0
    return path


def test_a_sound_trail_is_reported_with_what_was_checked(app: Flask, sealed: Store, export: Path) -> None:
    sealed.audit.write("auth.login", SYSTEM, Subject("user", "1"))
    for arguments in ((), ("--head", str(export))):
        result = flask(app, "audit", "verify", *arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == (
            "The audit trail is sound: 5 records under 2 seals checked, 1 of them not sealed yet.\n"
        )


def test_the_first_bad_record_is_named_on_one_line_and_by_the_exit_code(app: Flask, sealed: Store) -> None:
    victim = sealed.database["audit"].find_one({"subject": "product:P2"}) or {}
    sealed.database["audit"].update_one({"_id": victim["_id"]}, {"$set": {"subject": "product:P9"}})
    result = flask(app, "audit", "verify")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(f"record content: record {victim['_id']} under seal 2 of staff: expected digest ")


def test_a_trail_cut_off_without_a_trace_is_named_by_the_exported_head(app: Flask, sealed: Store, export: Path) -> None:
    sealed.database["audit_seals"].delete_many({})
    sealed.database["audit"].delete_many({})
    assert flask(app, "audit", "verify").exit_code == 0
    result = flask(app, "audit", "verify", "--head", str(export))
    assert result.exit_code == 1
    assert result.stdout.startswith("exported head: seal 2 of staff: expected hash ")


def test_heads_show_on_the_terminal_and_do_not_tell_the_key(app: Flask, sealed: Store, config: Config) -> None:
    result = flask(app, "audit", "export-head")
    heads = {each["stream"]: each["n"] for each in json.loads(result.stdout)["heads"]}
    assert heads == {"auth": 0, "access": 0, "money": 0, "staff": 2}
    assert config.secret_key not in result.stdout


@pytest.mark.security("S71")
def test_whoever_has_the_database_but_not_the_key_can_not_make_heads(
    app: Flask, sealed: Store, export: Path, tmp_path: Path
) -> None:
    altered = json.loads(export.read_text())
    altered["heads"][3]["n"] = 1
    forged = export_heads([Head(Stream.STAFF)], secret="a key of somebody else's", at=sealed.clock.now())
    for number, text in enumerate((json.dumps(altered), forged, "", "[]", "{}", '{"signature": 1, "heads": []}', "\0")):
        path = tmp_path / f"forged-{number}"
        path.write_text(text)
        result = flask(app, "audit", "verify", "--head", str(path))
        assert result.exit_code == 2, text
        assert "--head" in result.stderr


@pytest.mark.security("S71")
def test_heads_signed_before_a_change_of_keys_still_count(config: Config, store: Store, export: Path) -> None:
    rotated = replace(config, secret_key="a new signing key, long enough for tests")
    kept = replace(rotated, secret_key_fallbacks=(config.secret_key,))
    for settings, code in ((kept, 0), (rotated, 2)):
        with closing(Store.open(settings)) as other:
            assert flask(create_app(settings, other), "audit", "verify", "--head", str(export)).exit_code == code


def test_a_database_that_stops_answering_is_no_finding(config: Config, sealed: Store) -> None:
    with closing(named_store(config)) as named:
        app = create_app(config, named)
        for command in ("verify", "export-head"):
            with failing(named, "find", "aggregate", errorCode=50):
                result = flask(app, "audit", command)
            assert (result.exit_code, result.stdout) == (2, "")
            assert "could not be read to its end" in result.stderr


@pytest.mark.security("S71")
def test_memory_does_not_grow_with_the_trail(store: Store) -> None:
    peaks = []
    for _ in range(2):
        rows = [store.audit.append("staff.x", SYSTEM, Subject("product", str(n))) for n in range(3_000)]
        for position in (0, 1):
            store.database[rows[0][position].collection].insert_many(row[position].document for row in rows)
        seal_audit(store)
        del rows
        tracemalloc.start()
        assert AuditVerification(store.audit_seals, LedgerReader(store.client, store.database)).run().finding is None
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_jobs_are_listed_and_run_by_hand(app: Flask, store: Store) -> None:
    assert "seal-audit" in flask(app, "jobs", "list").stdout
    store.audit.write("auth.login", SYSTEM, Subject("user", "1"))
    first = flask(app, "jobs", "run")
    assert (first.exit_code, "seal-audit: 1 sealed" in first.stdout) == (0, True)
    assert flask(app, "jobs", "run", "expire-holds").stdout == "expire-holds: 0 expired\n"
    assert "ok" in flask(app, "jobs", "list").stdout


def test_a_job_by_hand_tells_what_is_wrong(app: Flask, store: Store) -> None:
    unknown = flask(app, "jobs", "run", "no-such-job")
    assert (unknown.exit_code, "There is no job no-such-job." in unknown.stderr) == (2, True)
    store.jobs.ensure("expire-holds", due_at=store.clock.now())
    assert store.jobs.take("expire-holds", now=store.clock.now())
    taken = flask(app, "jobs", "run", "expire-holds")
    assert (taken.exit_code, "expire-holds is running elsewhere." in taken.stderr) == (1, True)


def test_a_job_that_fails_by_hand_ends_with_an_error(config: Config, store: Store) -> None:
    with closing(named_store(config)) as named:
        app = create_app(config, named)
        store.jobs.ensure("seal-audit", due_at=store.clock.now())
        store.audit.write("auth.login", SYSTEM, Subject("user", "1"))
        with failing(named, "insert", errorCode=8000):
            result = flask(app, "jobs", "run", "seal-audit")
    assert (result.exit_code, result.stderr) == (1, "seal-audit: OperationFailure\n")
