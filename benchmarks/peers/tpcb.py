"""pgbench's TPC-B-like transactions on a PostgreSQL of our own for a minute, with its default durability."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLIENTS = 64
SCALE = 1
_PROGRAMS = ("initdb", "pg_ctl", "pgbench")
_UNPRIVILEGED = ("postgres", "nobody")
_RATE = re.compile(r"^tps = (\d+(?:\.\d+)?) ", re.M)


def find_programs() -> dict[str, str] | None:
    """Return where PostgreSQL's programs are: on the PATH, or where Debian keeps them; None where they are not."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(debian))])
    found = {name: shutil.which(name, path=path) for name in _PROGRAMS}
    return {name: where for name, where in found.items() if where} if all(found.values()) else None


def measure(programs: dict[str, str], *, seconds: float) -> float:
    """Return the transactions per second of 64 clients, as pgbench counts them without connecting."""
    with _cluster(programs) as (folder, user):
        server = ["--host", folder, "--username", "bench"]
        _run(user, programs["pgbench"], "--initialize", "--quiet", "--scale", str(SCALE), *server, "postgres")
        load = ["--client", str(CLIENTS), "--jobs", "2", "--time", str(max(1, round(seconds)))]
        return rate_of(_run(user, programs["pgbench"], *load, *server, "postgres"))


def rate_of(said: str) -> float:
    """Read the rate that pgbench prints.

    Raises:
        ValueError: there is none.
    """
    found = _RATE.search(said)
    if found is None:
        raise ValueError(f"pgbench printed no rate:\n{said}")
    return float(found[1])


@contextmanager
def _cluster(programs: dict[str, str]) -> Iterator[tuple[str, str | None]]:
    """Run a cluster that nobody reaches but by a socket in its own folder; initdb refuses to be root."""
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="bank-tpcb-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data, log = f"{folder}/data", f"{folder}/log"
        _run(user, programs["initdb"], "--pgdata", data, "--auth", "trust", "--username", "bench")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        _run(user, programs["pg_ctl"], "--pgdata", data, "--log", log, "--wait", "--options", options, "start")
        try:
            yield folder, user
        finally:
            _run(user, programs["pg_ctl"], "--pgdata", data, "--mode", "immediate", "--wait", "stop")


def _unprivileged() -> str | None:
    """Return whom to become where we are root, else None."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)


def _as(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _run(user: str | None, *command: str) -> str:
    said: subprocess.CompletedProcess[str] = subprocess.run(
        command, cwd="/", **_as(user), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if said.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{said.stdout}{said.stderr}")
    return said.stdout
