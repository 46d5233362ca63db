"""One load of wrk on a server: what is sent, and what came of it, to the last answer."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from benchmarks.usage import Meter

CONNECTIONS = 64
ANSWER_S_MAX = 10
"""So long wrk waits for an answer, and so long after its end we wait for the last one."""
_SCRIPT = Path(__file__).with_name("load.lua")
_NUMBER = r"(\d+(?:\.\d+)?)"
_DRAINED = re.compile(rf"^DRAINED (\d+) (\d+) {_NUMBER} {_NUMBER}$", re.M)
_SUMMARY = re.compile(rf"^SUMMARY (\d+) (\d+) (\d+) (\d+) (\d+) {_NUMBER} {_NUMBER}$", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: requests, each as the text `before` and `behind` a place for further headers.

    One is drawn at random for each sending. With `targets` its text goes on with one of them, of another customer than
    the sender's (each has `accounts_each` in a row, as in `before`), and with `last`: any at random, or by cumulative
    `weights`, or `only` this one, counted from 1. With a `key` each gets an Idempotency-Key that begins with it.
    """

    before: Sequence[str]
    behind: Sequence[str]
    key: str | None = None
    targets: Sequence[str] | None = None
    last: str = ""
    weights: Sequence[float] | None = None
    only: int | None = None
    accounts_each: int = 1
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a load. `waits_ms`: the median and the 99th percentile of an open load, from when it was due."""

    rate: float
    p50_ms: float
    p99_ms: float
    sent: int
    acknowledged: int
    refused: int
    broken: int
    late: int
    waits_ms: tuple[float, float] | None
    cores: Mapping[str, float]

    @property
    def unknown(self) -> int:
        """How many of what was sent were not answered with a success, and so may or may not have had an effect."""
        return self.sent - self.acknowledged

    @property
    def errors(self) -> int:
        return self.refused + self.broken + self.late


def run(
    load: Load, url: str, *, seconds: float, rate: float | None = None, watched: Mapping[str, Iterable[int]]
) -> Outcome:
    """Send a load for some seconds, as fast as it is answered or at a fixed rate, and wait for every answer.

    Raises:
        RuntimeError: wrk did not do what it should; its words are in the message.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as table:
        table.write(lua_table(load, seconds=seconds, rate=rate))
        table.flush()
        wrk = subprocess.Popen(
            _command(load, url, seconds, table.name), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        meter = Meter({**watched, "wrk": [wrk.pid]})
        output, cores = _until_drained(wrk, meter, seconds + ANSWER_S_MAX)
    return parse(output, seconds=seconds, is_open=rate is not None, cores=cores)


def lua_table(load: Load, *, seconds: float, rate: float | None) -> str:
    """Return a load as the Lua table that the script reads."""
    members = {field.name: getattr(load, field.name) for field in fields(load)}
    members |= {"seconds": seconds, "rate": rate, "seed": random.randrange(2**31)}
    lines = (f"{name} = {_lua(value)}," for name, value in members.items() if value is not None)
    return "return {\n" + "\n".join(lines) + "\n}\n"


def parse(output: str, *, seconds: float, is_open: bool, cores: Mapping[str, float]) -> Outcome:
    """Read what the script has printed. A load that was not answered to its end has no rate that could be trusted: 0.

    Raises:
        RuntimeError: it has printed something else.
    """
    summary = _SUMMARY.search(output)
    if summary is None:
        raise RuntimeError(f"wrk failed:\n{output}")
    sent, completed, refused, broken, late = map(int, summary.groups()[:5])
    p50_ms, p99_ms = map(float, summary.groups()[5:])
    drained = _DRAINED.search(output)
    in_time = int(drained[1]) - refused if drained else 0
    waits = (float(drained[3]), float(drained[4])) if drained and is_open else None
    return Outcome(
        rate=max(0, in_time) / seconds,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        sent=sent,
        acknowledged=completed - refused,
        refused=refused,
        broken=broken,
        late=late,
        waits_ms=waits,
        cores=cores,
    )


def _command(load: Load, url: str, seconds: float, table: str) -> list[str]:
    too_long = int(seconds) + 10 * ANSWER_S_MAX  # we end it, when every answer is there
    options = ["--threads", "1", "--connections", str(load.connections), "--duration", f"{too_long}s"]
    return ["wrk", *options, "--timeout", f"{ANSWER_S_MAX}s", "--script", str(_SCRIPT), url, "--", table]


def _until_drained(wrk: subprocess.Popen[str], meter: Meter, timeout_s: float) -> tuple[str, dict[str, float]]:
    """Return all that wrk prints, and the cores that were used until every request was answered."""
    give_up = threading.Timer(timeout_s, lambda: os.kill(wrk.pid, signal.SIGINT))
    give_up.start()
    output, cores = "", {}
    try:
        assert wrk.stdout is not None  # noqa: S101 - it is a pipe
        for line in wrk.stdout:
            output += line
            if line.startswith("DRAINED"):
                give_up.cancel()
                cores = meter.cores()
                wrk.send_signal(signal.SIGINT)
        wrk.wait()
    finally:
        give_up.cancel()
        if wrk.poll() is None:
            wrk.kill()
            wrk.wait()
    return output, cores


def _lua(value: object) -> str:
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_lua, value)) + "}"
    return json.dumps(value)  # of texts in ASCII and numbers Lua reads the same
