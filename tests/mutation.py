"""`python -m tests.mutation [NAME ...]`: change the domain in thousands of small ways, and count whom the tests notice.

The work is mutmut's, as pyproject.toml sets it up, on a copy under `.mutation/`. In that copy each property is a
method with `property()` called on it: mutmut leaves decorated functions alone, and what an account has available is a
property. Without names everything is tried anew; with some, as `mutmut run` takes them (`app.domain.money*`), these
alone, and the others keep what became of them. `mutmut show NAME` in `.mutation/` tells what a mutant changed.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[1]
COPY = PROJECT / ".mutation"
MUTMUT = Path(sys.executable).with_name("mutmut")
ENVIRONMENT = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
COPIED = ("app", "tests", "config.py", "pyproject.toml")
MUTATED = "app/domain"
NOTICED = frozenset({"killed", "timeout"})
"""A mutant that never ends is noticed. One that no test comes by (`no tests`) is not, nor is any other."""
SCORE_MIN = 90.0
TIMEOUTS_MAX = 10


def main(names: Sequence[str]) -> int:
    """Run mutmut, print what became of each module's mutants, and the score last; return 1 where it falls short."""
    if not names:
        shutil.rmtree(COPY, ignore_errors=True)
    copy_project()
    ran = subprocess.run([MUTMUT, "run", *names], cwd=COPY, env=ENVIRONMENT, check=False)
    counts = counts_by_module(statuses())
    if ran.returncode or not counts:
        print("mutmut did not run to its end.")
        return 1
    for module, counted in sorted(counts.items()):
        print(line(module, counted))
    total = sum(counts.values(), Counter[str]())
    print(line(f"{MUTATED} (at least {SCORE_MIN} %)", total))
    if total["timeout"] > TIMEOUTS_MAX:
        print(f"{total['timeout']} never ended, more than {TIMEOUTS_MAX}: the machine was too busy to tell.")
        return 1
    return int(score(total) < SCORE_MIN)


def copy_project() -> None:
    """Bring the copy up to date; what is unchanged stays as it is, as mutmut goes by the time of a file."""
    for name in COPIED:
        source = PROJECT / name
        for file in [source] if source.is_file() else source.rglob("*.*"):
            if file.is_file() and "__pycache__" not in file.parts:
                place = file.relative_to(PROJECT)
                text = file.read_bytes()
                is_mutated = place.is_relative_to(MUTATED) and place.suffix == ".py"
                put(COPY / place, with_plain_properties(text.decode()).encode() if is_mutated else text)


def put(file: Path, content: bytes) -> None:
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def with_plain_properties(source: str) -> str:
    """Return a module with each property written as a method, and a call of `property()` that makes one of it."""
    lines = source.splitlines()
    for method in sorted(properties(ast.parse(source)), key=lambda each: -each.lineno):
        first, last = method.lineno - 1, method.end_lineno or method.lineno
        indent = " " * method.col_offset
        lines.insert(last, f"{indent}{method.name} = property(property_{method.name})")
        lines[first] = lines[first].replace(f"def {method.name}(", f"def property_{method.name}(", 1)
        del lines[method.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"


def properties(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the methods of a module that have this one decorator."""
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef) and [ast.unparse(one) for one in each.decorator_list] == ["property"]:
            yield each


def statuses() -> dict[str, str]:
    """Return what mutmut says of each mutant."""
    told = subprocess.run(
        [MUTMUT, "results", "--all", "true"], cwd=COPY, check=True, capture_output=True, text=True
    ).stdout
    return dict(each.strip().rsplit(": ", 1) for each in told.splitlines() if "__mutmut_" in each)


def counts_by_module(statuses: dict[str, str]) -> dict[str, Counter[str]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for mutant, status in statuses.items():
        module, _, _ = mutant.rpartition(".")
        counts[module][status] += 1
    return counts


def score(counted: Counter[str]) -> float:
    """Return how many mutants of a hundred were noticed."""
    return 100 * sum(counted[status] for status in NOTICED) / counted.total()


def line(name: str, counted: Counter[str]) -> str:
    others = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()) if status not in NOTICED)
    noticed = sum(counted[status] for status in NOTICED)
    return f"{name:45} {noticed:5} of {counted.total():5} noticed: {score(counted):5.1f} %  {others}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
