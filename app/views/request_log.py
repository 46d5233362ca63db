"""The request's id, and the one line that the log keeps of each request: never a body, a query, a token or a name."""

from __future__ import annotations

import random
import re
import time

import structlog
from flask import Flask, Response, g

from app.domain.origin import LOCAL, Origin, set_origin
from app.views.http import client_address, this_request

REQUEST_ID_HEADER = "X-Request-ID"
_GIVEN = "HTTP_X_REQUEST_ID"
_KEPT = "bank.request_id"
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def init_request_log(app: Flask) -> None:
    """Give every request an id, return it, and log the request when it is answered."""
    log = structlog.get_logger("bank.request").bind()  # once: binding costs as much as the line

    def start() -> None:
        g.started_s = time.perf_counter()
        set_origin(Origin(client_address(), request_id()))

    def finish(response: Response) -> Response:
        now = g._get_current_object()  # it stands behind a proxy that costs on every look
        request = this_request()
        identity = request_id()
        response.headers[REQUEST_ID_HEADER] = identity
        actor = now.get("actor")
        log.info(
            "request",
            request_id=identity,
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            duration_ms=round((time.perf_counter() - now.started_s) * 1000, 2),
            user_id=actor.user_id if actor else None,
        )
        return response

    def end(_: BaseException | None) -> None:
        set_origin(LOCAL)

    app.before_request(start)
    app.after_request(finish)
    app.teardown_request(end)


def request_id() -> str:
    """Return this request's id: the caller's where it is sane, else one of ours."""
    environ = this_request().environ
    found: str | None = environ.get(_KEPT)
    if found is None:
        given = environ.get(_GIVEN, "")
        found = environ[_KEPT] = given if _SANE.fullmatch(given) else _made_up()
    return found


def _made_up() -> str:
    return f"{random.getrandbits(128):032x}"  # nosec B311  # it names a request, and guards nothing
