"""The second factor: one-time codes by time (RFC 6238) and recovery codes, each good for one use."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.actor import Role

RECOVERY_CODES = 10
CODE_PATTERN = r"[0-9]{6}"
RECOVERY_CODE_PATTERN = r"[A-Za-z2-7]{4}(-?[A-Za-z2-7]{4}){3}"
_STEP_S = 30
_RECOVERY_CODE_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_one_time_code = re.compile(CODE_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class SealedSeed:
    """An authenticator's seed as it is kept: encrypted, with the version of the secret beneath its key."""

    version: int
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """What makes a user's one-time codes. It counts once it is confirmed; `last_step` is the last one that was used."""

    user_id: str
    seed: SealedSeed
    enrolled_at: datetime
    confirmed_at: datetime | None = None
    last_step: int = -1
    recovery_codes_left: int = 0


@dataclass(frozen=True, slots=True)
class MfaState:
    """What a user is told of their second factor; `required` says that the bank insists on it."""

    authenticator: Authenticator | None
    required: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new authenticator's seed, shown once: for typing, as an address, and as a picture of that."""

    secret: str = field(repr=False)
    provisioning_uri: str = field(repr=False)
    qr_svg: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginTicket:
    """A password that was proved, good for one login with a code; `epoch` is the user's at that time."""

    user_id: str
    epoch: int


def is_required(role: Role, *, of_staff: bool, of_customers: bool) -> bool:
    """Tell whether the bank insists on a second factor for a user of this role."""
    return of_customers if role is Role.CUSTOMER else of_staff


def is_one_time_code(code: str) -> bool:
    """Tell a one-time code from a recovery code."""
    return _one_time_code.fullmatch(code) is not None


def steps_to_try(now: datetime, last_step: int) -> list[int]:
    """Return the time steps whose codes count: this one and its neighbours (clocks differ), none up to the last used.

    RFC 6238, section 5.2.
    """
    present = int(now.timestamp()) // _STEP_S
    return [step for step in (present, present - 1, present + 1) if step > last_step]


def new_recovery_codes() -> list[str]:
    """Return a set of codes of 80 random bits each, in groups for reading."""
    return [_new_recovery_code() for _ in range(RECOVERY_CODES)]


def recovery_code_digest(user_id: str, code: str) -> str:
    """Return what is kept of a recovery code: at its length no guess is quick enough to need a slow hash."""
    plain = code.lower().replace("-", "")
    return hashlib.sha256(f"recovery code\n{user_id}\n{plain}".encode()).hexdigest()


def _new_recovery_code() -> str:
    letters = [secrets.choice(_RECOVERY_CODE_LETTERS) for _ in range(16)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))
