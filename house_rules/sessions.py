"""missing-session: within a transaction, what is done without its session is done outside it, and nobody tells."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache

from house_rules.classes import COLLECTION, DATABASE, Classes, Names, named
from house_rules.source import Breach, Source

_COMMANDS = frozenset({
    "aggregate", "aggregate_raw_batches", "bulk_write", "command", "count_documents", "delete_many", "delete_one",
    "distinct", "estimated_document_count", "find", "find_one", "find_one_and_delete", "find_one_and_replace",
    "find_one_and_update", "find_raw_batches", "insert_many", "insert_one", "replace_one", "update_many", "update_one",
})  # fmt: skip
_SESSION = "ClientSession"
_Function = ast.FunctionDef | ast.Lambda
_Reach = tuple[ast.Call, str, Names]
"""A call, the session that it could use, and the classes of the names around it."""


def missing_session(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find calls in reach of a session that don't get it, though they go to the database.

    These are the driver's own methods, functions of the models that take a session, and those that should take one:
    they go to the database, and have none.
    """
    models = _Models([source for source in sources if source.is_in("app/models")])
    for source in sources:
        for call, session, names in _calls_in_reach(source.tree, None, {}):
            if _is_passed(session, call):
                continue
            if models.is_command(call, names) or models.takes_session(call, names):
                yield Breach(source, call, f"Pass session={session}: without it this is outside the transaction.")
            elif models.goes_without(call, names):
                yield Breach(source, call, "This goes to the database without a session: outside the transaction.")


class _Models:
    """What the models' functions and methods do about sessions."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._classes = Classes(sources)
        self._functions = {
            node.name: node for source in sources for node in source.tree.body if isinstance(node, ast.FunctionDef)
        }
        self._goes = cache(self._goes_to_database)

    def is_command(self, call: ast.Call, names: Names) -> bool:
        """Tell whether a method of a collection or a database is called."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in _COMMANDS:
            return False
        return self._classes.class_of(call.func.value, names) in (COLLECTION, DATABASE)

    def takes_session(self, call: ast.Call, names: Names) -> bool:
        """Tell whether what is called takes a session."""
        called = self._called(call, names)
        return called is not None and _session_of(called[0]) is not None

    def goes_without(self, call: ast.Call, names: Names) -> bool:
        """Tell whether what is called goes to the database, and takes no session."""
        called = self._called(call, names)
        return called is not None and _session_of(called[0]) is None and self._goes(*called)

    def _called(self, call: ast.Call, names: Names) -> tuple[ast.FunctionDef, str] | None:
        """Return the function that is called, and its class."""
        if isinstance(call.func, ast.Name):
            function, owner = self._functions.get(call.func.id), ""
        elif isinstance(call.func, ast.Attribute):
            owner = self._classes.class_of(call.func.value, names) or ""
            function = self._classes.methods[owner].get(call.func.attr)
        else:
            return None
        return None if function is None else (function, owner)

    def _goes_to_database(self, function: ast.FunctionDef, owner: str) -> bool:
        names = {"self": owner, **named(function.args)}
        return any(isinstance(node, ast.Call) and self.is_command(node, names) for node in ast.walk(function))


def is_command(call: ast.Call) -> bool:
    """Tell whether a call looks like one of a method of a collection or a database, whatever it is called on."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in _COMMANDS


def _calls_in_reach(node: ast.AST, session: str | None, names: Names) -> Iterator[_Reach]:
    """Yield each call below a node from where a session can be seen."""
    if isinstance(node, ast.ClassDef):
        names = {**names, "self": node.name}
    elif isinstance(node, _Function):
        names = {**names, **named(node.args)}
        session = _session_of(node) or session
    elif isinstance(node, ast.Call) and session is not None:
        yield node, session, names
    for child in ast.iter_child_nodes(node):
        yield from _calls_in_reach(child, session, names)
        if isinstance(child, ast.withitem) and _begins_session(child) and isinstance(child.optional_vars, ast.Name):
            session = child.optional_vars.id  # for the items behind it, and the block


def _begins_session(item: ast.withitem) -> bool:
    match item.context_expr:
        case ast.Call(func=ast.Attribute(attr="start_session" | "_snapshot")):
            return True
    return False


def _session_of(function: _Function) -> str | None:
    """Return the name of the parameter that is a session of the database (logins are sessions, too)."""
    annotated = named(function.args)
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    for parameter in every:
        if annotated.get(parameter.arg) == _SESSION or (isinstance(function, ast.Lambda) and _is_meant(parameter)):
            return parameter.arg
    return None


def _is_meant(parameter: ast.arg) -> bool:
    """Tell whether a lambda's parameter, which has no annotation, is a session by its name."""
    return parameter.arg in ("session", "own")


def _is_passed(session: str, call: ast.Call) -> bool:
    """Tell whether a call gets the session, by name or by place."""
    values = (*call.args, *(keyword.value for keyword in call.keywords))
    return any(isinstance(value, ast.Name) and value.id == session for value in values)
