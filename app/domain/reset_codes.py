"""Reset codes: what the bank hands to somebody who has forgotten their password, to set a new one with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.typed_codes import canonical_code

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ResetCode:
    """A code, shown this once, and until when it is good."""

    code: str = field(repr=False)
    expires_at: datetime


def reset_code_digest(user_id: str, code: str) -> str:
    """Return what is kept of a user's code: at its 100 random bits no guess is quick enough to need a slow hash."""
    return hashlib.sha256(f"reset code\n{user_id}\n{canonical_code(code)}".encode("utf-8", "surrogatepass")).hexdigest()
