"""Pay many from one account, as a file says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.bulk import Bulk, BulkStatus, LineResult, LineStatus, bulk_id, chunk_transaction, results_of
from app.domain.bulk_files import BulkOrder, digest_of, payments_of
from app.domain.clock import business_date
from app.domain.errors import StateConflict
from app.domain.ids import transaction_id
from app.domain.operations.bulk_posting import BulkPosting
from app.domain.paging import Page
from app.models.budget import deadline_within
from app.models.bulk_intake import keep
from app.models.four_eyes import submit

if TYPE_CHECKING:
    from app.models.store import Store

WAIT_S_MAX = 3.0
"""So long an answer waits for the last line; a longer file is posted to its end all the same."""
_ANSWER_S = 1.0
"""What is left of a request's time for the database when the waiting ends."""
_EXAMINED_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Taken:
    """A bulk payment as it stands. `replayed`: an earlier request had begun it."""

    bulk: Bulk
    replayed: bool


def pay(store: Store, actor: Actor, order: BulkOrder) -> Taken | Answered:
    """Take in a file and post it, or ask for approval of its total. The same file under the same key goes on with it.

    Without a key the file itself is the key, for the business day: sent again, it is the same bulk payment.

    Raises:
        NotFound: there is no customer's account to pay from.
        ValidationFailed: naming every line that is not in order; nothing of the file is kept.
        IdempotencyMismatch: the key belongs to another file, or to a request of another kind.
    """
    account = store.accounts.get_customer_account(order.source)
    payments = payments_of(order, account)
    now = store.clock.now()
    digest = digest_of(account.id, order.mode, payments)
    key = order.idempotency_key or f"{digest} {business_date(now, ZoneInfo(store.config.bank_timezone))}"
    bulk = Bulk(
        id=bulk_id(actor.user_id, key),
        request_id=transaction_id(actor.user_id, key),
        digest=digest,
        source=account.id,
        currency=account.currency,
        mode=order.mode,
        lines=len(payments),
        total=sum(payment.amount for payment in payments),
        requested_by=actor.user_id,
        requested_at=now,
        branch=actor.branch,
    )
    earlier = keep(store, bulk, payments)
    if earlier is None or earlier.status is BulkStatus.RECEIVED:
        asked = _submitted(store, actor, BulkPosting.of(bulk, account.names_of_holders), key)
        if asked is not None:
            store.bulks.await_approval(bulk.id, asked.approval.id)
            return asked
    elif earlier.status is BulkStatus.AWAITING_APPROVAL:
        return Answered(store.approvals.get(str(earlier.approval)), replayed=True)
    return Taken(_ended_soon(store, bulk.id), replayed=earlier is not None)


def _submitted(store: Store, actor: Actor, operation: BulkPosting, key: str) -> Answered | None:
    """Begin with a bulk payment, or return the approval that it needs; a twin of this request may have been quicker."""
    try:
        return submit(store, actor, operation, idempotency_key=key)
    except StateConflict:
        return None


def _ended_soon(store: Store, bulk_id: str) -> Bulk:
    """Wait a while for the last line, and return how far the bulk payment is then."""
    bulk = store.bulks.get(bulk_id)
    if bulk.status is not BulkStatus.RUNNING:
        return bulk
    give_up = deadline_within(WAIT_S_MAX + _ANSWER_S) - _ANSWER_S
    store.bulk_poster.take(bulk_id).wait(max(0.0, give_up - time.monotonic()))
    return store.bulks.get(bulk_id)


def get_bulk(store: Store, bulk_id: str) -> Bulk:
    """Return a bulk payment.

    Raises:
        NotFound: there is none of this id.
    """
    return store.bulks.get(bulk_id)


def list_bulks(store: Store, *, limit: int, cursor: str | None) -> Page[Bulk]:
    """Return a page of bulk payments, the newest first.

    Raises:
        NotFound: the cursor is none.
    """
    found = store.bulks.page(limit=limit + 1, before=store.bulks.get(cursor) if cursor else None)
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def list_lines(store: Store, bulk_id: str, *, status: LineStatus | None, limit: int, cursor: int) -> Page[LineResult]:
    """Return a page of a bulk payment's lines behind line `cursor` with what became of them, all or of one status.

    Raises:
        NotFound: there is no such bulk payment.
    """
    bulk = store.bulks.get(bulk_id)
    found: list[LineResult] = []
    for line in _lines_behind(store, bulk, cursor):
        if status is None or line.status is status:
            found.append(line)
        if len(found) == limit or line.line - cursor == _EXAMINED_MAX:
            return Page(found, str(line.line) if line.line < bulk.lines else None)
    return Page(found, None)


def _lines_behind(store: Store, bulk: Bulk, line: int) -> Iterator[LineResult]:
    """Yield the lines behind this one, reading a chunk when it comes to it."""
    for chunk in range(line // bulk.chunk_lines, bulk.chunks):
        payments = store.bulks.chunks(bulk.id, [chunk])[chunk]
        transaction = store.transactions.find(chunk_transaction(bulk, chunk))
        for result in results_of(bulk, chunk, payments, transaction):
            if result.line > line:
                yield result
