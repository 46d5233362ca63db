"""Bulk payments: what a file of payments becomes for the ledger, and what became of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.bulk_files import LINES_TOGETHER_MAX, BulkMode, Payment
from app.domain.errors import NotFound, UnknownPayee, all_errors
from app.domain.ids import transaction_id
from app.domain.ledger import refused_parts
from app.domain.ledger.intents import Leg, Post, PostEach
from app.domain.ledger.records import Transaction, TransactionType
from app.domain.money import Money

CHUNK_LINES = 250
"""So many lines are posted at once where each stands by itself: enough to be quick, few enough to let others by."""
CHANNEL = "bulk"
_TITLES = {error.code: error.title for error in all_errors()}


class BulkStatus(StrEnum):
    """How it stands with a bulk payment."""

    RECEIVED = "received"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    COMPLETED = "completed"
    REFUSED = "refused"


class LineStatus(StrEnum):
    """What became of a line. `not_posted`: it was fine, and another line kept all from being posted."""

    PENDING = "pending"
    POSTED = "posted"
    REFUSED = "refused"
    NOT_POSTED = "not_posted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """A bulk payment: what was asked for, by whom, and how far it is. Its lines are kept apart, in chunks.

    `request_id` is the transaction that its sender's key stands for: its first chunk's, or the asking for approval.
    `digest` is that of the whole file. Amounts are minor units. `done` counts the chunks whose lines have results.
    """

    id: str
    request_id: str
    digest: str
    source: str
    currency: str
    mode: BulkMode
    lines: int
    total: int
    requested_by: str
    requested_at: datetime
    branch: str | None = None
    status: BulkStatus = BulkStatus.RECEIVED
    approval: str | None = None
    done: int = 0
    posted: int = 0
    posted_total: int = 0
    refused: int = 0
    ended_at: datetime | None = None

    @property
    def chunk_lines(self) -> int:
        """How many lines a chunk has, save the last."""
        return LINES_TOGETHER_MAX if self.mode is BulkMode.ALL_OR_NOTHING else CHUNK_LINES

    def cut(self, payments: Sequence[Payment]) -> list[Sequence[Payment]]:
        """Cut the payments of the file into what is posted at once."""
        return [payments[start : start + self.chunk_lines] for start in range(0, self.lines, self.chunk_lines)]

    @property
    def chunks(self) -> int:
        return -(-self.lines // self.chunk_lines)

    @property
    def total_money(self) -> Money:
        return Money(self.total, self.currency)

    @property
    def posted_money(self) -> Money:
        return Money(self.posted_total, self.currency)


def bulk_id(initiator: str, key: str) -> str:
    """Derive the one id that a file can go by under an initiator's key: 32 hexadecimal digits."""
    return transaction_id(initiator, f"{CHANNEL} {key}")[:32]


def chunk_transaction(bulk: Bulk, chunk: int) -> str:
    """Return the id of the one transaction that can post a chunk."""
    if chunk == 0 and bulk.approval is None:
        return bulk.request_id
    return transaction_id(f"{CHANNEL} {bulk.id}", f"chunk {chunk}")


def line_transaction(bulk: str, line: int) -> str:
    """Derive the id of the one transaction that can pay a line."""
    return transaction_id(f"{CHANNEL} {bulk}", f"line {line}")


def chunk_intent(bulk: Bulk, chunk: int, payments: Sequence[Payment]) -> PostEach:
    """Return the intent that pays the lines of a chunk, in their order, on the bank's own authority."""
    first = chunk * bulk.chunk_lines + 1
    facts: dict[str, Any] = {
        "fingerprint": bulk.digest,
        "initiated_by": bulk.requested_by,
        "channel": CHANNEL,
        "branch": bulk.branch,
        "account_id": bulk.source,
    }
    parts = tuple(
        Post(
            **facts,
            id=line_transaction(bulk.id, line),
            description=payment.description,
            metadata=_metadata(bulk, line, payment),
            type=TransactionType.TRANSFER,
            legs=(
                Leg(bulk.source, -payment.amount, bulk.currency),
                Leg(payment.to, payment.amount, bulk.currency),
            ),
        )
        for line, payment in enumerate(payments, start=first)
    )
    return PostEach(
        **facts,
        id=chunk_transaction(bulk, chunk),
        metadata={
            "bulk": bulk.id,
            "lines": f"{first}-{first + len(payments) - 1}",
            **({"approval": bulk.approval} if bulk.approval else {}),
        },
        parts=parts,
        all_or_nothing=bulk.mode is BulkMode.ALL_OR_NOTHING,
    )


def _metadata(bulk: Bulk, line: int, payment: Payment) -> dict[str, str]:
    metadata = {"bulk": bulk.id, "line": str(line)}
    return metadata | ({"reference": payment.reference} if payment.reference else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineResult:
    """A line and what became of it; `code` and `detail` say why it was refused."""

    line: int
    payment: Payment
    amount: Money
    status: LineStatus
    transaction_id: str | None = None
    code: str | None = None

    @property
    def detail(self) -> str | None:
        return _TITLES[self.code] if self.code else None


def refusals_of(transaction: Transaction) -> dict[int, str]:
    """Return the codes of a chunk's refused lines, by position. What was not found can only be the payee."""
    told = refused_parts.told_by(transaction.metadata)
    return {position: UnknownPayee.code if code == NotFound.code else code for position, code in told.items()}


def results_of(
    bulk: Bulk, chunk: int, payments: Sequence[Payment], transaction: Transaction | None
) -> list[LineResult]:
    """Return what became of a chunk's lines, by its transaction; None: they have not been posted yet."""
    refused = refusals_of(transaction) if transaction else {}
    otherwise = LineStatus.POSTED if transaction else LineStatus.PENDING
    if bulk.status is BulkStatus.REFUSED:
        otherwise = LineStatus.NOT_POSTED
    results = []
    for position, payment in enumerate(payments):
        line, code = chunk * bulk.chunk_lines + position + 1, refused.get(position)
        status = LineStatus.REFUSED if code else otherwise
        results.append(
            LineResult(
                line=line,
                payment=payment,
                amount=Money(payment.amount, bulk.currency),
                status=status,
                transaction_id=line_transaction(bulk.id, line) if status is LineStatus.POSTED else None,
                code=code,
            )
        )
    return results
