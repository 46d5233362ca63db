"""Tokens: what is signed, with which key, and all that is checked before one is believed (RFC 7519, RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from app.domain.actor import Role
from app.domain.errors import NotAuthenticated
from app.domain.ids import random_id
from app.domain.sessions import Grant

if TYPE_CHECKING:
    from config import Config

ACCESS = "access"
REFRESH = "refresh"
_ALGORITHM = "HS256"
_TOKEN_LENGTH_MAX = 4_096
_CLOCK_LEEWAY_S = 30
_FOR_OUR_OWN_CLOCK_S = 10**10
"""The library judges times by the machine's clock; `_check_claims` does it by the bank's, and strictly."""
_COMPACT_FORM = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_COMMON_CLAIMS: Mapping[str, type] = {
    "sub": str, "sid": str, "jti": str, "type": str, "iss": str, "aud": str, "iat": int, "exp": int,
}  # fmt: skip
_ACCESS_CLAIMS: Mapping[str, type] = {"ver": int, "username": str, "role": str}
_OPTIONAL_CLAIMS: Mapping[str, type] = {"cid": str, "br": str, "mfa": bool}


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The key that signs, and every key that is still believed, by key id."""

    current: str
    by_id: Mapping[str, bytes]

    @classmethod
    def derive(cls, secrets: list[str]) -> SigningKeys:
        """Derive one key from each secret, the current one first: a leaked token key reveals no other use of it."""
        keys = [hmac.digest(secret.encode(), b"bank tokens 1", hashlib.sha256) for secret in secrets]
        named = {hashlib.sha256(b"key id" + key).hexdigest()[:16]: key for key in keys}
        return cls(next(iter(named)), named)


def init_tokens(app: Flask, config: Config) -> None:
    """Attach the signing keys and flask-jwt-extended, which signs and decodes, to the application."""
    app.config.update(
        JWT_ALGORITHM=_ALGORITHM,
        JWT_DECODE_ALGORITHMS=[_ALGORITHM],
        JWT_ENCODE_ISSUER=config.jwt_issuer,
        JWT_DECODE_ISSUER=config.jwt_issuer,
        JWT_ENCODE_AUDIENCE=config.jwt_audience,
        JWT_DECODE_AUDIENCE=config.jwt_audience,
        JWT_DECODE_LEEWAY=_FOR_OUR_OWN_CLOCK_S,
        JWT_ENCODE_NBF=False,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_COOKIE_CSRF_PROTECT=False,
    )
    keys = SigningKeys.derive([config.secret_key, *config.secret_key_fallbacks])
    app.extensions["signing_keys"] = keys
    manager = JWTManager(app)
    manager.encode_key_loader(lambda _identity: keys.by_id[keys.current])
    manager.decode_key_loader(lambda header, _claims: keys.by_id[header["kid"]])


def sign(grant: Grant, *, now: datetime, lifetime: timedelta) -> dict[str, Any]:
    """Return the token pair that a grant entitles to. The refresh token depends on the session alone, so a grant that
    is given twice is the same token twice."""
    user, session = grant.user, grant.session
    header = {"kid": _keys().current}
    times = _times(now, min(now + lifetime, session.expires_at))
    who = {"ver": session.epoch, "username": user.username, "role": str(user.role), "mfa": session.second_factor}
    belongs = {"cid": user.customer_id, "br": user.branch}
    belonging = {name: value for name, value in belongs.items() if value is not None}
    access_claims = {"sid": session.id, "jti": random_id(), **times, **who, **belonging}
    refresh_times = _times(session.rotated_at, session.expires_at)
    refresh_claims = {"sid": session.id, "jti": session.current_jti, **refresh_times}
    return {
        "access_token": create_access_token(user.id, additional_claims=access_claims, additional_headers=header),
        "refresh_token": create_refresh_token(user.id, additional_claims=refresh_claims, additional_headers=header),
        "token_type": "Bearer",
        "expires_in": times["exp"] - times["iat"],
    }


def verified_claims(token: str, expected_type: str, *, now: datetime, lifetime_max: timedelta) -> dict[str, Any]:
    """Return the claims of a token that is ours, whole, of this type and in its time.

    Raises:
        NotAuthenticated: anything else, never saying what.
    """
    payload = _checked_payload(token)
    try:
        decode_token(token, allow_expired=True)  # whether it has expired is for our own clock, below
        claims: dict[str, Any] = json.loads(payload)  # what was signed: the library fills in a type that is missing
    except (jwt.PyJWTError, JWTExtendedException, ValueError, RecursionError):
        raise NotAuthenticated from None
    _check_claims(claims, expected_type, now, lifetime_max)
    return claims


def _checked_payload(token: str) -> bytes:
    """Check all that can be before any cryptography: size, form, exactly our header; return the payload."""
    match = _COMPACT_FORM.fullmatch(token) if len(token) <= _TOKEN_LENGTH_MAX else None
    if match is None:
        raise NotAuthenticated
    try:
        header, payload = json.loads(_decoded(match[1])), _decoded(match[2])
    except (ValueError, RecursionError):
        raise NotAuthenticated from None
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "kid"}:
        raise NotAuthenticated
    if header["alg"] != _ALGORITHM or header["typ"] != "JWT" or not isinstance(header["kid"], str):
        raise NotAuthenticated
    if header["kid"] not in _keys().by_id:
        raise NotAuthenticated
    return payload


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _check_claims(claims: Mapping[str, Any], expected_type: str, now: datetime, lifetime_max: timedelta) -> None:
    wanted = {**_COMMON_CLAIMS, **(_ACCESS_CLAIMS if expected_type == ACCESS else {})}
    if not all(type(claims.get(name)) is type_ and claims[name] != "" for name, type_ in wanted.items()):
        raise NotAuthenticated
    if not all(type(claims[name]) is type_ for name, type_ in _OPTIONAL_CLAIMS.items() if name in claims):
        raise NotAuthenticated
    if claims["type"] != expected_type:
        raise NotAuthenticated
    is_in_time = claims["iat"] - _CLOCK_LEEWAY_S <= now.timestamp() < claims["exp"]
    if not is_in_time or claims["exp"] - claims["iat"] > lifetime_max.total_seconds():
        raise NotAuthenticated
    if expected_type == ACCESS and claims["role"] not in set(Role):
        raise NotAuthenticated


def _times(issued_at: datetime, expires_at: datetime) -> dict[str, int]:
    return {"iat": int(issued_at.timestamp()), "exp": int(expires_at.timestamp())}


def _keys() -> SigningKeys:
    keys: SigningKeys = current_app.extensions["signing_keys"]
    return keys
