"""The yardsticks stay as they are."""

from __future__ import annotations

import ast
import hashlib
import sys
from pathlib import Path

YARDSTICK = Path(__file__).parents[2] / "benchmarks" / "yardstick.py"
DIGEST = "970d2f39d65e5e8755d52855814e848e74d8c933914c3db7b24f2daa73a5eaa5"


def test_the_yardsticks_are_the_ones_that_every_target_was_set_by() -> None:
    assert hashlib.sha256(YARDSTICK.read_bytes()).hexdigest() == DIGEST


def test_the_yardsticks_know_nothing_of_the_application() -> None:
    nodes = list(ast.walk(ast.parse(YARDSTICK.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names | {"flask", "pymongo"}
