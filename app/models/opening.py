"""Opening accounts: what is relied upon of the product and of each holder holds in the transaction that opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from app.domain.accounts import Account, AccountStatus
from app.domain.customers import Customer, CustomerStatus, KycStatus
from app.domain.errors import (
    CustomerNotActive,
    KycRequired,
    ProductNotAvailable,
    ServerBusy,
    StateConflict,
    TooManyAccounts,
)
from app.domain.operations.opening import AccountOpening
from app.domain.products import Product, ProductStatus
from app.models.branch_staff import require_open_branch
from app.models.posting import GuardedWrite, Request

if TYPE_CHECKING:
    from app.models.store import Store

Result = TypeVar("Result")
_TRIES = 20
_WITH_CLOSED = 10
"""How many times as many accounts a customer may hold when those that are closed count, too."""


class CustomerChanged(StateConflict):
    """A customer's record was changed at the same moment: what was decided by it must be decided anew."""


def prepare_opening(store: Store, operation: AccountOpening, facts: Mapping[str, Any], approval: str | None) -> Request:
    """Return what opens an account: for staff, or with a `customer_id` in `facts` by a customer for themselves.

    Raises:
        ProductNotAvailable: it was withdrawn, or customers can't open it by themselves.
        StateConflict, ValidationFailed: the branch is closed, or there is none of this code.
        CustomerNotActive: a holder is suspended or closed.
        KycRequired: the bank does not know yet who the customer is.
        TooManyAccounts: a holder has as many as one may.
    """
    by_customer = facts.get("customer_id") is not None
    _require_offered(store.products.find(operation.account.product or ""), by_customer=by_customer)
    if operation.account.branch is not None:
        require_open_branch(store, operation.account.branch)
    holders = [store.customers.get(customer_id) for customer_id in operation.account.holders]
    first: list[str] = []
    for holder in holders:
        owned = require_room(store, holder)
        if by_customer and holder.kyc_status is not KycStatus.VERIFIED:
            raise KycRequired
        if not any(holder.id in account.primary_for for account in owned):
            first.append(holder.id)
    account = operation.account._replace(opened_at=store.clock.now(), primary_for=tuple(first))
    intent = replace(operation, account=account).intent(facts, approval=approval)
    return Request(intent, tuple(relied_upon(store, holders)))


def require_room(store: Store, customer: Customer) -> list[Account]:
    """Return the accounts of a customer who may have a further one.

    Raises:
        CustomerNotActive: they are suspended or closed.
        TooManyAccounts: they have as many as one may.
    """
    if customer.status is not CustomerStatus.ACTIVE:
        raise CustomerNotActive
    owned = store.accounts.list_owned(customer.id)
    limit = store.config.accounts_per_customer_max
    closed = sum(account.status is AccountStatus.CLOSED for account in owned)
    if len(owned) - closed >= limit or len(owned) >= _WITH_CLOSED * limit:
        raise TooManyAccounts
    return owned


def relied_upon(store: Store, customers: Iterable[Customer]) -> list[GuardedWrite]:
    """Return the writes by which nobody is suspended, nor gets another account, at the same moment unseen."""
    in_order = sorted(customers, key=lambda each: each.id)
    return [replace(store.customers.relied_upon(customer), refusal=CustomerChanged()) for customer in in_order]


def until_settled(work: Callable[[], Result], *, anew: tuple[type[Exception], ...] = (CustomerChanged,)) -> Result:
    """Do again what others came in between of; `work` reads and decides anew each time.

    Raises:
        ServerBusy: they came again and again.
    """
    for _ in range(_TRIES):
        try:
            return work()
        except anew:
            continue
    raise ServerBusy(retry_after_s=1)


def _require_offered(product: Product | None, *, by_customer: bool) -> None:
    if product is None or product.status is not ProductStatus.OFFERED:
        raise ProductNotAvailable
    if by_customer and not product.self_service:
        raise ProductNotAvailable
