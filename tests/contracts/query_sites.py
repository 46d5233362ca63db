"""Where the application asks the database something, found in its source, and which of these places were come by."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from pymongo.collection import Collection

MODELS = Path(__file__).parents[2] / "app" / "models"
ASKING = (
    "find", "find_one", "aggregate", "count_documents", "distinct", "update_one", "update_many", "replace_one",
    "delete_one", "delete_many", "find_one_and_update", "find_one_and_replace", "find_one_and_delete",
)  # fmt: skip
"""The driver's methods that take a filter."""
SHARED = ("find_by_ids", "find_page")
"""Our own functions that ask for whoever calls them: each call is a place of its own."""


@dataclass(frozen=True, order=True)
class Site:
    """A call in the source of a model, by its first and last line."""

    module: str
    function: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.module}.{self.function} (line {self.first})"


def query_sites() -> Iterator[Site]:
    """Yield every place in the models that asks the database for documents by a filter."""
    for path in sorted(MODELS.glob("*.py")):
        tree = ast.parse(path.read_text())
        for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and _asks(node.func):
                    yield Site(path.stem, function.name, node.lineno, node.end_lineno or node.lineno)


def _asks(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in SHARED
    return isinstance(called, ast.Attribute) and called.attr in ASKING and _is_collection(called.value)


def _is_collection(expression: ast.expr) -> bool:
    """Tell a collection from a model of ours by how it is written: `self._users`, `collection`, `database[...]`."""
    if isinstance(expression, ast.Subscript):
        return True
    if isinstance(expression, ast.Name):
        return expression.id == "collection"
    return isinstance(expression, ast.Attribute) and expression.attr.startswith("_")


@contextmanager
def sites_reached() -> Iterator[Set[tuple[str, int]]]:
    """Note the module and line of every frame of the models that is under way when the driver is asked something."""
    reached: set[tuple[str, int]] = set()
    with pytest.MonkeyPatch.context() as patch:
        for name in ASKING:
            patch.setattr(Collection, name, _noted(getattr(Collection, name), reached))
        yield reached


def _noted(method: Callable[..., Any], reached: set[tuple[str, int]]) -> Callable[..., Any]:
    @wraps(method)
    def asking(*args: Any, **options: Any) -> Any:
        frame = sys._getframe(1)
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if path.parent == MODELS:
                reached.add((path.stem, frame.f_lineno))
            frame = frame.f_back  # type: ignore[assignment]  # None at the outermost
        return method(*args, **options)

    return asking


def unreached(reached: Set[tuple[str, int]]) -> list[Site]:
    """Return the places that nothing came by."""
    return [
        site
        for site in sorted(set(query_sites()))
        if not any((site.module, line) in reached for line in range(site.first, site.last + 1))
    ]
