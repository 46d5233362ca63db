"""Files of payments, one after the other: how many lines a second are paid, from the upload to the last line."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import Any

from app.domain.bulk_files import LINES_MAX
from benchmarks.bank import Bank
from benchmarks.load import Outcome
from benchmarks.usage import Meter

AMOUNT_MINOR = 1
_POLL_S = 0.02
_FILE_S_MAX = 60


def send_files(
    host: str, token: str, bank: Bank, *, seconds: float, lines: int = LINES_MAX, watched: Mapping[str, Iterable[int]]
) -> Outcome:
    """Send files until the time is over; the last one is waited for. An outcome counts lines, its times whole files."""
    connection = http.client.HTTPConnection(host, timeout=_FILE_S_MAX)
    times: list[float] = []
    posted = sent = 0
    meter = Meter(watched)
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        file = _file(bank, lines)
        begun = time.monotonic()
        posted += _pay(connection, token, bank.payer, file)
        times.append((time.monotonic() - begun) * 1000)
        sent += lines
    elapsed = time.monotonic() - started
    connection.close()
    return Outcome(
        rate=posted / elapsed,
        p50_ms=statistics.median(times),
        p99_ms=max(times),
        sent=sent,
        acknowledged=posted,
        refused=sent - posted,
        broken=0,
        late=0,
        waits_ms=None,
        cores=meter.cores(),
    )


def _file(bank: Bank, lines: int) -> bytes:
    payees = random.choices([number for number in bank.numbers if number != bank.payer], k=lines)
    rows = (f"{payee},0.01,Salary,P{place}" for place, payee in enumerate(payees))
    return "\n".join(["to,amount,description,reference", *rows, ""]).encode()


def _pay(connection: http.client.HTTPConnection, token: str, payer: str, file: bytes) -> int:
    """Send a file, and return how many of its lines were posted in the end."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": token_hex(16)}
    answer = _ask(connection, "POST", f"/banker/bulk?from={payer}", {**headers, "Content-Type": "text/csv"}, file)
    deadline = time.monotonic() + _FILE_S_MAX
    while answer.get("status") in ("received", "running") and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        answer = _ask(connection, "GET", f"/banker/bulk/{answer['id']}", headers)
    return int(answer.get("posted", 0))


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> dict[str, Any]:
    connection.request(method, path, body or None, dict(headers))
    found: dict[str, Any] = json.load(connection.getresponse())
    return found
