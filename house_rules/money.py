"""float-money: a binary fraction can't hold a cent, and once one has been in a sum nobody finds out where."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from house_rules.source import Breach, Node, Source

_OF_TIME = frozenset({"s", "ms", "seconds", "deadline", "monotonic"})
"""What stands in the names of times, as this house gives them: how long something takes may be a fraction."""


def float_money(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find binary fractions, and what makes some: literals, `float`, `round`, `math`, and true division.

    Times are let pass, by their names; and paths, which are joined with the sign of division.
    """
    for source in sources:
        for node in source.nodes():
            if isinstance(node, Node) and (message := _fault(node)) and not _is_about_time(source, node):
                yield Breach(source, node, message)


def _fault(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float() | complex()):
            return "Write amounts as whole minor units, and rates as strings, Decimal or Fraction: this is a float."
        case ast.Name(id="float" | "complex"):
            return "A float holds neither cents nor rates exactly: use whole minor units, Decimal or Fraction."
        case ast.Call(func=ast.Name(id="round")):
            return "Say how money is rounded: this rounds what may be a float, and gives one."
        case ast.Attribute(value=ast.Name(id="math")):
            return "math works on floats: use whole numbers, Decimal or Fraction."
        case ast.BinOp(left=left, op=ast.Div(), right=right) if not (_is_text(left) or _is_text(right)):
            return "This makes a float of whole numbers: use //, divmod, Decimal or Fraction, and say why."
        case ast.AugAssign(op=ast.Div()):
            return "This makes a float of whole numbers: use //, divmod, Decimal or Fraction, and say why."
    return None


def _is_text(node: ast.expr) -> bool:
    """Tell whether this is a piece of a path."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_about_time(source: Source, node: ast.AST) -> bool:
    """Tell whether the statement that this stands in names a time; of one with a body, the part that it stands in."""
    part, place = node, node
    for place in source.above(node):
        if isinstance(place, ast.Dict) and _is_time_of(place, part):
            return True
        if isinstance(place, ast.arg | ast.withitem | ast.stmt):
            break
        part = place
    if isinstance(place, ast.FunctionDef) and part is place.returns:
        return _names_time(place.name)
    region = part if hasattr(place, "body") else place
    return any(_names_time(name) for each in ast.walk(region) for name in _names(each))


def _is_time_of(dictionary: ast.Dict, value: ast.AST) -> bool:
    """Tell whether a member of a dictionary is a time by its name."""
    names = (key for key, each in zip(dictionary.keys, dictionary.values, strict=True) if each is value)
    return any(isinstance(name, ast.Constant) and _names_time(str(name.value)) for name in names)


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the name that a node carries, if any."""
    for member in ("id", "attr", "arg"):
        if isinstance(name := getattr(node, member, None), str):
            yield name


def _names_time(name: str) -> bool:
    return not _OF_TIME.isdisjoint(name.lower().split("_"))
