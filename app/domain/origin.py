"""Where what is going on was asked for: the request's address and id, known below the views for the audit trail."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The caller's address and the request's id."""

    address: str
    request_id: str | None


LOCAL = Origin("local", None)
"""Commands and jobs: nobody asked over the network."""

_current: ContextVar[Origin] = ContextVar("origin", default=LOCAL)


def origin() -> Origin:
    """Return where the work of this thread was asked for."""
    return _current.get()


def set_origin(of: Origin) -> None:
    """Say for whom this thread works from now on; LOCAL when the request is over."""
    _current.set(of)
