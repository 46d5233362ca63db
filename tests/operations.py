"""What the API takes, as its description says: a new route is tried without being listed anywhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask

from tests.described import description_of


@dataclass(frozen=True)
class Operation:
    """One method of one path, as it is described."""

    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    body: Any
    members: frozenset[str]

    def at(self, text: str) -> str:
        """Return the path with this text for each of its parameters."""
        path = self.path
        for name in self.in_path:
            path = path.replace(f"{{{name}}}", text)
        return path


def operations(app: Flask) -> Iterator[Operation]:
    description = description_of(app)
    for path, methods in description["paths"].items():
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            described = methods[method]
            parameters = [*methods.get("parameters", ()), *described.get("parameters", ())]
            places: dict[str, list[str]] = {"path": [], "query": [], "header": []}
            for parameter in parameters:
                places[parameter["in"]].append(parameter["name"])
            schema = _body_schema(description, described)
            yield Operation(
                method.upper(),
                path,
                tuple(places["path"]),
                tuple(places["query"]),
                next(iter(schema.get("examples", ())), None),
                frozenset(schema.get("properties", ())),
            )


def _body_schema(description: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    content = described.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return {}
    found: dict[str, Any] = description["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return found


def places_in(node: Any, trail: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each member of a document, the document itself first."""
    yield trail
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, member in inner:
        yield from places_in(member, (*trail, name))


def with_member(document: Any, trail: tuple[Any, ...], value: Any) -> Any:
    if not trail:
        return value
    changed = copy.deepcopy(document)
    node = changed
    for name in trail[:-1]:
        node = node[name]
    node[trail[-1]] = value
    return changed
