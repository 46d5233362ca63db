"""What a caller may ask of the history: bounds on time, amount, kind and direction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from app.domain.errors import ValidationFailed
from app.domain.ledger.records import TransactionType
from app.domain.money import AMOUNT_MINOR_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Bounds are inclusive; amounts are absolute, in plain decimal notation, in whatever currency a line has."""

    type: TransactionType | None = None
    direction: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    min_amount: str | None = None
    max_amount: str | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise ValidationFailed(errors={"from": ["It lies after `to`."]})
        if self.min_amount and self.max_amount and Decimal(self.min_amount) > Decimal(self.max_amount):
            raise ValidationFailed(errors={"min_amount": ["It is larger than `max_amount`."]})

    def minor_bounds(self, exponent: int) -> tuple[int | None, int | None]:
        """Return the amount's bounds in minor units of a currency with this exponent."""
        return _minor(self.min_amount, exponent, ROUND_CEILING), _minor(self.max_amount, exponent, ROUND_FLOOR)

    @property
    def needs_scan(self) -> bool:
        """Tell whether lines must be looked at to decide, beyond what an index tells."""
        return any((self.type, self.direction, self.min_amount, self.max_amount))


def _minor(amount: str | None, exponent: int, rounding: str) -> int | None:
    if amount is None:
        return None
    return min(int(Decimal(amount).scaleb(exponent).to_integral_value(rounding)), AMOUNT_MINOR_MAX + 1)
