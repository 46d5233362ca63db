"""Letting customers join and leave accounts: what is relied upon of them holds in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.domain.errors import StateConflict
from app.domain.operations.holders_change import HoldersChange
from app.models.opening import relied_upon, require_room
from app.models.posting import Request

if TYPE_CHECKING:
    from app.models.store import Store


def prepare_holders_change(
    store: Store, operation: HoldersChange, facts: Mapping[str, Any], approval: str | None
) -> Request:
    """Return what changes an account's holders; about who leaves its own record tells all that matters.

    Raises:
        CustomerNotActive: who joins is suspended or closed.
        TooManyAccounts: who joins has as many as one may.
        StateConflict: who joins has another name by now than was shown.
    """
    intent = operation.intent(facts, approval=approval)
    if operation.joins is None:
        return Request(intent)
    customer = store.customers.get(operation.joins.customer)
    require_room(store, customer)
    if customer.full_name != operation.joins.full_name:
        raise StateConflict("The customer's name has changed since this was asked for.")
    return Request(intent, tuple(relied_upon(store, [customer])))


def settle_holders_change(store: Store, operation: HoldersChange) -> None:
    """Give who has left another primary account; where this was cut off, the next request that names none does."""
    if operation.leaves is not None:
        store.accounts.settle_primary(operation.leaves.customer)
