"""On what a run was made: machine, versions, date, and how busy the machine was with other things."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from app.models.mongod import find_binary

IN_MEMORY = ("tmpfs", "ramfs")
"""File systems on which a journal costs nothing, and keeps nothing."""


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder lies on, such as ext4."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    around = {where: kind for where, kind in mounts if folder.resolve().is_relative_to(where)}
    return around[max(around, key=len)]


def described(folder: Path) -> str:
    """Return one paragraph on what a run was made that keeps its data in this folder."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [
        f"Python {platform.python_version()}",
        *(f"{name} {version(package)}" for name, package in (("PyMongo", "pymongo"), ("granian", "granian"))),
        f"MongoDB {_first_number(str(find_binary()), '--version')}",
        *([f"wrk {_first_number('wrk', '-v')}"] if shutil.which("wrk") else []),
        f"data on {file_system(folder)}",
    ]
    busy = os.getloadavg()[0]
    return (
        f"Machine: {cores} cores of {_processor()}, {memory_gib:.0f} GiB, {_system()}. {', '.join(versions)}."
        f" {datetime.now(UTC):%d %B %Y, %H:%M} UTC, commit {_commit()}; load average before the run {busy:.1f}."
    )


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    said = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


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
