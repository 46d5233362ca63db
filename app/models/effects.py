"""What executes an operation: for one of the ledger its request, for any other the change that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pymongo.client_session import ClientSession

from app.domain.operations.base import Operation, OperationName, PostingOperation
from app.domain.operations.policy_change import PolicyChange
from app.models.posting import Request

if TYPE_CHECKING:
    from app.models.store import Store

Also = Callable[[ClientSession | None], None]
"""What belongs to an effect and has to happen in its transaction: an approval used up."""
Effect = Callable[["Store", Any, Also], object]
Preparation = Callable[["Store", Any, Mapping[str, Any], str | None], Request]


def request_of(store: Store, operation: PostingOperation, facts: Mapping[str, Any], *, approval: str | None) -> Request:
    """Return what to post for an operation, with the writes that go with it."""
    prepare = PREPARATIONS.get(operation.NAME)
    if prepare is None:
        return Request(operation.intent(facts, approval=approval))
    return prepare(store, operation, facts, approval)


def bring_about(store: Store, operation: Operation, also: Also) -> None:
    """Make the change that an operation stands for, with `also`: both or neither.

    Raises:
        BankError: it can't be made (any more).
    """
    EFFECTS[operation.NAME](store, operation, also)


def _change_policy(store: Store, operation: PolicyChange, also: Also) -> None:
    def work(session: ClientSession | None) -> None:
        also(session)
        store.policies.change(operation.before, operation.policy, session=session)

    store.transaction(work)


PREPARATIONS: Mapping[OperationName, Preparation] = {}
EFFECTS: Mapping[OperationName, Effect] = {OperationName.POLICY_CHANGE: _change_policy}
