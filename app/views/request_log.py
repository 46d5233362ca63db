"""The request's id, and the one line that the log keeps of each request: never a body, a query, a token or a name."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from flask import Flask, Response, g, request

REQUEST_ID_HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_log = structlog.get_logger("bank.request")


def init_request_log(app: Flask) -> None:
    """Give every request an id, return it, and log the request when it is answered."""
    app.before_request(_start)
    app.after_request(_finish)


def request_id() -> str:
    """Return this request's id: the caller's where it is sane, else one of ours."""
    found: str | None = g.get("request_id")
    if found is None:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        found = g.request_id = given if _SANE.fullmatch(given) else secrets.token_hex(16)
    return found


def _start() -> None:
    g.started_s = time.perf_counter()


def _finish(response: Response) -> Response:
    identity = request_id()
    response.headers[REQUEST_ID_HEADER] = identity
    actor = g.get("actor")
    _log.info(
        "request",
        request_id=identity,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - g.started_s) * 1000, 2),
        user_id=actor.user_id if actor else None,
    )
    return response
