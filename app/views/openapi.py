"""The OpenAPI description, generated from blueprints and schemas alone."""

from __future__ import annotations

from threading import Lock
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow.fields import Field

from app.domain.errors import all_errors
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.problem import example_of
from app.version import VERSION

TITLE = "Bank Management System"
OPENAPI_VERSION = "3.1.0"
BEARER = "bearerAuth"
_BEARER_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The access_token of POST /auth/login, by itself.",
}
_DESCRIPTION = """Accounts and exact money on a double-entry ledger.

Register, log in, and send the access token as `Authorization: Bearer ...`. Amounts come in as JSON numbers or decimal
strings and go out as strings with the currency's decimals. Errors are RFC 9457 problem details with a stable `code`.
Every address also answers under `/api`."""

_VISIBLE_TEXT = r'^([!#-~][!-~]*|"([!#-[\]-~]|\\["\\])+")$'
"""Bare, or as one quoted string (RFC 8941)."""

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Makes a retry safe: the same key and request have one effect, for ever.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _VISIBLE_TEXT},
}
IDEMPOTENT_REPLAYED = {
    "description": "`true` where this is the answer of an earlier request with the same key.",
    "schema": {"type": "string", "enum": ["true"]},
}

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The `ETag` of the record as you have read it; without it the change is refused.",
    "schema": {"type": "string", "examples": ['"3"']},
}
ETAG = {
    "description": "The version of this record; send it back as `If-Match` to change it.",
    "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
}


def asking() -> dict[str, Any]:
    """Return the headers of an answer that names an approval, anew: more may be added to them."""
    where = {"description": "Where the approval is.", "schema": {"type": "string", "format": "uri-reference"}}
    return {"Location": where}


class _Converter(OpenAPIConverter):
    """Adds what marshmallow can't say: examples, closed objects, and that answers hold all their fields."""

    def schema2jsonschema(self, schema: BaseSchema) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        described["additionalProperties"] = False
        if isinstance(schema, OutSchema):
            described["required"] = sorted(
                name for name in described["properties"] if name not in schema.SOMETIMES_ABSENT
            )
        described["examples"] = [schema.EXAMPLE]
        return described

    def field2property(self, field: Field[Any]) -> dict[str, Any]:
        described: dict[str, Any] = super().field2property(field)
        if described.get("default", ...) is None:
            del described["default"]  # null stands for "not given" in here; a caller can't send it
        return described


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class Api(flask_smorest.Api):  # type: ignore[misc]  # smorest is untyped
    """smorest's collector of documentation, without its pages and without its error handlers: ours take their place."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, **options: Any) -> None:
        self._undescribed: list[flask_smorest.Blueprint] = []
        self._describing = Lock()
        super().__init__(app, **options)

    def register_blueprint(self, blueprint: flask_smorest.Blueprint) -> None:
        """Serve a blueprint. It is described when somebody asks: a start has no time for that."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undescribed.append(blueprint)

    def description(self) -> dict[str, Any]:
        """Return the OpenAPI description of all that is served."""
        with self._describing:
            for blueprint in self._undescribed:
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
            self._undescribed.clear()
            described: dict[str, Any] = self.spec.to_dict()
            return described

    def _register_error_handlers(self) -> None:
        """Leave errors to `error_handlers`."""

    def _register_doc_blueprint(self) -> None:
        """Leave the pages to `docs`."""

    def _register_responses(self) -> None:
        """Leave problems to `refusals`."""

    def _register_etag_headers(self) -> None:
        """There are none."""

    def _register_pagination_header(self) -> None:
        """There is none: a page says in its body how to go on."""


def make_api(app: Flask) -> Api:
    """Attach an empty description to the application, for the blueprints that are registered with it to fill."""
    plugin = _Plugin(schema_name_resolver=_component_name)
    api = Api(
        app,
        spec_kwargs={
            "title": TITLE,
            "version": VERSION,
            "openapi_version": OPENAPI_VERSION,
            "marshmallow_plugin": plugin,
            "info": {"description": _DESCRIPTION},
            "servers": [{"url": "/"}, {"url": "/api", "description": "The same, behind a gateway."}],
        },
    )
    for error in all_errors():
        api.spec.components.example(error.code, {"summary": error.title, "value": example_of(error)})
    api.ma_plugin.converter.add_attribute_function(_field_description)
    api.spec.components.security_scheme(BEARER, _BEARER_SCHEME)
    return api


def _component_name(schema: Any) -> str:
    return schema.__name__ if isinstance(schema, type) else type(schema).__name__


def _field_description(_converter: OpenAPIConverter, field: Field[Any], **_: Any) -> dict[str, Any]:
    """Let a field class of ours describe itself in its `OPENAPI`, and say where null stands for nothing."""
    described = dict(getattr(field, "OPENAPI", {}))
    if field.allow_none and "oneOf" in described:
        described["oneOf"] = [*described["oneOf"], {"type": "null"}]
    elif field.allow_none and "type" in described:
        described["type"] = [described["type"], "null"]
    return described
