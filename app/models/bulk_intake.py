"""Taking in a file of payments: once, whoever sends it again and whenever the process before was killed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from app.domain.bulk import Bulk
from app.domain.bulk_files import Payment
from app.domain.errors import IdempotencyMismatch

if TYPE_CHECKING:
    from app.models.store import Store


def keep(store: Store, bulk: Bulk, payments: Sequence[Payment]) -> Bulk | None:
    """Keep a file with all its lines; return what was kept under its id before, if anything was.

    Raises:
        IdempotencyMismatch: that was another file, or the key had another effect.
    """
    earlier = store.bulks.find(bulk.id)
    if earlier is None:
        if store.transactions.find(bulk.request_id) is not None:
            raise IdempotencyMismatch
        earlier = _insert(store, bulk, payments)
    if earlier is not None and earlier.digest != bulk.digest:
        raise IdempotencyMismatch
    return earlier


def _insert(store: Store, bulk: Bulk, payments: Sequence[Payment]) -> Bulk | None:
    def work(session: ClientSession | None) -> None:
        store.bulks.insert(bulk, payments, session=session)

    try:
        store.transaction(work)
    except DuplicateKeyError:
        return store.bulks.get(bulk.id)
    return None
