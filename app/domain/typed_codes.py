"""Codes that the bank hands to a person, who types them: random, and forgiving about how they are written."""

from __future__ import annotations

import secrets

CODE_LENGTH_TYPED_MAX = 64
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter that could be taken for a digit, and 5 bits each."""
_GROUPS = 4
_GROUP_LENGTH = 5
_READ_AS = str.maketrans("OIL", "011", " -")


def new_typed_code() -> str:
    """Return a code of 100 random bits, such as 7K3MX-9QTD2-0V4WZ-H8R6C."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def canonical_code(code: str) -> str:
    """Return the one spelling of a code, however it was typed."""
    return code.upper().translate(_READ_AS)
