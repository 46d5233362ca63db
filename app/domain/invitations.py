"""Invitation codes: what a banker hands to a person, who then registers as the customer they already are."""

from __future__ import annotations

import hashlib

from app.domain.typed_codes import canonical_code


def invitation_digest(code: str) -> str:
    """Return what stands for a code in the database, however it was typed. Its randomness makes salt needless."""
    return hashlib.sha256(canonical_code(code).encode()).hexdigest()
