"""Which numbers of worker processes and threads serve best: the same load of wrk on each, in one run.

Deposits by one customer over 1,000 accounts of theirs and on one of them, transfers between them, and balances, over
64 connections, each with a token, validation and (where money moves) a whole double entry. Needs wrk, which Debian
packages.

    python -m benchmarks.serving [--seconds S] [--layouts 1x64,1x32,2x32,...]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.controllers.registration import register
from app.domain.accounts import Account, AccountKind, AccountType, new_account_number
from app.domain.ids import random_id
from app.domain.ledger.intents import Open
from app.models import embedded
from app.models.posting import Request
from app.models.store import Store
from config import Config

ACCOUNTS = 1_000
OPENING_AMOUNT = 100_000
CONNECTIONS = 64
PASSWORD = "violet harbour 27 lanterns"  # noqa: S105 - of a customer who lives for a minute
START_S_MAX = 30
LOADS = ("deposit, spread", "deposit, one account", "transfer", "balance")
SCRIPT = """
local numbers = {%(numbers)s}
math.randomseed(%(seed)d)
request = function()
  local place = math.random(#numbers)
  local number, next = numbers[place], numbers[place %% #numbers + 1]
  %(request)s
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(99)))
end
"""
DEPOSIT = 'return wrk.format("POST", "/deposit", headers, \'{"amount":"1.00","account":"\' .. number .. \'"}\')'
TRANSFER = (
    'return wrk.format("POST", "/transfers", headers, '
    '\'{"amount":"0.01","from":"\' .. number .. \'","to":"\' .. next .. \'"}\')'
)
BALANCE = 'return wrk.format("GET", "/balance?account=" .. number, headers)'


@dataclass(frozen=True)
class Figure:
    """What a load reached: answers per second, 99th percentile, and how many were no success."""

    rate: float
    p99_ms: float
    errors: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--layouts", default="1x16,1x32,1x64,1x96,2x32,2x64,4x32")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is needed: apt-get install wrk", file=sys.stderr)
        return 1
    table = Table("workers x threads", *(f"{load}: /s (p99 ms)" for load in LOADS), title="Serving, in one run")
    errors = 0
    with tempfile.TemporaryDirectory(prefix="bank-serving-") as scratch:
        folder = Path(scratch)
        with embedded.start(folder):
            numbers = _open_accounts(folder)
            for layout in options.layouts.split(","):
                figures = _measure(folder, layout, numbers, options.seconds)
                errors += sum(figure.errors for figure in figures)
                table.add_row(layout, *(f"{figure.rate:,.0f} ({figure.p99_ms:,.0f})" for figure in figures))
    Console().print(table)
    print(f"{errors} answers were no success")
    return 1 if errors else 0


def _measure(folder: Path, layout: str, numbers: list[str], seconds: int) -> list[Figure]:
    workers, threads = layout.split("x")
    with _serving(folder, WORKERS=workers, THREADS=threads) as url:
        token = _log_in(url)
        return [_load(url, token, load, numbers, seconds) for load in LOADS]


def _load(url: str, token: str, load: str, numbers: list[str], seconds: int) -> Figure:
    chosen = numbers[:1] if load == "deposit, one account" else numbers
    headers = f'local headers = {{["Authorization"] = "Bearer {token}", ["Content-Type"] = "application/json"}}\n'
    script = headers + SCRIPT % {
        "numbers": ",".join(f'"{number}"' for number in chosen),
        "seed": len(load),
        "request": {"balance": BALANCE, "transfer": TRANSFER}.get(load, DEPOSIT),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
        output = subprocess.run(
            [*command, "--timeout", "10s", "--script", file.name, url], capture_output=True, text=True, check=True
        ).stdout
    found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+)$", output, re.M)
    if found is None:
        raise RuntimeError(output)
    requests, microseconds, errors, p99_us = map(int, found.groups())
    return Figure(requests / microseconds * 1e6, p99_us / 1000, errors)


@contextmanager
def _serving(folder: Path, **variables: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"FLASK_ENV": "testing", "DATA_DIR": str(folder), "PORT": str(port), "LOG_LEVEL": "WARNING", **variables}
    process = subprocess.Popen([sys.executable, "run.py"], env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_S_MAX)


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=5).close()  # noqa: S310 - our own server
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _log_in(url: str) -> str:
    body = json.dumps({"username": "bench", "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{url}/auth/login", body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=START_S_MAX) as answer:  # noqa: S310 - our own server
        return str(json.load(answer)["access_token"])


def _open_accounts(folder: Path) -> list[str]:
    """Register the customer and open them a thousand accounts with money to move."""
    settings = {"FLASK_ENV": "testing", "DATA_DIR": str(folder)}
    store = Store.open(Config.from_env(settings))
    store.make_ready()
    first = register(store, "bench", PASSWORD).account.number
    customer_id = store.accounts.get_customer_account(first).holders[0]
    opened = [_account_of(customer_id, store.clock.now()) for _ in range(ACCOUNTS - 1)]
    store.journal.post_many([Request(_opening(account)) for account in opened])
    numbers = [first, *(account.id for account in opened)]
    store.close()
    return numbers


def _account_of(customer_id: str, now: datetime) -> Account:
    return Account(
        id=new_account_number(),
        kind=AccountKind.CUSTOMER,
        type=AccountType.CHECKING,
        currency="USD",
        opened_at=now,
        holders=(customer_id,),
    )


def _opening(account: Account) -> Open:
    return Open(
        id=random_id(),
        fingerprint="benchmark",
        initiated_by="benchmark",
        channel="benchmark",
        account=account,
        opening_amount=OPENING_AMOUNT,
    )


if __name__ == "__main__":
    sys.exit(main())
