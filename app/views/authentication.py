"""Who is asking: the verified identity behind a request's token."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, g

from app.domain.actor import Actor, Role
from app.domain.errors import NotAuthenticated
from app.views.http import config, store, this_app, this_request
from app.views.tokens import ACCESS, init_tokens, verified_claims

_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """An access token that has passed every check that time can't undo, save expiry and revocation."""

    actor: Actor
    epoch: int
    expires_at_s: int
    second_factor: bool


class TokenMemory:
    """The tokens verified last, by their text: a caller's next request costs no cryptography. Bounded."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, VerifiedToken] = OrderedDict()
        self._changing = threading.Lock()

    def find(self, token: str) -> VerifiedToken | None:
        """Return what was remembered of a token, or None."""
        with self._changing:
            found = self._tokens.get(token)
            if found is not None:
                self._tokens.move_to_end(token)
            return found

    def remember(self, token: str, verified: VerifiedToken) -> None:
        """Keep a token, and let go of the one that was used longest ago where there are too many."""
        with self._changing:
            self._tokens[token] = verified
            if len(self._tokens) > _REMEMBERED_MAX:
                self._tokens.popitem(last=False)


def init_authentication(app: Flask) -> None:
    """Give the application its keys and its memory of tokens."""
    init_tokens(app, app.extensions["config"])
    app.extensions["token_memory"] = TokenMemory()


def authenticate() -> Actor:
    """Return the identity behind the request's access token.

    Raises:
        NotAuthenticated: there is no usable token.
        DatabaseUnavailable: whether the token was revoked can't be known.
    """
    token = bearer_token()
    memory = cast(TokenMemory, this_app().extensions["token_memory"])
    verified = memory.find(token)
    if verified is None:
        verified = _verify(token)
        memory.remember(token, verified)
    actor, bank = verified.actor, store()
    if bank.revocations.is_revoked(actor.user_id, actor.session_id, verified.epoch):
        raise NotAuthenticated
    if bank.revocations.has_ended(verified.expires_at_s):
        raise NotAuthenticated
    g.verified_token = verified
    return actor


def verified_token() -> VerifiedToken:
    """Return the access token of this request, as the guard of the blueprint has verified it."""
    return cast(VerifiedToken, g.verified_token)


def bearer_token() -> str:
    """Return the token of the `Authorization` header; no other place is looked at.

    Raises:
        NotAuthenticated: there is none.
    """
    scheme, _, token = this_request().headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated
    return token


def _verify(token: str) -> VerifiedToken:
    lifetime_max = config().access_token_lifetime
    claims: dict[str, Any] = verified_claims(token, ACCESS, now=store().clock.now(), lifetime_max=lifetime_max)
    role, belongs = Role(claims["role"]), (claims.get("cid"), claims.get("br"))
    actor = Actor(claims["sub"], claims["username"], role, claims["sid"], *belongs)
    return VerifiedToken(actor, claims["ver"], claims["exp"], claims.get("mfa") is True)
