"""Real processes in tests: run them, look at them, and wait for what they do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROJECT = Path(__file__).parents[1]
TIMEOUT_S = 30.0


def wait_until(condition: Callable[[], object], *, timeout_s: float = TIMEOUT_S) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"did not become true within {timeout_s} s"
        time.sleep(0.02)


def _listing() -> list[tuple[int, int, str]]:
    """Return every process that lives: id, parent and command line. Ended ones that nobody waited for are none."""
    if not Path("/proc/self/stat").exists():
        columns = ("-o", "pid=", "-o", "ppid=", "-o", "args=")
        lines = subprocess.run(["ps", "-A", *columns], capture_output=True, text=True, check=True).stdout
        return [
            (int(pid), int(parent), line) for pid, parent, line in re.findall(r"^ *(\d+) +(\d+) (.*)$", lines, re.M)
        ]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            arguments = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(") ")[2].split()[1]
            if arguments:  # a zombie has none
                found.append((int(folder.name), int(parent), arguments.replace(b"\0", b" ").decode(errors="replace")))
    return found


def parents() -> dict[int, int]:
    """Return the parent of every process that lives."""
    return {pid: parent for pid, parent, _ in _listing()}


def is_running(pid: int) -> bool:
    return pid in parents()


def processes_of(folder: Path) -> dict[int, str]:
    """Return the embedded server's processes in a data folder: ids and command lines."""
    pattern = re.compile(rf"(app\.models\.keeper|mongod) .*{re.escape(str(folder))}/")
    return {pid: arguments for pid, _, arguments in _listing() if pattern.search(arguments)}


@contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program of the project for a while; its output can be read line by line. It is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def environment(**variables: object) -> dict[str, str]:
    """Return this process's environment with some variables set, and none of the application's own besides."""
    ours = re.compile(r"FLASK_|MONGO_|SECRET_KEY|PASSWORD_PEPPERS|(DATA_DIR|HOST|PORT|WORKERS|THREADS|DEMO_DATA)$")
    inherited = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return inherited | {name: str(value) for name, value in variables.items()}
