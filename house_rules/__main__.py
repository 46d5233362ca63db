"""Check the application: `python -m house_rules`. Prints what breaks a rule, and fails where anything does."""

from __future__ import annotations

import sys
from pathlib import Path

from house_rules.rules import RULES
from house_rules.source import Source, check


def main() -> int:
    """Return the exit code: 1 where a rule is broken."""
    modules = (Source(str(path), path.read_text("utf-8")) for path in sorted(Path("app").rglob("*.py")))
    findings = check(modules, RULES)
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
