"""Exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from app.domain.fx import FxRate
from app.domain.operations.base import EffectOperation, OperationName, Payload


@dataclass(frozen=True, kw_only=True)
class FxRateChange(EffectOperation):
    """A new rate for a pair of currencies, under this id; without a time it counts from when it is executed."""

    NAME = OperationName.FX_RATE_CHANGE
    ADMIN_DECIDES = True
    SUBJECT_KIND = "fx_rate"

    rate_id: str
    base: str
    quote: str
    rate: str
    spread: str
    valid_from: datetime | None
    set_by: str

    @property
    def subject(self) -> str:
        return f"{self.base}/{self.quote}"

    def payload(self) -> Payload:
        return {**self.sent(), "id": self.rate_id, "set_by": self.set_by}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        valid_from = payload["valid_from"]
        return cls(
            rate_id=payload["id"],
            base=payload["base"],
            quote=payload["quote"],
            rate=payload["rate"],
            spread=payload["spread"],
            valid_from=datetime.fromisoformat(valid_from) if valid_from else None,
            set_by=payload["set_by"],
        )

    def sent(self) -> Payload:
        valid_from = self.valid_from.isoformat(timespec="milliseconds") if self.valid_from else None
        return {
            "base": self.base,
            "quote": self.quote,
            "rate": self.rate,
            "spread": self.spread,
            "valid_from": valid_from,
        }

    def rate_from(self, now: datetime) -> FxRate:
        """Return the rate as it counts when this is executed: not earlier than that."""
        return FxRate(
            id=self.rate_id,
            base=self.base,
            quote=self.quote,
            rate=self.rate,
            spread=self.spread,
            valid_from=max(self.valid_from or now, now),
            set_by=self.set_by,
            set_at=now,
        )
