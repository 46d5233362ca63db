"""Files of payments from one account to many: what is in order, and by line what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from app.domain.accounts import Account
from app.domain.errors import ValidationFailed
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.domain.requests import fingerprint

LINES_MAX = 10_000
PARTS_MAX = 40 * LINES_MAX
"""Commas (and with JSON brackets) of a file, those in its texts included. A line of four members has four or five;
what is taken apart takes up thirty times its text."""
LINES_TOGETHER_MAX = 1_000
"""So many lines are posted all or none: what one transaction of the database takes in its time."""
FAULTS_MAX = 1_000
ROUTE = "bulk"


class BulkMode(StrEnum):
    """Whether a line that is refused leaves the others alone."""

    PER_LINE = "per_line"
    ALL_OR_NOTHING = "all_or_nothing"


class BulkLine(NamedTuple):
    """A line as it was sent: `amount` in plain decimals."""

    to: str
    amount: str
    description: str | None = None
    reference: str | None = None


Faults = Mapping[str, Sequence[str]]
"""What is wrong with a line: field -> messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """A request to pay many from one account: every line of the file, or what is wrong with its shape."""

    source: str
    mode: BulkMode
    lines: Sequence[BulkLine | Faults]
    idempotency_key: str | None = None


class Payment(NamedTuple):
    """A line that is in order, in minor units of the bulk's currency."""

    to: str
    amount: int
    description: str | None
    reference: str | None


def payments_of(order: BulkOrder, account: Account) -> list[Payment]:
    """Return the payments of a file that is in order from its first line to its last.

    Raises:
        ValidationFailed: naming every line that is not, the first FAULTS_MAX of them.
    """
    _refuse_count(order)
    payments: list[Payment] = []
    faulty: dict[int, Faults] = {}
    for number, line in enumerate(order.lines, start=1):
        read = _payment(line, account) if isinstance(line, BulkLine) else line
        if isinstance(read, Payment):
            payments.append(read)
        else:
            faulty[number] = read
    if faulty:
        raise ValidationFailed(errors=_told(faulty))
    if sum(payment.amount for payment in payments) > AMOUNT_MINOR_MAX:
        limit = Money(AMOUNT_MINOR_MAX, account.currency)
        raise ValidationFailed(errors={"lines": [f"Together they come to more than {limit} {account.currency}."]})
    return payments


def _refuse_count(order: BulkOrder) -> None:
    most = LINES_TOGETHER_MAX if order.mode is BulkMode.ALL_OR_NOTHING else LINES_MAX
    if not 1 <= len(order.lines) <= most:
        raise ValidationFailed(errors={"lines": [f"Give 1 to {most:,} lines in this mode."]})


def _payment(line: BulkLine, account: Account) -> Payment | Faults:
    if line.to == account.id:
        return {"to": ["This is the account that pays."]}
    try:
        money = Money.parse(line.amount, account.currency)
    except ValidationFailed as fault:
        return fault.errors or {}
    return Payment(line.to, money.amount_minor, line.description, line.reference)


def _told(faulty: Mapping[int, Faults]) -> dict[str, Sequence[str]]:
    errors: dict[str, Sequence[str]] = {}
    for number in list(faulty)[:FAULTS_MAX]:
        errors |= {f"lines.{number}.{field}": texts for field, texts in faulty[number].items()}
    if len(faulty) > FAULTS_MAX:
        errors["lines"] = [f"{len(faulty):,} lines are not in order; the first {FAULTS_MAX:,} are named."]
    return errors


def digest_of(source: str, mode: BulkMode, payments: Sequence[Payment]) -> str:
    """Digest what a file asks for: the same for the same lines, whether they came as CSV or as JSON."""
    return fingerprint(ROUTE, {"from": source, "mode": str(mode), "lines": payments})
