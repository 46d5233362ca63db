"""Where the time of a processor goes: what one request costs by itself, part by part: `make bench-profile`.

One process, one thread, no HTTP server: a request is a call of the WSGI application, a batch one of the poster. What
each costs is measured without a profiler; Python's own profiler, which makes all calls dearer, tells only the shares.

    python -m benchmarks.profile [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.actor import Actor, Role
from app.domain.ids import random_id
from app.domain.ledger.records import TransactionType
from app.domain.movements import Movement, cash_movement
from app.logs import configure_logs
from app.models import embedded
from app.models.posting import Request
from app.models.store import Store
from app.serving import spare_the_collector
from benchmarks import machine, report, yardstick
from benchmarks.bank import PASSWORD, Bank, open_bank, opened
from config import Config

if TYPE_CHECKING:
    from flask import Flask

CALLS = 2_000
WARM_UP_CALLS = 200
BATCH = 32
MEDIAN_OF = 5
PARTS: Mapping[str, Sequence[str]] = {
    "Flask and Werkzeug": ("/flask/", "/werkzeug/", "/blinker/", "contextvars"),
    "marshmallow and JSON": ("/marshmallow/", "/json/", "/app/schemas/", "_json", "strict_json"),
    "PyMongo and BSON": ("/pymongo/", "/bson/", "_cbson"),
    "log line": ("/structlog/", "/app/logs.py", "_io.TextIOWrapper", "request_log"),
    "views": ("/app/views/", "/app/wiring.py"),
    "controllers and models": ("/app/controllers/", "/app/models/"),
    "the ledger's rules": ("/app/domain/",),
}
OTHER = "Python's own, called by all of these"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="put the figures into this document, too, between its marks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bank-profile-") as folder, embedded.start(Path(folder)) as server:
        about = machine.described(Path(folder))
        settings = {"FLASK_ENV": "development", "DATA_DIR": folder, "MONGO_URI": server.uri, "DEMO_DATA": "false"}
        os.environ.update(settings)
        columns = _measured(Config.from_env({**os.environ}))
    text = f"{about}\n\n{_text(columns)}"
    print(text, file=sys.__stdout__)
    if options.write:
        report.put_into(options.write, "make bench-profile", text)
    return 0


def measure(work: Callable[[], object], each: int = 1) -> dict[str, float]:
    """Return by part the processor time, in microseconds, of one of the `each` that a call of `work` does."""
    calls = max(1, CALLS // each)
    _repeat(work, max(1, WARM_UP_CALLS // each))
    took_us = sorted(_repeat(work, calls) / calls / each * 1e6 for _ in range(MEDIAN_OF))[MEDIAN_OF // 2]
    profile = cProfile.Profile(time.thread_time)
    profile.runcall(_repeat, work, calls)
    shares: Counter[str] = Counter()
    for (file, _, name), (_, _, own_s, *_) in pstats.Stats(profile, stream=io.StringIO()).stats.items():  # type: ignore[attr-defined]
        shares[part_of(f"{file} {name}")] += own_s
    whole = sum(shares.values())
    return {part: took_us * shares[part] / whole for part in (*PARTS, OTHER)}


def part_of(function: str) -> str:
    """Return the part that a function belongs to, by its file and name."""
    return next((part for part, signs in PARTS.items() if any(sign in function for sign in signs)), OTHER)


def _repeat(work: Callable[[], object], calls: int) -> float:
    begun_s = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - begun_s


def _measured(config: Config) -> dict[str, dict[str, float]]:
    """Return what each costs, by its name."""
    bank = open_bank(config)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the log goes where the servers' goes in `make bench`
    from benchmarks.noop import app  # which makes an application of the environment

    configure_logs("INFO")
    spare_the_collector()
    token = json.loads(called(app, "/auth/login", {"username": bank.usernames[0], "password": PASSWORD}))
    body = {"amount": "1.00", "account": bank.numbers[0]}
    header = {"HTTP_AUTHORIZATION": f"Bearer {token['access_token']}"}
    with opened(config) as store:
        return {
            "hello": measure(lambda: called(yardstick.hello, "/")),
            "authenticated no-op": measure(lambda: called(app, "/noop", body, header)),
            f"deposit, in a batch of {BATCH}": measure(_batch(store, bank), BATCH),
        }


def called(app: Flask, path: str, body: Any = None, header: Mapping[str, str] | None = None) -> bytes:
    """Call an application as a server does, to the end of the request, and return the body of its success."""
    sent = json.dumps(body).encode() if body else b""
    environ = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **(header or {}),
    }
    statuses: list[str] = []
    answer = app(environ, lambda status, _headers, _fault=None: statuses.append(status))
    content = b"".join(answer)
    if hasattr(answer, "close"):  # Werkzeug's own, whose end is the request's
        answer.close()
    if not statuses[0].startswith("2"):
        raise RuntimeError(f"{path}: {statuses[0]}")
    return content


def _batch(store: Store, bank: Bank) -> Callable[[], object]:
    """Return what posts deposits to as many accounts, as the journal's lane does."""
    poster = store.journal._commits._poster  # the one thing that makes batches of a size that is chosen
    accounts = [store.accounts.get_customer_account(number) for number in bank.numbers[:BATCH]]
    actors = [Actor(random_id(), "customer", Role.CUSTOMER, random_id(), each.holders[0]) for each in accounts]

    def post() -> object:
        requests = [
            Request(cash_movement(TransactionType.DEPOSIT, Movement(amount="1.00", account=each.id), each.ref, actor))
            for each, actor in zip(accounts, actors, strict=True)
        ]
        return poster.post(requests, stripe=0, timeout_s=5)

    return post


def _text(columns: Mapping[str, Mapping[str, float]]) -> str:
    rows = [(part, *(f"{column[part]:.0f}" for column in columns.values())) for part in (*PARTS, OTHER)]
    whole = ("all", *(f"{sum(column.values()):.0f}" for column in columns.values()))
    return report.table(["processor time of one, in microseconds", *columns], [*rows, whole])


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
