"""The HTTP surface: the only layer that imports Flask. Every blueprint is listed here, by audience."""

from __future__ import annotations

from flask import Flask

from app.views import admin, auth, banker, customer, fx_rates, health, mfa
from app.views.authentication import init_authentication
from app.views.cors import init_cors
from app.views.docs import docs_blueprint
from app.views.error_handlers import init_error_handlers
from app.views.guards import refuse_unguarded_routes, register
from app.views.openapi import make_api
from app.views.parsing import init_parsing
from app.views.paths import init_paths
from app.views.request_log import init_request_log

BLUEPRINTS = (
    health.bp,
    auth.entrance,
    auth.bp,
    mfa.bp,
    fx_rates.bp,
    *customer.BLUEPRINTS,
    *banker.BLUEPRINTS,
    *admin.BLUEPRINTS,
)


def init_views(app: Flask) -> None:
    """Register every blueprint, the error handlers and the request log; refuse routes that nobody guards."""
    init_request_log(app)
    init_error_handlers(app)
    init_paths(app)
    init_parsing(app)
    init_cors(app, app.extensions["config"].cors_origins)
    init_authentication(app)
    api = make_api(app)
    for blueprint in BLUEPRINTS:
        register(api, blueprint)
    app.register_blueprint(docs_blueprint(api))
    refuse_unguarded_routes(app)
