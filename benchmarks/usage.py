"""What processes take of the machine, as Linux tells under /proc: cores and memory."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


class Meter:
    """Counts the cores that groups of processes use, from when it is made."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._groups = {name: list(pids) for name, pids in groups.items()}
        self._before = self._cpu_s()
        self._started = time.monotonic()

    def cores(self) -> dict[str, float]:
        """Return the mean number of cores that each group has used so far."""
        elapsed = time.monotonic() - self._started
        return {name: (now - self._before[name]) / elapsed for name, now in self._cpu_s().items()}

    def _cpu_s(self) -> dict[str, float]:
        return {name: sum(map(_cpu_s, pids)) for name, pids in self._groups.items()}


def children(pid: int) -> list[int]:
    """Return the processes that this one has started and that live."""
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if _stat(folder)[1] == str(pid):
                found.append(int(folder.name))
    return found


def memory_mib(pid: int) -> dict[str, float]:
    """Return what a process has in memory: all of it, `Rss`, and with what it shares with others divided, `Pss`."""
    text = (_PROC / str(pid) / "smaps_rollup").read_text()
    return {name: int(kib) / 1024 for name, kib in re.findall(r"^(Rss|Pss): +(\d+) kB$", text, re.M)}


def find_process(pattern: str) -> int:
    """Return the one process whose command line has this in it.

    Raises:
        LookupError: there is none, or more than one.
    """
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if re.search(pattern, (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")):
                found.append(int(folder.name))
    if len(found) != 1:
        raise LookupError(f"{len(found)} processes match {pattern}")
    return found[0]


def _cpu_s(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        user, system = _stat(_PROC / str(pid))[11:13]
        return (int(user) + int(system)) / _TICKS_PER_S
    return 0.0


def _stat(folder: Path) -> list[str]:
    """Return the fields of a process's stat behind its name, which may hold anything: state, parent, ..."""
    return (folder / "stat").read_text().rpartition(") ")[2].split()
