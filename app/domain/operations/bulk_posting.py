"""Payments from one account to many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.bulk import Bulk
from app.domain.bulk_files import BulkMode
from app.domain.money import Money
from app.domain.operations.base import EffectOperation, Names, OperationName, Payload


@dataclass(frozen=True, kw_only=True)
class BulkPosting(EffectOperation):
    """A file of payments that was taken in, with a digest of its lines; its total is what a threshold judges."""

    NAME = OperationName.BULK_POSTING

    bulk: str
    source: str
    source_holders: Names
    mode: BulkMode
    lines: int
    total: Money
    digest: str

    @classmethod
    def of(cls, bulk: Bulk, source_holders: Names) -> Self:
        return cls(
            bulk=bulk.id,
            source=bulk.source,
            source_holders=source_holders,
            mode=bulk.mode,
            lines=bulk.lines,
            total=bulk.total_money,
            digest=bulk.digest,
        )

    @property
    def subject(self) -> str:
        return self.source

    @property
    def amount(self) -> Money:
        return self.total

    def payload(self) -> Payload:
        return {**self.sent(), "from_holders": list(self.source_holders)}

    def sent(self) -> Payload:
        return {
            "bulk": self.bulk,
            "from": self.source,
            "mode": str(self.mode),
            "lines": self.lines,
            "total": str(self.total),
            "currency": self.total.currency,
            "digest": self.digest,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            bulk=payload["bulk"],
            source=payload["from"],
            source_holders=tuple(payload["from_holders"]),
            mode=BulkMode(payload["mode"]),
            lines=payload["lines"],
            total=Money.parse(payload["total"], payload["currency"]),
            digest=payload["digest"],
        )
