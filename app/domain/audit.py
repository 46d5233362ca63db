"""The audit trail's records: who did what, to what, from where, and how it ended. Never a secret."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from app.domain.errors import ValidationFailed
from app.domain.ids import session_id
from app.domain.money import Money
from app.domain.origin import Origin

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OK = "ok"
"""The result of what was done; what was refused has the code of the refusal instead."""
TEXT_LENGTH_MAX = 500
FIELDS_MAX = 50
DEPTH_MAX = 4
SIDE_BYTES_MAX = 8_192
HIDDEN = "***"
_ACTION = re.compile(r"(auth|access|money|staff)(\.[a-z][a-z0-9_]{0,39}){1,3}", re.ASCII)
_SECRET = re.compile(r"password|pepper|secret|seed|token|hash$|jti|otp|recovery|(^|_)pin$")
_OF_THE_RECORD = frozenset({"version", "created_at", "updated_at"})
_MASKED = re.compile(r"e?mail|phone|mobile")


class Stream(StrEnum):
    """The shards of the trail, each a chain of its own: an action's first word."""

    AUTH = "auth"
    ACCESS = "access"
    MONEY = "money"
    STAFF = "staff"


class Acting(Protocol):
    """Whoever can stand in a record: an `Actor`, or a `Party`."""

    @property
    def user_id(self) -> str: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who acts without a verified token."""

    user_id: str
    role: str


ANONYMOUS = Party("anonymous", "anonymous")
SYSTEM = Party("system", "system")
"""Commands and jobs."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The object of an action: a kind of thing, and which."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` made."""
        kind, _, identity = text.partition(":")
        return cls(kind, identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One line of the trail. `id` sorts by time; `before` and `after` hold what changed, and nothing else."""

    id: str
    at: datetime
    action: str
    user_id: str
    role: str
    subject: Subject
    result: str = OK
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    address: str
    request_id: str | None = None

    @property
    def stream(self) -> Stream:
        return Stream(self.action.partition(".")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What is wanted of the trail; times are inclusive."""

    subject: str | None = None
    user_id: str | None = None
    action: str | None = None
    result: str | None = None
    stream: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise ValidationFailed(errors={"from": ["It lies after `to`."]})


def new_record(
    action: str,
    actor: Acting,
    subject: Subject,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    result: str,
    origin: Origin,
    now: datetime,
) -> AuditRecord:
    """Make the record of an action. Of `before` and `after` the differing fields are kept, plain, masked and bounded.

    Raises:
        ValueError: the action is no dotted name that begins with a stream: a mistake of ours.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError(f"{action} is not the name of an action")
    old, new = before or {}, after or {}
    return AuditRecord(
        id=session_id(now),
        at=now,
        action=action,
        user_id=actor.user_id,
        role=str(actor.role),
        subject=Subject(subject.kind, _text(subject.id, 128)),
        result=result,
        before=_side(old, other=new),
        after=_side(new, other=old),
        address=origin.address,
        request_id=origin.request_id,
    )


def facts_of(record: DataclassInstance) -> dict[str, Any]:
    """Return what a record says of its object, without what only counts and dates the record itself."""
    return {name: value for name, value in asdict(record).items() if name not in _OF_THE_RECORD}


def content_digest(content: Mapping[str, Any]) -> str:
    """Digest what was written down, whatever it holds: the order of fields does not matter, every value does."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_foreign, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _side(side: Mapping[str, Any], *, other: Mapping[str, Any]) -> dict[str, Any]:
    differing = {name: value for name, value in side.items() if name not in other or other[name] != value}
    plain = {_name(name): _plain(value, name, DEPTH_MAX) for name, value in list(differing.items())[:FIELDS_MAX]}
    size = len(json.dumps(plain))
    return plain if size <= SIDE_BYTES_MAX else {"too_large": True, "digest": content_digest(plain)}


def _plain(value: Any, name: str, depth: int) -> Any:
    """Return a value as the trail keeps it: hidden or masked by its field's name, else in JSON's own types."""
    if value is None or isinstance(value, bool):
        return value
    if _SECRET.search(name):
        return HIDDEN
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        if not depth:
            return HIDDEN
        return {_name(key): _plain(inner, str(key), depth - 1) for key, inner in list(value.items())[:FIELDS_MAX]}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        return [_plain(item, name, depth - 1) for item in items[:FIELDS_MAX]] if depth else HIDDEN
    return _scalar(value, name)


def _scalar(value: Any, name: str) -> Any:
    if _MASKED.search(name):
        return masked_contact(str(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, str | Decimal | Money | date):
        return _text(str(value), TEXT_LENGTH_MAX)
    return f"({type(value).__name__})"


def masked_contact(value: str) -> str:
    """Return an e-mail address or a telephone number of which too little is left to reach anybody."""
    name, at, host = value.rpartition("@")
    return f"{name[:1]}***@{host[:100]}" if at else f"{HIDDEN}{value[-2:]}"


def _name(name: object) -> str:
    """Return a field's name as the database takes it."""
    return _text(str(name), 64).replace("$", "_").replace(".", "_")


def _text(value: str, length_max: int) -> str:
    clean = value.encode("utf-8", "replace").decode().replace("\0", "")
    return clean if len(clean) <= length_max else f"{clean[: length_max - 1]}…"


def _foreign(value: Any) -> str:
    """Spell what is none of JSON's types: times, and whatever a forger may have put there."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"{type(value).__name__}:{value!r}"
