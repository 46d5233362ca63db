"""How one application is put together: settings, store, views, and the middlewares around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, current_app
from pymongo.errors import PyMongoError
from werkzeug.middleware.proxy_fix import ProxyFix

from app.cli import register_commands
from app.domain.errors import InternalError
from app.logs import configure_logs
from app.models.budget import database_time
from app.models.connection import as_bank_error
from app.models.store import Store
from app.views import init_views
from app.views.error_handlers import problem
from app.views.paths import ApiPrefix
from app.views.request_log import request_id
from app.views.response import WholeResponse
from app.views.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from config import Config


class _Bank(Flask):
    """Flask, spared the question on every call whether a function is asynchronous: none is."""

    response_class = WholeResponse

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def build(config: Config, store: Store | None, *, opens_store: bool) -> Flask:
    """Return an application of its own; see `create_app`."""
    configure_logs(config.log_level)
    app = _Bank("app", static_folder=None)
    app.config.update(_flask_settings(config))
    app.extensions["config"] = config
    app.extensions["store"] = store or (Store.open(config) if opens_store else None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider
    init_views(app)
    register_commands(app)
    app.register_error_handler(PyMongoError, _database_problem)
    _wrap(app, config)
    return app


def _flask_settings(config: Config) -> dict[str, object]:
    return {
        "MAX_CONTENT_LENGTH": config.body_kib_max * 1024,
        "TRUSTED_HOSTS": list(config.trusted_hosts) or None,
        "PROVIDE_AUTOMATIC_OPTIONS": False,  # OPTIONS is for CORS preflights alone
    }


class _Budgeted:
    """WSGI middleware that gives a request its time for the database, all its operations together."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with database_time():
            return self._app(environ, start_response)


def _wrap(app: Flask, config: Config) -> None:
    """Put the middlewares around the application, innermost first."""
    app.wsgi_app = _Budgeted(app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = SecurityHeaders(app.wsgi_app, hsts=config.is_production)  # type: ignore[method-assign]
    app.wsgi_app = ApiPrefix(app.wsgi_app)  # type: ignore[method-assign]
    if config.proxy_count:
        hops = config.proxy_count
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _database_problem(error: PyMongoError) -> Response:
    """Answer for a database that failed under a request; the log keeps the driver's words, the caller gets ours."""
    fact = as_bank_error(error)
    structlog.get_logger("bank").error("database_error", request_id=request_id(), exc_info=error)
    if isinstance(fact, InternalError) and current_app.testing:
        raise error
    return problem(fact)
