"""The yardsticks stay as they are."""

from __future__ import annotations

import ast
import hashlib
import sys
from pathlib import Path

YARDSTICK = Path(__file__).parents[2] / "benchmarks" / "yardstick.py"
DIGEST = "4c21626eaa8d3c61a590a63c419206bc21fd2874fdd08d80ab208e2729a1208d"


def test_the_yardsticks_are_the_ones_that_every_target_was_set_by() -> None:
    assert hashlib.sha256(YARDSTICK.read_bytes()).hexdigest() == DIGEST


def test_the_yardsticks_know_nothing_of_the_application() -> None:
    nodes = list(ast.walk(ast.parse(YARDSTICK.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names | {"pymongo"}
