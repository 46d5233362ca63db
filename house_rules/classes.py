"""What hangs on what: which class a receiver is of, as far as constructors and annotations tell."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from house_rules.source import Source

COLLECTION, DATABASE = "Collection", "Database"
_PIECES = {DATABASE: COLLECTION, "MongoClient": DATABASE}
"""What `x[...]` gives."""
_ATTRIBUTES = {(COLLECTION, "database"): DATABASE, ("MongoClient", "admin"): DATABASE}
_KNOWN = {"store": "Store", "database": DATABASE, "collection": COLLECTION, "client": "MongoClient"}
"""What names stand for throughout the house, where nothing else is said."""
Names = Mapping[str, str]


class Classes:
    """The classes of the program by their names, with their methods and with what their attributes hold."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.methods: defaultdict[str, dict[str, ast.FunctionDef]] = defaultdict(dict)
        self._held: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for source in sources:
            for node in source.nodes():
                if isinstance(node, ast.ClassDef):
                    self._add(node)

    def class_of(self, node: ast.expr, names: Names) -> str | None:
        """Return the class that an expression gives, `names` telling those of variables."""
        match node:
            case ast.Name(id=name):
                return names.get(name) or _KNOWN.get(name)
            case ast.Attribute(value=value, attr=attribute):
                holder = self.class_of(value, names) or ""
                return _ATTRIBUTES.get((holder, attribute)) or self._held[holder].get(attribute)
            case ast.Subscript(value=value):
                return _PIECES.get(self.class_of(value, names) or "")
            case ast.Call(func=ast.Name(id=name)):
                return name
            case ast.Call(func=ast.Attribute(value=value, attr="with_options" | "get_collection" | "get_database")):
                holder = self.class_of(value, names) or ""
                return _PIECES.get(holder, holder)
        return None

    def _add(self, node: ast.ClassDef) -> None:
        for member in node.body:
            if isinstance(member, ast.FunctionDef):
                self.methods[node.name][member.name] = member
                names = {"self": node.name, **named(member.args)}
                for name, value in _assigned(member):
                    held = self.class_of(value, names)
                    if held is not None:
                        self._held[node.name].setdefault(name, held)


def named(arguments: ast.arguments) -> dict[str, str]:
    """Return the classes of parameters, by their annotations."""
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return {each.arg: _plain(each.annotation) for each in every if each.annotation is not None}


def _plain(annotation: ast.expr) -> str:
    """Return the name of a class, without what it is of and without `| None`."""
    return ast.unparse(annotation).removesuffix(" | None").partition("[")[0].strip("'\"")


def _assigned(method: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a method gives to attributes of its object."""
    for node in ast.walk(method):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                yield name, value
