"""Passwords: how they are hashed, how many at a time, and which are too easy to guess.

A hash is bcrypt(base64(HMAC-SHA-384(pepper, password))): bcrypt itself takes no more than 72 bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bcrypt
from zxcvbn import zxcvbn

from app.domain.errors import ServerBusy, ValidationFailed
from app.domain.users import PasswordHash
from app.models.processors import on_any_processor

if TYPE_CHECKING:
    from config import Config

LENGTH_MAX = 128
_GUESSES_MIN = 10**8  # what zxcvbn grants to eight random characters
_JUDGED_LENGTH_MAX = 32  # zxcvbn takes seconds for some longer inputs
_CONTEXT_WORD_LENGTH_MIN = 3
_GENERATED_BYTES = 12
_BANK_WORDS = ("bank",)


class Hasher:
    """What a caller may do while it is its turn."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._version = max(config.password_peppers)

    def hash(self, password: str) -> PasswordHash:
        """Hash a password with the newest pepper."""
        hashed = bcrypt.hashpw(self._prehash(password, self._version), bcrypt.gensalt(self._config.bcrypt_cost))
        return PasswordHash(hashed.decode("ascii"), self._version)

    def matches(self, password: str, stored: PasswordHash | None) -> bool:
        """Tell whether this is the password. Without anything to compare the work is the same, and the answer no."""
        if stored is None or stored.pepper_version not in self._config.password_peppers:
            bcrypt.checkpw(self._prehash(password, self._version), self._decoy())
            return False
        return bcrypt.checkpw(self._prehash(password, stored.pepper_version), stored.hash.encode("ascii"))

    def is_outdated(self, stored: PasswordHash) -> bool:
        """Tell whether the hash was made with an older pepper or at a lower cost than today's."""
        cost = int(stored.hash.split("$")[2])
        return stored.pepper_version != self._version or cost < self._config.bcrypt_cost

    def _prehash(self, password: str, version: int) -> bytes:
        """Return 64 bytes that depend on every character, whatever its composition, and hold no NUL."""
        text = unicodedata.normalize("NFC", password).encode()
        pepper = self._config.password_peppers[version].encode()
        return base64.b64encode(hmac.digest(pepper, text, hashlib.sha384))

    def _decoy(self) -> bytes:
        """Return the form of a hash, of today's cost, that no password has."""
        return bcrypt.gensalt(self._config.bcrypt_cost) + b"." * 31


class Passwords:
    """The queue before the hasher: hashing takes a core for a quarter of a second, and the service has other work."""

    def __init__(self, config: Config) -> None:
        self._hasher = Hasher(config)
        self._wait_s_max = config.hashing_wait_ms_max / 1000
        self._turns = threading.BoundedSemaphore(config.hashing_threads)
        half_of_the_threads = max(1, config.threads // 2)  # the others stay free for requests without a password
        self._places = threading.BoundedSemaphore(
            config.hashing_threads + min(config.hashing_queue_max, half_of_the_threads)
        )

    @contextmanager
    def turn(self) -> Iterator[Hasher]:
        """Wait for one of the few turns that there are at once, and hold it.

        Raises:
            ServerBusy: too many wait already, or the wait took too long; nothing was hashed.
        """
        if not self._places.acquire(blocking=False):
            raise ServerBusy(retry_after_s=1)
        try:
            if not self._turns.acquire(timeout=self._wait_s_max):
                raise ServerBusy(retry_after_s=1)
            try:
                with on_any_processor():
                    yield self._hasher
            finally:
                self._turns.release()
        finally:
            self._places.release()


def generated_password() -> str:
    """Make up a password of 96 random bits."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


def refuse_wrong_length(password: str, length_min: int, *, field: str) -> None:
    """Refuse a password that is too short to be safe, or longer than anyone needs.

    Raises:
        ValidationFailed: it is.
    """
    if not length_min <= len(password) <= LENGTH_MAX:
        raise ValidationFailed(errors={field: [f"Use {length_min} to {LENGTH_MAX} characters."]})


_judging = threading.Lock()  # zxcvbn keeps state in its module while it judges


def refuse_weak_password(password: str, *, field: str, context: Iterable[str]) -> None:
    """Refuse a password that is easy to guess. Words of its context (the user's name, the bank) add nothing to it.

    It takes up to half a second of a core: call it in a turn.

    Raises:
        ValidationFailed: too weak; the message says why and what would help.
    """
    rest = _without_words(password, [*context, *_BANK_WORDS])[:_JUDGED_LENGTH_MAX]
    if not rest:
        raise ValidationFailed(errors={field: ["Use more than your name and the bank's."]})
    with _judging:
        judgement = zxcvbn(rest)
    if judgement["guesses"] >= _GUESSES_MIN:
        return
    feedback = judgement["feedback"]
    advice = [feedback["warning"], *feedback["suggestions"]]
    raise ValidationFailed(errors={field: ["This password is too easy to guess.", *(text for text in advice if text)]})


def _without_words(password: str, words: Iterable[str]) -> str:
    for word in words:
        if len(word) >= _CONTEXT_WORD_LENGTH_MIN:
            password = re.sub(re.escape(word), "", password, flags=re.IGNORECASE)
    return password


def context_words(*texts: str | None) -> list[str]:
    """Return the words that a password may not rest on: each text whole, and its parts."""
    words = {word.casefold() for text in texts if text for word in (text, *re.split(r"[\W_]+", text))}
    return sorted(words, key=len, reverse=True)  # the longest first, so that a part never spares the whole
