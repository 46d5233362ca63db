"""Cross-origin calls, for the origins on the allow-list and nobody else. OPTIONS exists for their preflights alone."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request
from flask_cors import CORS
from werkzeug.exceptions import MethodNotAllowed

PREFLIGHT_SECONDS = 600


def init_cors(app: Flask, origins: Sequence[str]) -> None:
    """Let scripts from these origins call; without any, the application knows nothing of CORS."""
    if not origins:
        return
    allowed = frozenset(origins)

    def answer_preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        is_known_path = isinstance(request.routing_exception, MethodNotAllowed)
        if is_preflight and is_known_path and request.headers.get("Origin") in allowed:
            return Response(status=204)
        return None

    app.before_request(answer_preflight)
    CORS(
        app,
        origins=list(origins),
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-Request-ID"],
        expose_headers=["ETag", "Idempotent-Replayed", "Retry-After", "X-Request-ID"],
        max_age=PREFLIGHT_SECONDS,
        intercept_exceptions=False,
    )
