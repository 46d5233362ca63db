"""missing-session: within a transaction, what is done without its session is done outside it, and nobody tells."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from house_rules.source import Breach, Source

COLLECTION_METHODS = frozenset({
    "aggregate", "aggregate_raw_batches", "bulk_write", "command", "count_documents", "delete_many", "delete_one",
    "distinct", "estimated_document_count", "find", "find_one", "find_one_and_delete", "find_one_and_replace",
    "find_one_and_update", "find_raw_batches", "insert_many", "insert_one", "replace_one", "update_many", "update_one",
})  # fmt: skip
_SESSION_TYPES = frozenset({"ClientSession", "ClientSession | None", "'ClientSession'"})
_ROOTS_OF_MODELS = frozenset({"self", "store"})
_BEGIN = "start_session"
_Function = ast.FunctionDef | ast.Lambda


def missing_session(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find calls in reach of a session that don't get it, though they go to the database.

    These are the driver's own methods, functions of the models that take a session, and those that should take one:
    they go to the database, and have none. A function is known by its name, and by whether it is a method.
    """
    models = _Functions.of(source for source in sources if source.is_in("app/models"))
    for source in sources:
        for call, session in _calls_in_reach(source.tree, None):
            name = _called(call)
            if _is_passed(session, call):
                continue
            if is_driver_call(call) or name in models.taking:
                yield Breach(source, call, f"Pass session={session}: without it this is outside the transaction.")
            elif name in models.without:
                yield Breach(source, call, "This goes to the database without a session: outside the transaction.")


@dataclass(frozen=True)
class _Functions:
    """The functions of the models by (name, whether it is a method), and whether each takes a session."""

    kinds: Mapping[tuple[str, bool], set[str]]

    @classmethod
    def of(cls, sources: Iterable[Source]) -> _Functions:
        kinds: dict[tuple[str, bool], set[str]] = {}
        for source in sources:
            for node, is_method in _functions(source.tree):
                goes = any(isinstance(each, ast.Call) and is_driver_call(each) for each in ast.walk(node))
                kind = "taking" if _session_of(node) else "without" if goes else "neither"
                kinds.setdefault((node.name, is_method), set()).add(kind)
        return cls(kinds)

    @cached_property
    def taking(self) -> frozenset[tuple[str, bool]]:
        """Return those that take a session, whichever of that name is meant."""
        return frozenset(name for name, kinds in self.kinds.items() if kinds == {"taking"})

    @cached_property
    def without(self) -> frozenset[tuple[str, bool]]:
        """Return those that go to the database without one, whichever of that name is meant."""
        return frozenset(name for name, kinds in self.kinds.items() if kinds == {"without"})


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Yield the functions of a module and its methods; what is defined inside of one is called there alone."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node, False
        elif isinstance(node, ast.ClassDef):
            yield from ((member, True) for member in node.body if isinstance(member, ast.FunctionDef))


def _calls_in_reach(node: ast.AST, session: str | None) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call below a node from where a session can be seen, with the session's name."""
    if isinstance(node, _Function):
        session = _session_of(node) or session
    if isinstance(node, ast.Call) and session is not None:
        yield node, session
    for child in ast.iter_child_nodes(node):
        yield from _calls_in_reach(child, session)
        if isinstance(child, ast.withitem) and _begins_session(child) and isinstance(child.optional_vars, ast.Name):
            session = child.optional_vars.id  # for the items behind it, and the block


def _begins_session(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Call) and _called(item.context_expr)[0] == _BEGIN


def _called(call: ast.Call) -> tuple[str, bool]:
    """Return the name that is called, and whether it is a method of what hangs on the store or on the object itself."""
    if isinstance(call.func, ast.Name):
        return call.func.id, False
    if not isinstance(call.func, ast.Attribute):
        return "", False
    root: ast.expr = call.func
    while isinstance(root, ast.Attribute):
        root = root.value
    is_model = isinstance(root, ast.Name) and root.id in _ROOTS_OF_MODELS
    return call.func.attr if is_model or call.func.attr == _BEGIN else "", True


def is_driver_call(call: ast.Call) -> bool:
    """Tell whether a method of a collection or a database is called."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in COLLECTION_METHODS:
        return False
    receiver = ast.unparse(call.func.value).lower()
    return any(word in receiver for word in ("collection", "database", "admin", "[spec"))


def _session_of(function: _Function) -> str | None:
    """Return the name of the parameter that is a session of the database (logins are sessions, too)."""
    for parameter in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        if parameter.annotation is None:
            if parameter.arg == "session":
                return parameter.arg
        elif ast.unparse(parameter.annotation) in _SESSION_TYPES:
            return parameter.arg
    return None


def _is_passed(session: str, call: ast.Call) -> bool:
    """Tell whether a call gets the session, by name or by place."""
    values = (*call.args, *(keyword.value for keyword in call.keywords))
    return any(isinstance(value, ast.Name) and value.id == session for value in values)
