"""Every error as RFC 9457 problem details: the bank's own, the framework's, and whatever nobody foresaw."""

from __future__ import annotations

import structlog
from flask import Flask, Response, current_app, g, json
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed

from app.domain.errors import (
    BadRequest,
    BankError,
    InternalError,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from app.schemas.problem import PROBLEM_TYPE, problem_body
from app.views.audited_refusals import note_refusal
from app.views.request_log import request_id

_BY_STATUS: dict[int, type[BankError]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    500: InternalError,
}
_log = structlog.get_logger("bank")


def init_error_handlers(app: Flask) -> None:
    """Answer every exception with a problem."""
    app.register_error_handler(BankError, _refusal)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unforeseen_problem)


def _refusal(error: BankError) -> Response:
    """Answer with a refusal, and put into the audit trail what belongs there."""
    note_refusal(error)
    return problem(error)


def problem(error: BankError) -> Response:
    """Return the response that tells a caller of this error."""
    body = json.dumps(problem_body(error, request_id=request_id()))
    response = current_app.response_class(body, status=error.status, mimetype=PROBLEM_TYPE)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401 and (isinstance(error, NotAuthenticated) or "actor" not in g):
        response.headers["WWW-Authenticate"] = "Bearer"  # within a session it would say that the session is over
    return response


def _http_problem(error: HTTPException) -> Response:
    """Say in the bank's terms what the framework refused, without the framework's words."""
    response = problem(_BY_STATUS.get(error.code or 400, BadRequest)())
    if isinstance(error, WerkzeugMethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _unforeseen_problem(error: Exception) -> Response:
    """Answer without the error's words. Tests within one process set `testing`, so that a bug shows its traceback."""
    if current_app.testing:
        raise error
    _log.error("unforeseen_error", request_id=request_id(), exc_info=error)
    return problem(InternalError())
