"""Opening accounts: customers for themselves, bankers for customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from app.domain.account_views import AccountView
from app.domain.accounts import new_account_number
from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import (
    AccountNumberTaken,
    BankError,
    IdempotencyMismatch,
    NotFound,
    ProductNotAvailable,
    ValidationFailed,
)
from app.domain.ids import random_id
from app.domain.ledger.book import Recorded
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.operations.opening import AccountOpening
from app.domain.requests import intent_facts
from app.models.four_eyes import submit
from app.models.opening import CustomerChanged, prepare_opening, until_settled

if TYPE_CHECKING:
    from app.models.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningOrder:
    """What is asked for: an account of a product for these customers, by id."""

    product: str
    customers: tuple[str, ...]
    nickname: str | None = None
    branch: str | None = None
    number: str | None = None
    opening_deposit: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An account as it stands, and whether an earlier request with the same key had opened it."""

    account: AccountView
    replayed: bool


def open_own(
    store: Store, actor: Actor, *, product: str, nickname: str | None = None, idempotency_key: str | None
) -> Opened:
    """Open a further account for the customer, once per idempotency key.

    Raises:
        KycRequired: the bank does not know yet who they are.
        ProductNotAvailable: there is no such product, or customers can't open it (any more).
        CustomerNotActive: they are suspended.
        TooManyAccounts: they have as many as one may.
    """
    customer_id, key = actor.as_customer(), idempotency_key or random_id()
    order = OpeningOrder(product=product, customers=(customer_id,), nickname=nickname)

    def post(operation: AccountOpening) -> Recorded:
        request = prepare_opening(store, operation, _facts(actor, key, operation), None)
        return store.journal.post(request.intent, also=request.also)

    recorded = _once(store, actor, order, key, post)
    account = store.accounts.get_owned(recorded.transaction.account_id, customer_id)
    return Opened(AccountView.for_holder(account, customer_id, iban=store.ibans.of(account.id)), recorded.replayed)


def open_for_customers(store: Store, actor: Actor, order: OpeningOrder) -> Opened | Answered:
    """Open an account for customers, or ask for approval where much cash is paid in; once per idempotency key.

    Raises:
        NotFound: there is no such customer.
        ValidationFailed: the number, the branch or the deposit can't be one of this account's.
        ProductNotAvailable: there is no such product, or it is offered no more.
        StateConflict: the branch is closed.
        CustomerNotActive: one of them is suspended or closed.
        TooManyAccounts: one of them has as many as one may.
        AccountNumberTaken: there is an account of the number that was asked for.
    """
    if order.number is not None and len(order.number) != store.config.account_number_length:
        digits = store.config.account_number_length
        raise ValidationFailed(errors={"number": [f"This bank's account numbers have {digits} digits."]})
    key = order.idempotency_key or random_id()
    result = _once(store, actor, order, key, lambda operation: submit(store, actor, operation, idempotency_key=key))
    if isinstance(result, Answered):
        return result
    account = store.accounts.get_customer_account(result.transaction.account_id)
    holders = store.holders.of_accounts([account])
    return Opened(AccountView.for_staff(account, holders, iban=store.ibans.of(account.id)), result.replayed)


def _once(
    store: Store, actor: Actor, order: OpeningOrder, key: str, post: Callable[[AccountOpening], Result]
) -> Result | Recorded:
    """Post an opening, under another number where its own is taken; what its key has opened before stays as it was."""
    facts = _facts(actor, key, _operation(store, actor, order))
    anew = (CustomerChanged,) if order.number else (CustomerChanged, AccountNumberTaken)
    try:
        return until_settled(lambda: post(_operation(store, actor, order)), anew=anew)
    except BankError as refusal:
        known = store.transactions.find(facts["id"]) if refusal.status < 500 else None
        if known is None or known.type is not TransactionType.ACCOUNT_OPENING:
            raise
        if known.fingerprint != facts["fingerprint"]:
            raise IdempotencyMismatch from None
        return Recorded(known, (), replayed=True)


def _operation(store: Store, actor: Actor, order: OpeningOrder) -> AccountOpening:
    product = store.products.find(order.product)
    if product is None:
        raise ProductNotAvailable
    names = {customer_id: _name(store, customer_id) for customer_id in order.customers}
    number = order.number or new_account_number(store.config.account_number_length)
    account = product.new_account(
        number, names, now=store.clock.now(), branch=order.branch or actor.branch, nickname=order.nickname
    )
    deposit = order.opening_deposit and Money.parse(order.opening_deposit, product.currency, field="opening_deposit")
    return AccountOpening(account=account, deposit=deposit or None, is_numbered=order.number is not None)


def _name(store: Store, customer_id: str) -> str | None:
    try:
        return store.customers.get(customer_id).full_name
    except NotFound:
        raise NotFound("There is no such customer.") from None


def _facts(actor: Actor, key: str, operation: AccountOpening) -> dict[str, Any]:
    return intent_facts(actor, key, operation.NAME, operation.sent())
