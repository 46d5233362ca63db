"""The headers that every response carries, whoever made it: added once, around the whole application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HSTS_SECONDS = 2 * 365 * 24 * 60 * 60
API_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = [
    ("Content-Security-Policy", API_POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
]
_OVERRIDABLE = frozenset({"Content-Security-Policy", "Cache-Control"})


class SecurityHeaders:
    """WSGI middleware. A view that serves a page may bring its own content policy and caching; the rest is fixed."""

    def __init__(self, app: WSGIApplication, *, hsts: bool) -> None:
        self._app = app
        self._headers = list(_HEADERS)
        if hsts:
            self._headers.append(("Strict-Transport-Security", f"max-age={HSTS_SECONDS}; includeSubDomains"))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            own = {name for name, _ in headers if name in _OVERRIDABLE}
            ours = [header for header in self._headers if header[0] not in own] if own else self._headers
            return start_response(status, headers + ours, exc_info)

        return self._app(environ, start)
