"""A test client that holds every answer against the API's own description, whatever the test is about."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

UNDESCRIBED = ("/openapi.json", "/docs")
DESCRIPTION = "urn:description"
_made: dict[frozenset[str], dict[str, Any]] = {}


class Undescribed(AssertionError):
    """The server answered what its description does not say."""


class DescribedClient(FlaskClient):
    """Flask's client, checking status, media type and body of each answer against the OpenAPI description."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        answer = super().open(*arguments, **{"buffered": True, **options})  # which closes files that are sent
        path = re.sub(r"^/api(?=/)", "", answer.request.environ["PATH_INFO"])
        is_preflight = answer.request.method == "OPTIONS" and answer.status_code == 204
        if path != "/" and not path.startswith(UNDESCRIBED) and not is_preflight:
            check_described(self.application, answer, path)
        return answer


def description_of(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI description of an application, made once for all that serve the same: that takes its time."""
    if DESCRIPTION not in app.extensions:
        routes = frozenset(str(rule) for rule in app.url_map.iter_rules())
        if routes not in _made:
            _made[routes] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].description()
        app.extensions[DESCRIPTION] = _made[routes]
    found: dict[str, Any] = app.extensions[DESCRIPTION]
    return found


def check_described(app: Flask, answer: TestResponse, path: str) -> None:
    """Check the answer to a request for this path.

    Raises:
        Undescribed: its status, its media type or its body is not what the description says.
    """
    method = answer.request.method.lower()
    operation = _operation(app, "get" if method == "head" else method, path)
    if operation is None:
        if answer.status_code < 400:
            raise Undescribed(f"{method} {path} is not described.")
        if method != "head":
            _check_body(_validator(app, "Problem"), answer)
        return
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        raise Undescribed(f"{method} {path} answers {answer.status_code}, which is not described: {answer.text}")
    content = described.get("content")
    if content is None:
        if answer.data:
            raise Undescribed(f"{method} {path} answers {answer.status_code} with a body.")
        return
    if answer.mimetype not in content:
        raise Undescribed(f"{method} {path} answers as {answer.mimetype}, not as {list(content)}.")
    if method != "head":
        name = content[answer.mimetype]["schema"]["$ref"].rpartition("/")[2]
        _check_body(_validator(app, name), answer)


def _check_body(validator: Draft202012Validator, answer: TestResponse) -> None:
    body = answer.get_json(force=True)
    for error in validator.iter_errors(body):
        raise Undescribed(f"{answer.request.path}: {error.json_path} {error.message}\n{body}")


def _operation(app: Flask, method: str, path: str) -> dict[str, Any] | None:
    """Find the operation that the application's own routing finds."""
    rules = app.url_map.bind("localhost")
    if path.startswith("//") or not rules.test(path, method.upper()):
        return None
    rule, _ = rules.match(path, method.upper(), return_rule=True)
    described_path = rule.rule.replace("<", "{").replace(">", "}")
    found: dict[str, Any] | None = description_of(app)["paths"].get(described_path, {}).get(method)
    return found


def _validator(app: Flask, name: str) -> Draft202012Validator:
    registry = Registry().with_resource(DESCRIPTION, DRAFT202012.create_resource(description_of(app)))
    schema = {"$ref": f"{DESCRIPTION}#/components/schemas/{name}"}
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())
