"""Run a program to its end and tell how much memory it had at most.

The program is started from here, and not from the caller: a process's peak counts what its parent had before it became
the program, and this one is small.

    python -m benchmarks.scale_memory FILE PROGRAM [ARGUMENT...]

writes KiB to FILE, and ends as the program does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    report, *command = sys.argv[1:]
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    Path(report).write_text(str(usage.ru_maxrss))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
