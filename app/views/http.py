"""What a view may ask of the request that it serves: the store, the actor, the key, the caller's address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from flask import Flask, Request, current_app, g, request

from app.controllers.opening import Opened
from app.domain.account_views import AccountView
from app.domain.actor import Actor
from app.domain.approvals import Answered, Approval
from app.domain.errors import IdempotencyKeyRequired, ValidationFailed
from app.domain.ledger.book import Recorded
from app.domain.lines import Line, shown_to

if TYPE_CHECKING:
    from app.models.store import Store  # for its name alone: views never touch models
    from config import Config

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
_ADDRESS_WITH_PORT = re.compile(r"\[(.+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
_BARE_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_QUOTED_KEY = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"', re.ASCII)


def this_request() -> Request:
    """Return the request itself: the proxy before it costs on every look."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # Flask calls it a Request
    return found


def this_app() -> Flask:
    """Return the application itself, as `this_request` does the request."""
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


def store() -> Store:
    """Return this process's door to the database."""
    return cast("Store", this_app().extensions["store"])


def config() -> Config:
    """Return the settings of this application."""
    return cast("Config", this_app().extensions["config"])


def actor() -> Actor:
    """Return who is asking, as the guard of the blueprint has verified."""
    return cast(Actor, g._get_current_object().actor)  # past the proxy, as above


def client_address() -> str:
    """Return the caller's address, behind as many proxies as are configured (and no header is believed without).

    Some proxies add a port, which is another for each connection: it is left out. What is no address is "unknown".
    """
    return _address(this_request().remote_addr or "")


@lru_cache(maxsize=4_096)  # asked for on every request
def _address(given: str) -> str:
    with_port = _ADDRESS_WITH_PORT.fullmatch(given)
    address = (with_port[1] or with_port[2]) if with_port else given
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return "unknown"


def idempotency_key() -> str | None:
    """Return the `Idempotency-Key` of the request, bare or as a quoted string (RFC 8941), or None.

    Raises:
        ValidationFailed: it is not 1 to 255 visible ASCII characters.
        IdempotencyKeyRequired: there is none, and this server asks for one.
    """
    header = this_request().headers.get(IDEMPOTENCY_KEY_HEADER)
    if header is None:
        if config().require_idempotency_key:
            raise IdempotencyKeyRequired
        return None
    if header.startswith('"'):
        quoted = _QUOTED_KEY.fullmatch(header)
        key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else None
    else:
        key = header if _BARE_KEY.fullmatch(header) else None
    if key is None:
        message = "Send 1 to 255 visible ASCII characters, bare or as one quoted string."
        raise ValidationFailed(errors={IDEMPOTENCY_KEY_HEADER: [message]})
    return key


def recorded(result: Recorded, *, own: Iterable[str] = ()) -> tuple[Line, int, dict[str, str]]:
    """Answer with the line that a movement made on its account; a replay of an earlier one says so in its header.

    `own` are the numbers of other accounts that the caller may see in full, because they are theirs.
    """
    transaction = result.transaction
    entry = result.entry_of(transaction.account_id)
    return Line.of(entry, transaction.metadata, shown=shown_to(actor(), own)), 201, replayed(result)


def opened(result: Opened | Answered) -> tuple[AccountView | Approval, int, dict[str, str]]:
    """Answer with an account as it has been opened, or with the approval that it needs."""
    return asked(result) if isinstance(result, Answered) else (result.account, 201, replayed(result))


def submitted(result: Recorded | Answered) -> tuple[Line | Approval, int, dict[str, str]]:
    """Answer for a staff operation: with its line where it was executed, else with the approval that it needs."""
    return asked(result) if isinstance(result, Answered) else recorded(result)


def asked(result: Answered) -> tuple[Approval, int, dict[str, str]]:
    """Answer with an approval that has been asked for, and where it is found."""
    approval = result.approval
    return approval, 202, {"Location": f"{request.script_root}/banker/approvals/{approval.id}", **replayed(result)}


def decided(result: Answered) -> tuple[Approval, int, dict[str, str]]:
    """Answer with an approval that has just ended."""
    return result.approval, 200, replayed(result)


def replayed(result: Recorded | Answered | Opened) -> dict[str, str]:
    """Return the header that says of an answer that it is an earlier one."""
    return {REPLAYED_HEADER: "true"} if result.replayed else {}
