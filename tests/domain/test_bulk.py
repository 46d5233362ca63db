"""Files of payments: how they are cut, digested, and what an approver is shown of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.bulk import (
    CHUNK_LINES,
    Bulk,
    BulkStatus,
    LineStatus,
    bulk_id,
    chunk_intent,
    chunk_transaction,
    line_transaction,
    results_of,
)
from app.domain.bulk_files import (
    FAULTS_MAX,
    LINES_MAX,
    LINES_TOGETHER_MAX,
    BulkLine,
    BulkMode,
    BulkOrder,
    Payment,
    digest_of,
    payments_of,
)
from app.domain.errors import AccountClosed, UnknownPayee, ValidationFailed
from app.domain.fx import FxRate
from app.domain.ids import transaction_id
from app.domain.ledger.intents import Leg, Post, PostEach
from app.domain.ledger.records import Transaction, TransactionType
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.domain.operations.bulk_posting import BulkPosting
from app.domain.operations.fx_rate_change import FxRateChange
from tests.factories.ledger import account_state

NOW = datetime(2026, 1, 31, 12, 30, 15, 250_000, tzinfo=UTC)


def bulk_of(lines: int, mode: BulkMode = BulkMode.PER_LINE, **facts: Any) -> Bulk:
    defaults: dict[str, Any] = {
        "id": "b",
        "request_id": "r",
        "digest": "d",
        "source": "1",
        "currency": "USD",
        "mode": mode,
        "lines": lines,
        "total": lines,
        "requested_by": "bella",
        "requested_at": NOW,
    }
    return Bulk(**defaults | facts)


def payments(count: int) -> list[Payment]:
    return [Payment(str(number), 1, None, None) for number in range(count)]


@pytest.mark.parametrize(
    ("lines", "mode", "sizes"),
    [
        (1, BulkMode.PER_LINE, [1]),
        (CHUNK_LINES, BulkMode.PER_LINE, [CHUNK_LINES]),
        (2 * CHUNK_LINES + 1, BulkMode.PER_LINE, [CHUNK_LINES, CHUNK_LINES, 1]),
        (LINES_TOGETHER_MAX, BulkMode.ALL_OR_NOTHING, [LINES_TOGETHER_MAX]),
    ],
)
def test_a_file_is_cut_into_chunks_that_are_posted_at_once(lines: int, mode: BulkMode, sizes: list[int]) -> None:
    bulk = bulk_of(lines, mode)
    assert [len(chunk) for chunk in bulk.cut(payments(lines))] == sizes
    assert bulk.chunks == len(sizes)


def test_lines_are_numbered_through_the_file_and_each_has_an_id_of_its_own() -> None:
    bulk = bulk_of(CHUNK_LINES + 2)
    chunks = bulk.cut(payments(bulk.lines))
    ids = [part.id for number, chunk in enumerate(chunks) for part in chunk_intent(bulk, number, chunk).parts]
    assert ids == [line_transaction("b", line) for line in range(1, bulk.lines + 1)]
    assert len(set(ids)) == bulk.lines
    assert [result.line for result in results_of(bulk, 1, chunks[1], None)] == [CHUNK_LINES + 1, CHUNK_LINES + 2]


def test_a_files_first_chunk_goes_by_its_senders_key_unless_the_asking_for_approval_does() -> None:
    bulk = bulk_of(CHUNK_LINES + 1)
    approved = replace(bulk, approval="a")
    assert chunk_transaction(bulk, 0) == "r"
    assert len({chunk_transaction(each, number) for each in (bulk, approved) for number in (0, 1)}) == 3
    assert chunk_intent(approved, 0, payments(1)).metadata["approval"] == "a"


def test_lines_of_a_file_that_is_not_posted_yet_are_pending_and_of_a_refused_one_not_posted() -> None:
    for status, expected in ((BulkStatus.RUNNING, LineStatus.PENDING), (BulkStatus.REFUSED, LineStatus.NOT_POSTED)):
        (line,) = results_of(bulk_of(1, status=status), 0, payments(1), None)
        assert (line.status, line.transaction_id, line.code, line.detail) == (expected, None, None, None)


def test_a_digest_tells_files_apart() -> None:
    one, other = Payment("1", 100, "a", "b"), Payment("2", 100, "a", "b")
    digests = {
        digest_of("3", BulkMode.PER_LINE, [one, other]),
        digest_of("3", BulkMode.PER_LINE, [other, one]),
        digest_of("4", BulkMode.PER_LINE, [one, other]),
        digest_of("3", BulkMode.ALL_OR_NOTHING, [one, other]),
        digest_of("3", BulkMode.PER_LINE, [one]),
        digest_of("3", BulkMode.PER_LINE, [one, other._replace(amount=101)]),
        digest_of("3", BulkMode.PER_LINE, [one, other._replace(description=None)]),
        digest_of("3", BulkMode.PER_LINE, [one._replace(description="ab", reference=""), other]),
    }
    assert len(digests) == 8


def test_amounts_are_read_in_the_paying_accounts_currency() -> None:
    yen = account_state(currency="JPY")
    order = BulkOrder(source=yen.id, mode=BulkMode.PER_LINE, lines=[BulkLine("1", "100")])
    assert payments_of(order, yen) == [Payment("1", 100, None, None)]
    with pytest.raises(ValidationFailed) as refusal:
        payments_of(replace(order, lines=[BulkLine("1", "100"), BulkLine("1", "100.5")]), yen)
    assert list(refusal.value.errors or {}) == ["lines.2.amount"]


def test_a_total_beyond_the_largest_amount_is_refused() -> None:
    account = account_state()
    line = BulkLine("1", f"{AMOUNT_MINOR_MAX // 200}.00")
    assert len(payments_of(BulkOrder(source=account.id, mode=BulkMode.PER_LINE, lines=[line] * 2), account)) == 2
    with pytest.raises(ValidationFailed) as refusal:
        payments_of(BulkOrder(source=account.id, mode=BulkMode.PER_LINE, lines=[line] * 3), account)
    assert list(refusal.value.errors or {}) == ["lines"]


@pytest.mark.parametrize(
    "operation",
    [
        BulkPosting.of(bulk_of(3, BulkMode.ALL_OR_NOTHING, total=12_345), ("Alice Archer", None)),
        FxRateChange(rate_id="i", base="EUR", quote="USD", rate="1.10", spread="0.01", valid_from=NOW, set_by="adam"),
        FxRateChange(rate_id="i", base="EUR", quote="USD", rate="1.10", spread="0", valid_from=None, set_by="adam"),
    ],
)
def test_what_an_approver_is_shown_is_what_is_executed(operation: BulkPosting | FxRateChange) -> None:
    assert type(operation).from_payload(operation.payload()) == operation


def test_a_rate_never_counts_from_before_it_was_executed() -> None:
    change = FxRateChange(rate_id="i", base="EUR", quote="USD", rate="1.10", spread="0", valid_from=NOW, set_by="adam")
    later = NOW.replace(hour=20)
    assert change.rate_from(later) == FxRate(
        id="i", base="EUR", quote="USD", rate="1.10", spread="0", valid_from=later, set_by="adam", set_at=later
    )
    assert change.rate_from(NOW.replace(hour=1)).valid_from == NOW


def posted(**metadata: str) -> Transaction:
    """Return the transaction of a chunk that was posted."""
    return Transaction(
        id="r",
        type=TransactionType.BULK_POSTING,
        account_id="1",
        postings=(),
        description=None,
        initiated_by="bella",
        channel="bulk",
        fingerprint="d",
        business_date="2026-01-31",
        value_date="2026-01-31",
        created_at=NOW,
        metadata=metadata,
    )


def test_a_chunk_is_posted_on_the_banks_authority_line_by_line() -> None:
    bulk = bulk_of(CHUNK_LINES + 2, branch="HQ", approval="a")
    chunk = [Payment("2", 300, "rent", "R-7"), Payment("3", 5, None, None)]
    facts: dict[str, Any] = {
        "fingerprint": "d", "initiated_by": "bella", "channel": "bulk", "branch": "HQ", "account_id": "1",
    }  # fmt: skip
    first, last = CHUNK_LINES + 1, CHUNK_LINES + 2
    assert chunk_intent(bulk, 1, chunk) == PostEach(
        **facts,
        id=chunk_transaction(bulk, 1),
        metadata={"bulk": "b", "lines": f"{first}-{last}", "approval": "a"},
        all_or_nothing=False,
        parts=(
            Post(
                **facts,
                id=line_transaction("b", first),
                type=TransactionType.TRANSFER,
                description="rent",
                metadata={"bulk": "b", "line": str(first), "reference": "R-7"},
                legs=(Leg("1", -300, "USD"), Leg("2", 300, "USD")),
            ),
            Post(
                **facts,
                id=line_transaction("b", last),
                type=TransactionType.TRANSFER,
                metadata={"bulk": "b", "line": str(last)},
                legs=(Leg("1", -5, "USD"), Leg("3", 5, "USD")),
            ),
        ),
    )
    together = chunk_intent(bulk_of(2, BulkMode.ALL_OR_NOTHING), 0, chunk)
    assert (together.all_or_nothing, together.metadata) == (True, {"bulk": "b", "lines": "1-2"})


def test_ids_of_files_chunks_and_lines_are_the_same_in_every_release() -> None:
    assert bulk_id("bella", "k") == transaction_id("bella", "bulk k")[:32]
    assert chunk_transaction(bulk_of(CHUNK_LINES + 1), 1) == transaction_id("bulk b", "chunk 1")
    assert chunk_transaction(bulk_of(1, approval="a"), 0) == transaction_id("bulk b", "chunk 0")
    assert line_transaction("b", 7) == transaction_id("bulk b", "line 7")


def test_the_digest_of_a_file_is_the_same_in_every_release() -> None:
    text = '["bulk", {"from": "1", "lines": [["2", 300, "rent", null]], "mode": "per_line"}]'
    digest = digest_of("1", BulkMode.PER_LINE, [Payment("2", 300, "rent", None)])
    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_a_posted_line_has_its_transaction_and_a_refused_one_its_reason() -> None:
    bulk = bulk_of(CHUNK_LINES + 3, status=BulkStatus.RUNNING)
    done = posted(refused="1:not_found 2:account_closed")
    paid, unknown, closed = results_of(bulk, 1, payments(3), done)
    assert (paid.line, paid.payment, paid.amount) == (CHUNK_LINES + 1, payments(1)[0], Money(1, "USD"))
    assert (paid.status, paid.transaction_id) == (LineStatus.POSTED, line_transaction("b", CHUNK_LINES + 1))
    assert (paid.code, paid.detail) == (None, None)
    assert (unknown.status, unknown.transaction_id) == (LineStatus.REFUSED, None)
    assert (unknown.code, unknown.detail) == (UnknownPayee.code, UnknownPayee.title)
    assert (closed.line, closed.code, closed.detail) == (CHUNK_LINES + 3, AccountClosed.code, AccountClosed.title)


def test_what_a_file_comes_to_is_money_of_its_currency() -> None:
    bulk = bulk_of(2, total=700, posted_total=300)
    assert (bulk.total_money, bulk.posted_money) == (Money(700, "USD"), Money(300, "USD"))


def test_a_files_lines_are_read_as_they_stand() -> None:
    account = account_state()
    lines = [BulkLine("2", "3.00", "rent", "R-7"), BulkLine("3", "0.05")]
    order = BulkOrder(source=account.id, mode=BulkMode.ALL_OR_NOTHING, lines=lines)
    assert payments_of(order, account) == [Payment("2", 300, "rent", "R-7"), Payment("3", 5, None, None)]


def faults(lines: list[Any], mode: BulkMode = BulkMode.PER_LINE, **facts: Any) -> list[str]:
    """Return the names of what is refused in a file."""
    account = account_state(**facts)
    with pytest.raises(ValidationFailed) as refusal:
        payments_of(BulkOrder(source=account.id, mode=mode, lines=lines), account)
    return list(refusal.value.errors or {})


def test_every_line_that_is_not_in_order_is_named_up_to_a_bound() -> None:
    own, wrong, odd = BulkLine("7", "1"), BulkLine("2", "x"), {"to": ["?"], "amount": ["?"]}
    right = BulkLine("2", "1")
    assert faults([own, right, wrong, odd], id="7") == ["lines.1.to", "lines.3.amount", "lines.4.to", "lines.4.amount"]
    assert faults([wrong] * FAULTS_MAX) == [f"lines.{number}.amount" for number in range(1, FAULTS_MAX + 1)]
    assert faults([wrong] * (FAULTS_MAX + 1)) == [*(f"lines.{n}.amount" for n in range(1, FAULTS_MAX + 1)), "lines"]


def test_a_file_has_one_line_and_no_more_than_its_mode_takes() -> None:
    line = BulkLine("2", "0.01")
    account = account_state()
    for mode, most in ((BulkMode.PER_LINE, LINES_MAX), (BulkMode.ALL_OR_NOTHING, LINES_TOGETHER_MAX)):
        order = BulkOrder(source=account.id, mode=mode, lines=[line] * most)
        assert len(payments_of(order, account)) == most
        assert faults([line] * (most + 1), mode) == ["lines"]
        assert faults([], mode) == ["lines"]


def test_a_file_may_come_to_the_largest_amount_of_a_posting() -> None:
    account = account_state(currency="JPY")
    lines = [BulkLine("2", str(AMOUNT_MINOR_MAX - 1)), BulkLine("2", "1")]
    order = BulkOrder(source=account.id, mode=BulkMode.PER_LINE, lines=lines)
    assert sum(payment.amount for payment in payments_of(order, account)) == AMOUNT_MINOR_MAX
    assert faults([*lines, BulkLine("2", "1")], currency="JPY") == ["lines"]
