"""How a path is taken: under `/api` too, for a gateway or a single-page client, and otherwise to the letter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from app.domain.errors import NotFound
from app.views.http import this_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/api"


def init_paths(app: Flask) -> None:
    """Take a path with a slash too many for what it is, one that does not exist; nothing is redirected."""
    app.url_map.merge_slashes = False

    def refuse_doubled_slash() -> None:
        if this_request().environ.get("PATH_INFO", "").startswith("//"):
            raise NotFound  # Werkzeug ignores how many slashes a path begins with

    app.before_request(refuse_doubled_slash)


class ApiPrefix:
    """WSGI middleware that moves one leading `/api` from the path to the script name, so that links keep it."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(PREFIX + "/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + PREFIX
            environ["PATH_INFO"] = path.removeprefix(PREFIX)
        return self._app(environ, start_response)
