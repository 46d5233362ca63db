"""On what a run was made: machine, versions, date, and how busy the machine was with other things."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from app.models.mongod import find_binary


def described() -> str:
    """Return one paragraph."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [
        f"Python {platform.python_version()}",
        *(f"{name} {version(package)}" for name, package in (("PyMongo", "pymongo"), ("granian", "granian"))),
        f"MongoDB {_first_number(str(find_binary()), '--version')}",
        f"wrk {_first_number('wrk', '-v')}",
    ]
    busy = os.getloadavg()[0]
    return (
        f"Machine: {cores} cores of {_processor()}, {memory_gib:.0f} GiB, {_system()}. {', '.join(versions)}."
        f" {datetime.now(UTC):%d %B %Y, %H:%M} UTC; load average before the run {busy:.1f}."
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="(.+)"$', Path("/etc/os-release").read_text(), re.M)
    return f"{found[1] if found else 'Linux'}, Linux {platform.release()}"


def _first_number(*command: str) -> str:
    """Return the first version number that a program says of itself."""
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found[0] if found else "unknown"
