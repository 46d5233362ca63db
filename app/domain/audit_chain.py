"""The chain of seals over the audit trail, and the signed heads that show what was once at its end.

A seal lists the records it covers with the digest of what each said, and names the seal before it by its hash. So
nothing that is sealed can be changed, left out or put elsewhere without every later hash being another. A chain alone
can't show that its end was cut off or that all of it was written anew: the heads do, kept where the database is not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.domain.audit import Stream

BEFORE_THE_FIRST = "0" * 64
_KEY_USE = b"bank audit heads 1"
_FORMAT = "bank audit heads 1"


class Damage(StrEnum):
    """What can be wrong with a trail."""

    MALFORMED = "malformed document"
    SEAL_NUMBER = "seal numbering"
    SEAL_LINK = "seal link"
    SEAL_CONTENT = "seal content"
    RECORD_MISSING = "missing record"
    RECORD_CONTENT = "record content"
    RECORD_STRAY = "record without seal"
    HEAD = "exported head"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing in a trail that is not as it was written."""

    damage: Damage
    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.damage}: {self.subject}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Covered:
    """A record under a seal, and the digest of what it said when it was written."""

    record_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a stream's chain: how many seals it has, and the hash of the last."""

    stream: Stream
    n: int = 0
    hash: str = BEFORE_THE_FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One link of a stream's chain."""

    stream: Stream
    n: int
    covered: tuple[Covered, ...]
    digest: str
    previous: str
    hash: str
    at: datetime

    @property
    def head(self) -> Head:
        return Head(self.stream, self.n, self.hash)

    def __str__(self) -> str:
        return f"seal {self.n} of {self.stream}"


def seal_after(head: Head, covered: Sequence[Covered], *, at: datetime) -> Seal:
    """Return the seal that continues a chain over these records."""
    digest = _digest(covered)
    number = head.n + 1
    return Seal(
        stream=head.stream,
        n=number,
        covered=tuple(covered),
        digest=digest,
        previous=head.hash,
        hash=_hash(head.stream, number, digest, head.hash, at),
        at=at,
    )


def check_seal(seal: Seal, before: Head) -> Iterator[Finding]:
    """Check that a seal is the one that belongs after `before`, and holds what it was made over."""
    if seal.n != before.n + 1:
        yield Finding(Damage.SEAL_NUMBER, f"{seal.stream}", f"seal {before.n + 1}", f"seal {seal.n}")
    if seal.digest != _digest(seal.covered):
        yield Finding(Damage.SEAL_CONTENT, str(seal), f"digest {seal.digest}", _digest(seal.covered))
    actual = _hash(seal.stream, seal.n, seal.digest, seal.previous, seal.at)
    if seal.hash != actual:
        yield Finding(Damage.SEAL_CONTENT, str(seal), f"hash {seal.hash}", actual)
    if seal.previous != before.hash:
        yield Finding(Damage.SEAL_LINK, str(seal), f"after {before.hash}", f"after {seal.previous}")


def check_record(covered: Covered, seal: Seal | None, found_digest: str | None) -> Iterator[Finding]:
    """Check a record by the digest of what it says now (None where it is gone); without a seal, it waits for one."""
    where = f"record {covered.record_id}" + (f" under {seal}" if seal else "")
    if found_digest is None:
        yield Finding(Damage.RECORD_MISSING, where, "a record", "none")
    elif found_digest != covered.digest:
        yield Finding(Damage.RECORD_CONTENT, where, f"digest {covered.digest}", found_digest)


def check_head(exported: Head, found: Head | None) -> Iterator[Finding]:
    """Check that the chain still holds the seal that was its end when the heads were exported."""
    if found is None or found.hash != exported.hash:
        what = "none" if found is None else f"hash {found.hash}"
        yield Finding(Damage.HEAD, f"seal {exported.n} of {exported.stream}", f"hash {exported.hash}", what)


def export_heads(heads: Iterable[Head], *, secret: str, at: datetime) -> str:
    """Return the heads as a signed text, one line of JSON."""
    content: dict[str, Any] = {
        "format": _FORMAT,
        "at": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "heads": [{"stream": str(head.stream), "n": head.n, "hash": head.hash} for head in heads],
    }
    return json.dumps({**content, "signature": _signature(content, secret)}) + "\n"


def read_heads(text: str, *, secrets: Iterable[str]) -> list[Head]:
    """Return the heads of an exported text.

    Raises:
        ValueError: it is none, or none of these secrets has signed it.
    """
    try:
        content = json.loads(text)
        given = content.pop("signature")
        heads = [Head(Stream(each["stream"]), int(each["n"]), str(each["hash"])) for each in content["heads"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("This is no export of heads.") from None
    if content.get("format") != _FORMAT or not isinstance(given, str):
        raise ValueError("This is no export of heads.")
    if not any(hmac.compare_digest(given.encode(), _signature(content, secret).encode()) for secret in secrets):
        raise ValueError("These heads were not signed with this bank's SECRET_KEY, or were changed since.")
    return heads


def _digest(covered: Iterable[Covered]) -> str:
    lines = "".join(f"{each.record_id} {each.digest}\n" for each in covered)
    return hashlib.sha256(lines.encode()).hexdigest()


def _hash(stream: Stream, number: int, digest: str, previous: str, at: datetime) -> str:
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return hashlib.sha256(f"{stream}\n{number}\n{digest}\n{previous}\n{instant}\n".encode()).hexdigest()


def _signature(content: dict[str, Any], secret: str) -> str:
    key = hmac.digest(secret.encode(), _KEY_USE, hashlib.sha256)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()
