"""The HTTP surface: the only layer that imports Flask. Every blueprint is listed here, by audience."""

from __future__ import annotations

from flask import Flask

from app.views import health
from app.views.error_handlers import init_error_handlers
from app.views.guards import refuse_unguarded_routes, register
from app.views.openapi import make_api
from app.views.request_log import init_request_log

BLUEPRINTS = (health.bp,)


def init_views(app: Flask) -> None:
    """Register every blueprint, the error handlers and the request log; refuse routes that nobody guards."""
    init_request_log(app)
    init_error_handlers(app)
    api = make_api(app)
    for blueprint in BLUEPRINTS:
        register(api, blueprint)
    refuse_unguarded_routes(app)
