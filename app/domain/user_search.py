"""How users are found: by the beginning of their name, and by what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Role
from app.domain.usernames import attempted_username

_AFTER_EVERY_LETTER = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which users are wanted; None asks for any. `name` is the beginning of a name, however it is spelled."""

    name: str | None = None
    role: Role | None = None
    disabled: bool | None = None
    branch: str | None = None

    @property
    def name_range(self) -> tuple[str, str] | None:
        """Return the first canonical name that is wanted, and what lies behind the last."""
        if self.name is None:
            return None
        beginning = attempted_username(self.name)
        return beginning, beginning + _AFTER_EVERY_LETTER
