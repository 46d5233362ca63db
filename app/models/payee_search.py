"""Finding the account that money is meant for, without letting anyone try out numbers until they meet somebody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.accounts import Account
from app.domain.errors import NotFound, RateLimited, UnknownPayee
from app.domain.rates import Rate
from app.models.payment_facts import PAYEE_SEARCH, PaymentFacts

if TYPE_CHECKING:
    from app.models.store import Store


def look_up_payee(store: Store, customer_id: str, number: str) -> Account:
    """Return the account of this number, and count the look as one of those that RATE_LIMIT_PAYEES allows a customer.

    Raises:
        RateLimited: they have looked too often, from whatever address; nothing is said of the number.
        UnknownPayee: there is no customer's account of this number.
    """
    wait_s = store.attempts.take(PAYEE_SEARCH, customer_id, _rate(store), now=store.clock.now())
    if wait_s:
        raise RateLimited(retry_after_s=wait_s)
    return _get(store, number)


def payee_at_counter(store: Store, number: str) -> Account:
    """Return the account that staff pay to for a customer; how often they look is not counted.

    Raises:
        UnknownPayee: there is no customer's account of this number.
    """
    return _get(store, number)


def payee_of_payment(store: Store, customer_id: str, facts: PaymentFacts) -> Account:
    """Return the account that a customer pays to. Only numbers that nobody has count as looks.

    Who has looked too often may pay their saved payees and themselves, and nobody else for a while.

    Raises:
        RateLimited: the customer has looked too often, from whatever address; nothing is said of the number.
        UnknownPayee: there is no customer's account of this number.
    """
    found = facts.account
    if found is not None and facts.is_own(customer_id):
        return found
    if facts.search_wait_s and not store.payees.is_saved(customer_id, facts.to):
        raise RateLimited(retry_after_s=facts.search_wait_s)
    if found is not None:
        return found
    wait_s = store.attempts.take(PAYEE_SEARCH, customer_id, _rate(store), now=store.clock.now())
    raise RateLimited(retry_after_s=wait_s) if wait_s else UnknownPayee


def _get(store: Store, number: str) -> Account:
    try:
        return store.accounts.get_customer_account(number)
    except NotFound:
        raise UnknownPayee from None


def _rate(store: Store) -> Rate:
    return Rate.parse(store.config.rate_limit_payees)
