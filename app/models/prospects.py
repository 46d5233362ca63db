"""What could only fail once it is approved is refused at once. What refuses it in the end is the ledger, as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.accounts import AccountStatus
from app.domain.errors import AccountClosed, AlreadyReversed
from app.domain.operations.base import Operation, OperationName
from app.domain.operations.reversal import Reversal

if TYPE_CHECKING:
    from app.models.store import Store

_ON_AN_OPEN_ACCOUNT = frozenset(
    {
        OperationName.COUNTER_DEPOSIT,
        OperationName.COUNTER_WITHDRAWAL,
        OperationName.BANKER_TRANSFER,
        OperationName.REVERSAL,
        OperationName.ADJUSTMENT,
        OperationName.OVERDRAFT_CHANGE,
        OperationName.LIMITS_CHANGE,
        OperationName.HOLDERS_CHANGE,
    }
)


def refuse_hopeless(store: Store, operation: Operation) -> None:
    """Check that an operation stands a chance: only what never changes back counts. Not for a repeated request.

    Raises:
        AlreadyReversed: it would reverse what has been reversed.
        AccountClosed: the account that it is done to is closed.
    """
    if isinstance(operation, Reversal) and store.transactions.find_reversal(operation.transaction) is not None:
        raise AlreadyReversed
    if operation.NAME in _ON_AN_OPEN_ACCOUNT:
        account = store.accounts.find_many([operation.subject]).get(operation.subject)
        if account is not None and account.status is AccountStatus.CLOSED:
            raise AccountClosed
