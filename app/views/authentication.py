"""Who is asking: the verified identity behind a request's token."""

from __future__ import annotations

from app.domain.actor import Actor
from app.domain.errors import NotAuthenticated


def authenticate() -> Actor:
    """Return the identity behind the request's access token.

    Raises:
        NotAuthenticated: there is no usable token.
    """
    raise NotAuthenticated
