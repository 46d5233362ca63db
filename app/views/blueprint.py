"""The blueprint of this API: smorest's, with strict parsing and with the refusals of each operation documented."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NoReturn, TypeVar

import flask_smorest
from flask import Request
from marshmallow import RAISE, Schema, ValidationError
from webargs.core import missing
from webargs.flaskparser import FlaskParser

from app.domain import strict_json
from app.domain.errors import BankError, UnsupportedMediaType, ValidationFailed

View = TypeVar("View", bound=Callable[..., Any])
WHOLE_INPUT = "_schema"
"""The name under which marshmallow reports what is wrong with the input as a whole."""


class StrictParser(FlaskParser):
    """Read arguments without leniency: nothing unknown, nothing twice, and JSON as `strict_json` has it."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": RAISE, "query": RAISE}  # noqa: RUF012  # webargs' type

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Return the body's object; an absent body counts as `{}` where no field is required."""
        if not req.content_length and not req.get_data(cache=True) and _is_optional(schema):
            return missing
        if req.mimetype != "application/json" or req.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedMediaType
        return strict_json.loads(req.get_data(cache=True))

    def load_querystring(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002  # webargs passes it
        """Return the query's parameters, each of which may stand there once."""
        doubled = {name: ["Give this parameter once."] for name, values in req.args.lists() if len(values) > 1}
        if doubled:
            raise ValidationError(doubled)
        return req.args.to_dict()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Raise ValidationFailed, with one flat level of field names."""
        (messages,) = error.messages_dict.values()  # webargs puts them under the location's name
        raise ValidationFailed(errors=flatten(messages))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # smorest is untyped
    """A group of operations for one audience; `guards.guard` says which, and nothing is registered without."""

    ARGUMENTS_PARSER = StrictParser()
    audience: Any = None

    def refuses(self, *errors: type[BankError]) -> Callable[[View], View]:
        """Document that an operation may answer with these errors, beside those that its shape implies."""

        def decorate(view: View) -> View:
            view._apidoc = deepcopy(getattr(view, "_apidoc", {}))  # type: ignore[attr-defined]
            view._apidoc.setdefault("refusals", []).extend(errors)  # type: ignore[attr-defined]
            return view

        return decorate


def flatten(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into `{"items.0.amount": ["..."]}`."""
    if not isinstance(messages, dict):
        return {path or WHOLE_INPUT: [str(text) for text in messages]}
    flat: dict[str, list[str]] = {}
    for name, below in messages.items():
        flat |= flatten(below, f"{path}.{name}" if path else str(name))
    return flat


def _is_optional(schema: Schema) -> bool:
    return not any(field.required for field in schema.load_fields.values())
