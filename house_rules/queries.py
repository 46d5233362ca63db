"""What people send is never taken for a query: neither as an operator, nor as a field's name, a pattern or code.

`foreign-filter` rests on mypy, by which a text is a text, and on the rules of `shapes`, by which nothing else gets in:
so what the models are handed under a narrow type is no operator, and what is of any type is refused here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from house_rules.sessions import is_command
from house_rules.source import Breach, Node, Source

_ANYTHING = ("Any", "object", "dict", "Dict", "Mapping", "MutableMapping", "Document")
"""How types begin that may hold an operator of the database."""
_CODE = frozenset({"$where", "$function", "$accumulator", "$expr"})
_OF_PATTERNS = frozenset({"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"})


def foreign_filter(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find what a public function of the models was handed as anything at all, and puts into a query or a document.

    Also the names of fields that are made up at run time.
    """
    for source in sources:
        for node in source.nodes() if source.is_in("app/models") else ():
            match node:
                case ast.Call() if is_command(node):
                    found = _handed_on(source, node)
                case ast.Dict():
                    found = _in_dictionary(source, node)
                case ast.DictComp():
                    found = _in_comprehension(source, node)
                case _:
                    continue
            yield from (Breach(source, *breach) for breach in found)


def code_in_query(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find operators by which the database would compute what a text says."""
    for source in sources:
        for node in source.nodes():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _CODE:
                yield Breach(source, node, f"{node.value} lets the database compute what a query says: do without.")


def pattern_from_data(sources: Sequence[Source]) -> Iterator[Breach]:
    """Find patterns that are put together at run time: they may be anybody's, and take for ever."""
    for source in sources:
        for node in source.nodes():
            for pattern in _patterns(node):
                if _is_in_function(source, node) and not _is_fixed(pattern):
                    yield Breach(source, pattern, "Make this pattern a constant, or escape what is put into it.")


def _handed_on(source: Source, call: ast.Call) -> Iterator[tuple[Node, str]]:
    handed = _of_any_type(source, call)
    for value in (*call.args[:2], *(keyword.value for keyword in call.keywords)):
        if isinstance(value, ast.Name) and value.id in handed:
            yield value, f"{value.id} may be any query: let the models make their queries themselves."


def _in_dictionary(source: Source, node: ast.Dict) -> Iterator[tuple[Node, str]]:
    handed = _of_any_type(source, node)
    may_make_up = _tells_errors(source, node) or not _is_in_function(source, node)
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(value, ast.Name) and value.id in handed:
            yield value, f"{value.id} may hold an operator of the database: say of which type it is."
        if key is not None and _is_made_up(key) and not may_make_up:
            yield key, "The name of a field is made at run time: write it down, or say which ones it may be."


def _in_comprehension(source: Source, node: ast.DictComp) -> Iterator[tuple[Node, str]]:
    """Find members that are taken over from any object, names and all."""
    handed = _of_any_type(source, node)
    for name in (each for loop in node.generators for each in ast.walk(loop.iter) if isinstance(each, ast.Name)):
        if name.id in handed:
            yield name, f"{name.id} may be any object: write its members down."


def _of_any_type(source: Source, node: ast.AST) -> frozenset[str]:
    """Return the parameters of the public functions around a node that may be anything."""
    functions = (each for each in source.above(node) if isinstance(each, ast.FunctionDef))
    public = (each for each in functions if not each.name.startswith("_"))
    parameters = (parameter for function in public for parameter in _parameters(function.args))
    return frozenset(each.arg for each in parameters if each.arg not in ("self", "cls") and _is_anything(each))


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)


def _is_anything(parameter: ast.arg) -> bool:
    return parameter.annotation is None or ast.unparse(parameter.annotation).startswith(_ANYTHING)


def _is_made_up(key: ast.expr) -> bool:
    """Tell whether a key is a variable, or a text with one in it; constants are written in capitals."""
    if isinstance(key, ast.IfExp):
        return _is_made_up(key.body) or _is_made_up(key.orelse)
    names = [node.id for node in ast.walk(key) if isinstance(node, ast.Name)]
    return not isinstance(key, ast.Attribute) and any(not name.isupper() for name in names)


def _tells_errors(source: Source, node: ast.Dict) -> bool:
    """Tell whether a dictionary says what is wrong with which field."""
    parent = source.parents[node]
    return isinstance(parent, ast.keyword) and parent.arg == "errors"


def _patterns(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what is used as a pattern: by `re`, or in a query."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name), args=[pattern, *_]):
            yield from [pattern] if name in _OF_PATTERNS else []
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "$regex")


def _is_in_function(source: Source, node: ast.AST) -> bool:
    return any(isinstance(each, ast.FunctionDef | ast.Lambda) for each in source.above(node))


def _is_fixed(pattern: ast.expr) -> bool:
    """Tell whether a pattern is a literal, a constant, or escaped."""
    match pattern:
        case ast.Call(func=function):
            return ast.unparse(function) == "re.escape"
        case ast.Name(id=name):
            return name.isupper()
    return isinstance(pattern, ast.Constant)
