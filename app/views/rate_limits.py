"""How often one address, or one user, may call what costs much; every other route is left alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from app.domain.errors import RateLimited
from app.domain.rates import Rate
from app.views.http import actor, client_address, config, store

_IPV6_NETWORK_BITS = 64
P = ParamSpec("P")
R = TypeVar("R")


def rate_limited(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let an address call a view no more often than the setting `rate_limit_<name>` says, over all processes."""
    return _limited(name, f"call {name}", lambda: _subject(client_address()))


def rate_limited_for_user(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a user call all views of this name together no more often than the setting says, from whatever address."""
    return _limited(name, f"user's call {name}", lambda: actor().user_id)


def _limited(name: str, kind: str, subject: Callable[[], str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def limited(*args: P.args, **kwargs: P.kwargs) -> R:
            rate = Rate.parse(getattr(config(), f"rate_limit_{name}"))
            wait_s = store().attempts.take(kind, subject(), rate, now=store().clock.now())
            if wait_s:
                raise RateLimited(retry_after_s=wait_s)
            return view(*args, **kwargs)

        return limited

    return decorate


def _subject(address: str) -> str:
    """Return whom an address stands for: itself, or with IPv6 the network of which anyone has plenty of addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
    return str(parsed)
