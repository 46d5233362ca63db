"""A session: one login on one device, carried on by refresh tokens of which only the newest counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.users import User

RETRY_WINDOW = timedelta(seconds=10)
"""For so long the last token but one is answered with its successor once more: its answer may have been lost."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session was begun: the caller's network address, and what its software calls itself."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A family of refresh tokens, of which `current_jti` names the newest, made at `rotated_at`.

    `epoch` is the user's at login: a session of an earlier epoch is over. `second_factor` says that a code was given.
    """

    id: str
    user_id: str
    epoch: int
    device: Device
    current_jti: str
    previous_jti: str | None = None
    created_at: datetime
    rotated_at: datetime
    expires_at: datetime
    second_factor: bool = False

    def is_retry(self, jti: str, now: datetime) -> bool:
        """Tell whether this token was the newest until a moment ago, so that its caller may have missed the answer."""
        return jti == self.previous_jti and now - self.rotated_at <= RETRY_WINDOW


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login or a refresh entitles to: tokens for this user in this session."""

    user: User
    session: Session
