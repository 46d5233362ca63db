"""What executes an operation: for one of the ledger its request, for any other the change that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pymongo.client_session import ClientSession

from app.domain.operations.base import Operation, OperationName, PostingOperation
from app.domain.operations.fx_rate_change import FxRateChange
from app.domain.operations.holders_change import HoldersChange
from app.domain.operations.policy_change import PolicyChange
from app.domain.operations.staff_role_change import StaffRoleChange
from app.domain.operations.terms import OverdraftChange
from app.models.access import change_user
from app.models.bulk_posting import begin_bulk
from app.models.holders_change import prepare_holders_change, settle_holders_change
from app.models.opening import prepare_opening
from app.models.overdrafts import refuse_above_product
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


def settle(store: Store, operation: PostingOperation) -> None:
    """Put right what follows from an operation that was posted, and that readers put right where nobody did."""
    if isinstance(operation, HoldersChange):
        settle_holders_change(store, operation)


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


def _set_fx_rate(store: Store, operation: FxRateChange, also: Also) -> None:
    def work(session: ClientSession | None) -> None:
        also(session)
        store.fx_rates.insert(operation.rate_from(store.clock.now()), session=session)

    store.transaction(work)


def _overdraft(store: Store, operation: OverdraftChange, facts: Mapping[str, Any], approval: str | None) -> Request:
    if approval is not None:  # what needs none was looked at when it was asked for
        account = store.accounts.get_customer_account(operation.account)
        refuse_above_product(store, account, operation.limit.amount_minor)
    return Request(operation.intent(facts, approval=approval))


def _change_role(store: Store, operation: StaffRoleChange, also: Also) -> None:
    user = store.users.get(operation.user)
    operation.refuse_overtaken(user)
    change_user(store, user, role=operation.role, also=also)


PREPARATIONS: Mapping[OperationName, Preparation] = {
    OperationName.ACCOUNT_OPENING: prepare_opening,
    OperationName.HOLDERS_CHANGE: prepare_holders_change,
    OperationName.OVERDRAFT_CHANGE: _overdraft,
}
EFFECTS: Mapping[OperationName, Effect] = {
    OperationName.POLICY_CHANGE: _change_policy,
    OperationName.FX_RATE_CHANGE: _set_fx_rate,
    OperationName.STAFF_ROLE_CHANGE: _change_role,
    OperationName.BULK_POSTING: begin_bulk,
}
