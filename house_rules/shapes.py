"""Whatever comes in comes in through a shape, and no shape lets in just any object."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from house_rules.source import Breach, Source

_SHAPELESS = frozenset({"Raw", "Dict", "Mapping", "Field", "Function", "Method"})
_RAW = frozenset({
    "args", "cookies", "data", "files", "form", "get_data", "get_json", "json", "query_string", "stream", "values",
})  # fmt: skip


def raw_request(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find where a view reads a body, a query or a form itself, instead of through its shape."""
    for source in sources:
        for node in source.nodes() if source.is_in("app/views") else ():
            match node:
                case ast.Attribute(
                    value=ast.Name(id="request" | "req") | ast.Call(func=ast.Name(id="this_request")), attr=name
                ) if name in _RAW:
                    yield Breach(source, node, "Read it through a shape: @bp.arguments(...).")
                case ast.Constant(value="wsgi.input"):
                    yield Breach(source, node, "Read it through a shape: @bp.arguments(...).")


def shapeless_field(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find fields of shapes that come in which would let any object in."""
    for source in sources:
        for shape in source.nodes() if source.is_in("app/schemas") else ():
            if not isinstance(shape, ast.ClassDef) or _goes_out(shape):
                continue
            for node in (each for member in shape.body for each in ast.walk(member)):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="fields"), attr=name)) if name in _SHAPELESS:
                        yield Breach(source, node, "This lets in any object: give it a shape, or a field of its own.")


def _goes_out(shape: ast.ClassDef) -> bool:
    """Tell whether a shape goes out: by its name, or by what it is built on."""
    return any(name.endswith(("Out", "OutSchema", "Page")) for name in (shape.name, *map(ast.unparse, shape.bases)))
