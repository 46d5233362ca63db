"""The documentation for people and for tools: Swagger UI and the description that it shows, both from this server."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint as FlaskBlueprint
from flask import Response, json, make_response, send_from_directory, url_for

from app.domain.errors import NotFound
from app.views.guards import PUBLIC
from app.views.openapi import Api

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGES = Path(__file__).parent / "pages"
_SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
_FILES = {
    "docs.js": _PAGES,
    "swagger-ui.css": _SWAGGER_UI,
    "swagger-ui-bundle.js": _SWAGGER_UI,
    "favicon-32x32.png": _SWAGGER_UI,
}


def docs_blueprint(api: Api) -> FlaskBlueprint:
    """Return the public pages that describe this application's API; they are no part of the description."""
    bp = FlaskBlueprint("docs", __name__)
    bp.audience = PUBLIC  # type: ignore[attr-defined]

    @cache
    def description() -> str:
        return json.dumps(api.description())

    @bp.get("/openapi.json")
    def show_description() -> Response:
        return Response(description(), mimetype="application/json")

    @bp.get("/")
    def show_way() -> Response:
        """Lead whoever opens the bare address to the page."""
        return Response(status=302, headers={"Location": url_for("docs.show_page")})

    @bp.get("/docs")
    def show_page() -> Response:
        return _with_policy(send_from_directory(_PAGES, "docs.html"))

    @bp.get("/docs/<name>")
    def show_file(name: str) -> Response:
        if name not in _FILES:
            raise NotFound
        return _with_policy(send_from_directory(_FILES[name], name))

    return bp


def _with_policy(response: Response) -> Response:
    """Let the page load what it is made of, from here alone."""
    response = make_response(response)
    response.headers["Content-Security-Policy"] = POLICY
    return response
