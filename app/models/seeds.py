"""Seeds of authenticators: made, encrypted for the database, and turned into codes.

AES-256-GCM, bound to the user. The key is derived from the newest of PASSWORD_PEPPERS; a seed under an older one is
encrypted anew when its next code is accepted. Whoever reads the database alone can't make a code.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.second_factor import Enrolment, SealedSeed

if TYPE_CHECKING:
    from config import Config

_NONCE_BYTES = 12
_QR_SCALE = 4


class Seeds:
    """What is done with seeds, with the keys that the settings give."""

    def __init__(self, config: Config) -> None:
        self._keys = {version: _key(secret) for version, secret in config.password_peppers.items()}
        self._newest = max(self._keys)
        self._issuer = config.mfa_issuer

    def new_enrolment(self, username: str) -> Enrolment:
        """Make a seed of 160 bits, with all that an authenticator app reads it by."""
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=self._issuer)
        picture = segno.make_qr(uri).svg_inline(scale=_QR_SCALE)
        return Enrolment(secret, uri, picture)

    def seal(self, user_id: str, seed: str) -> SealedSeed:
        """Encrypt a seed for this user with the newest key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = AESGCM(self._keys[self._newest]).encrypt(nonce, seed.encode(), user_id.encode())
        return SealedSeed(self._newest, nonce, ciphertext)

    def find_seed(self, user_id: str, sealed: SealedSeed) -> str | None:
        """Decrypt a user's seed; None where its key is gone, or it is not what was sealed for this user."""
        if sealed.version not in self._keys:
            return None
        try:
            seed = AESGCM(self._keys[sealed.version]).decrypt(sealed.nonce, sealed.ciphertext, user_id.encode())
        except InvalidTag:
            return None
        return seed.decode()

    def is_outdated(self, sealed: SealedSeed) -> bool:
        """Tell whether a seed was sealed with an older key than today's."""
        return sealed.version != self._newest


def step_of_code(seed: str, code: str, steps: Iterable[int]) -> int | None:
    """Return which of these time steps the code belongs to, or None."""
    totp = pyotp.TOTP(seed)
    for step in steps:
        if hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"authenticator seeds 1", hashlib.sha256)
