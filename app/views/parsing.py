"""Arguments read without leniency: nothing unknown, nothing twice, and JSON as `strict_json` has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import IO, Any, cast

from flask import Flask, Request
from marshmallow import RAISE, Schema, ValidationError

from app.domain import strict_json
from app.domain.errors import BadRequest, PayloadTooLarge, ServerBusy, UnsupportedMediaType, ValidationFailed
from app.views.http import this_app

JSON_TYPE = "application/json"
WHOLE_INPUT = "_schema"
"""The name under which marshmallow reports what is wrong with the input as a whole."""

_WAIT_S_MAX = 0.5


def init_parsing(app: Flask) -> None:
    """Let at most half of the threads wait for bodies: the others stay free, even if no body ever comes."""
    app.extensions["body_places"] = BoundedSemaphore(max(1, app.extensions["config"].threads // 2))


def read_json(shape: Schema, req: Request) -> Any:
    """Read the body, one JSON object, into a schema; an absent body counts as `{}` where no field is required.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON in UTF-8.
        MalformedJson: it is not one object.
        ValidationFailed: its fields are not those of the schema.
    """
    body = _body(req)
    if not body and is_optional(shape):
        return _load(shape, {})
    if req.content_type != JSON_TYPE and not _is_json(req):
        raise UnsupportedMediaType
    return _load(shape, strict_json.loads(body))


def read_query(shape: Schema, req: Request) -> Any:
    """Read the query's parameters, each of which may stand there once, into a schema.

    Raises:
        ValidationFailed: they are not those of the schema, or one is given twice.
    """
    # raw-request: here queries are read, for their shapes
    doubled = {name: ["Give this parameter once."] for name, values in req.args.lists() if len(values) > 1}
    if doubled:
        raise ValidationFailed(errors=doubled)
    return _load(shape, req.args.to_dict())  # raw-request: here queries are read, for their shapes


def _load(shape: Schema, given: Mapping[str, Any]) -> Any:
    try:
        return shape.load(given, unknown=RAISE)
    except ValidationError as error:
        raise ValidationFailed(errors=flatten(error.messages_dict)) from None


def flatten(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into `{"items.0.amount": ["..."]}`."""
    if not isinstance(messages, dict):
        return {path or WHOLE_INPUT: [str(text) for text in messages]}
    flat: dict[str, list[str]] = {}
    for name, below in messages.items():
        within = path if name == WHOLE_INPUT else f"{path}.{name}" if path else str(name)
        flat |= flatten(below, within)
    return flat


def is_optional(schema: Schema) -> bool:
    """Tell whether an absent body will do, as no field is required."""
    return not any(field.required for field in schema.load_fields.values())


@contextmanager
def body_place() -> Iterator[None]:
    """Take a place among those who may wait for their bodies.

    Raises:
        ServerBusy: there is none for the moment.
    """
    places = cast(BoundedSemaphore, this_app().extensions["body_places"])
    if not places.acquire(timeout=_WAIT_S_MAX):
        raise ServerBusy(retry_after_s=1)
    try:
        yield
    finally:
        places.release()


def _is_json(req: Request) -> bool:
    return req.mimetype == JSON_TYPE and req.mimetype_params.get("charset", "utf-8").lower() == "utf-8"


def _body(req: Request) -> bytes:
    """Return the whole body. Werkzeug's own reading cuts one of undeclared length at the limit without a word.

    Raises:
        PayloadTooLarge: it is larger than the server takes, with its length declared or not.
        BadRequest: the connection ended before the body did.
        ServerBusy: too many requests wait for their bodies already.
    """
    limit, length = req.max_content_length or 0, req.content_length
    if length is not None and length > limit:
        raise PayloadTooLarge
    if length is None and not req.environ.get("wsgi.input_terminated"):
        return b""
    body = _read(req, limit + 1 if length is None else length)
    if len(body) > limit:
        raise PayloadTooLarge
    if len(body) < (length or 0):
        raise BadRequest("The body ended early.")
    return body


def _read(req: Request, size: int) -> bytes:
    """Read so many bytes, or as many as there are, in a place among those who may wait for them."""
    with body_place():
        return _read_all(req.environ["wsgi.input"], size)  # raw-request: here bodies are read, for their shapes


def _read_all(stream: IO[bytes], size: int) -> bytes:
    """Read so many bytes, or as many as there are; a stream may give them in pieces."""
    body = stream.read(size)
    while body and len(body) < size:
        more = stream.read(size - len(body))
        if not more:
            break
        body += more
    return body
