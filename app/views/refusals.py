"""Which errors an operation can answer with, as its documentation lists them, by status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from app.domain import errors
from app.domain.actor import Role
from app.domain.errors import BankError
from app.schemas.problem import PROBLEM_TYPE, Problem

RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
BY_MOVING_MONEY = (
    errors.IdempotencyKeyRequired,
    errors.IdempotencyMismatch,
    errors.ValidationFailed,
    errors.OutcomeUnknown,
    errors.AccountBusy,
    errors.ServerBusy,
    errors.ClockWrong,
)
BY_CHANGING_A_VERSION = (errors.PreconditionFailed, errors.PreconditionRequired)
_BY_BODY = (
    errors.MalformedJson,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
    errors.ValidationFailed,
    errors.ServerBusy,
)


def implied(operation: Mapping[str, Any], roles: frozenset[Role]) -> Iterable[type[BankError]]:
    """Yield what follows from an operation's guard and from the shape of its input."""
    yield errors.BadRequest
    if roles:
        yield errors.NotAuthenticated
        yield errors.DatabaseUnavailable
        if roles != frozenset(Role):
            yield errors.Forbidden
    if "requestBody" in operation:
        yield from _BY_BODY
    if any(parameter.get("in") == "query" for parameter in operation.get("parameters", ())):
        yield errors.ValidationFailed
    yield errors.InternalError


def described(refusals: Iterable[type[BankError]]) -> dict[int, dict[str, Any]]:
    """Return the OpenAPI responses of these errors: each code of a status, with its example."""
    by_status = defaultdict(list)
    for error in dict.fromkeys(refusals):
        by_status[error.status].append(error)
    return {status: _response(classes) for status, classes in by_status.items()}


def _response(classes: list[type[BankError]]) -> dict[str, Any]:
    headers = {"headers": {"Retry-After": RETRY_AFTER}} if classes[0].status in (429, 503) else {}
    return {
        **headers,
        "description": " ".join(f"`{error.code}`: {error.title}" for error in classes),
        "content": {
            PROBLEM_TYPE: {
                "schema": Problem,
                "examples": {error.code: {"$ref": f"#/components/examples/{error.code}"} for error in classes},
            }
        },
    }
