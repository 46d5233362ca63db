"""Tokens made by hand, with the real keys or without."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
from flask import Flask

REMOVED = object()


def claims_of(token: str) -> dict[str, Any]:
    """Return a token's claims, unverified."""
    return jwt.decode(token, options={"verify_signature": False})


def header_of(token: str) -> dict[str, Any]:
    """Return a token's header, unverified."""
    return jwt.get_unverified_header(token)


def resigned(app: Flask, token: str, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """Return the token with some claims changed (or REMOVED), signed anew with the server's own key."""
    changed = {name: value for name, value in {**claims_of(token), **claims}.items() if value is not REMOVED}
    changed_header = {**header_of(token), **(header or {})}
    keys = app.extensions["signing_keys"]
    body = f"{_segment(changed_header)}.{_segment(changed)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(body.encode(), keys.by_id[keys.current])
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unsigned(token: str, algorithm: str) -> str:
    """Return the token as one that claims to need no signature."""
    return f"{_segment({**header_of(token), 'alg': algorithm})}.{token.split('.')[1]}."


def _segment(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
