"""What staff do about customers: making, finding and changing their records, and deciding about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from app.domain.actor import Actor
from app.domain.customer_search import CustomerFilter
from app.domain.customers import Customer, CustomerStatus, Decision, Invitation, KycStatus
from app.domain.errors import StateConflict
from app.domain.invitations import invitation_digest
from app.domain.paging import Page
from app.domain.requests import intent_facts
from app.domain.reset_codes import ResetCode
from app.domain.typed_codes import new_typed_code
from app.models.customer_changes import (
    Change,
    Requirement,
    add_person,
    change_customer,
    require_accounts_closed,
    require_no_login,
    set_suspended,
)
from app.models.forgotten_passwords import hand_out_code

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.customers")


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer as staff see them, with the name they log in with; the invitation's `code` is there once."""

    customer: Customer
    username: str | None = None
    code: str | None = None

    @property
    def version(self) -> int:
        return self.customer.version


def create_customer(store: Store, actor: Actor, facts: Mapping[str, Any], *, invite: bool) -> CustomerView:
    """Make a customer without a login, and an invitation to register onto them where one is wanted.

    Raises:
        ValidationFailed: nobody was born on that day.
    """
    customer = Customer.new(now=store.clock.now(), **facts)
    code, invitation = _invitation(store) if invite else (None, None)
    if invitation is not None:
        customer = customer.with_invitation(invitation, now=customer.created_at)
    customer = add_person(store, actor, customer)
    _log.info("customer_created", user_id=actor.user_id, customer_id=customer.id)
    return CustomerView(customer, code=code)


def invite_customer(store: Store, actor: Actor, customer_id: str) -> CustomerView:
    """Make a new invitation code for a customer; one that was made before is void.

    Raises:
        NotFound: there is no such customer.
        StateConflict: they have a login already, or are not active.
    """
    code, invitation = _invitation(store)
    change = partial(Customer.with_invitation, invitation=invitation, now=store.clock.now())
    customer = change_customer(store, actor, "staff.customer_invite", customer_id, change, require=require_no_login)
    _log.info("customer_invited", user_id=actor.user_id, customer_id=customer_id)
    return CustomerView(customer, code=code)


def reset_password(store: Store, actor: Actor, customer_id: str) -> ResetCode:
    """Make a code with which a customer who has forgotten their password sets a new one.

    Raises:
        NotFound: there is no such customer.
        StateConflict: they have no login, or it is disabled.
    """
    customer = store.customers.get(customer_id)
    user = store.users.find_by_customer(customer.id)
    if user is None:
        raise StateConflict("The customer has no login; invite them.")
    return hand_out_code(store, actor, user)


def get_customer(store: Store, customer_id: str) -> CustomerView:
    """Return a customer.

    Raises:
        NotFound: there is none of this id.
    """
    return _seen(store, store.customers.get(customer_id))


def list_customers(store: Store, wanted: CustomerFilter, *, limit: int, cursor: str | None) -> Page[CustomerView]:
    """Return a page of the customers that are wanted, with the names they log in with."""
    page = store.customer_pages.page(wanted, limit=limit, cursor=cursor)
    usernames = store.users.usernames_of(customer.id for customer in page.items)
    return Page([CustomerView(each, usernames.get(each.id)) for each in page.items], page.next_cursor)


def change_facts(
    store: Store, actor: Actor, customer_id: str, facts: Mapping[str, Any], *, version: int
) -> CustomerView:
    """Change what the bank knows of a customer, if it still is as it was read.

    A verified customer of another name, birth or nationality is to be verified anew.

    Raises:
        NotFound: there is no such customer.
        PreconditionFailed: somebody has changed them since.
        StateConflict: they are closed.
        ValidationFailed: nobody was born on that day.
    """
    change = partial(Customer.with_facts, facts=facts, now=store.clock.now())
    changed = change_customer(store, actor, "staff.customer_change", customer_id, change, version=version)
    return _seen(store, changed)


def suspend(store: Store, actor: Actor, customer_id: str, reason: str) -> CustomerView:
    """Let a customer move nothing any more; they still log in and read.

    Raises:
        NotFound: there is no such customer.
        StateConflict: they are not active.
    """
    return _set_suspended(store, actor, customer_id, CustomerStatus.SUSPENDED, reason)


def reactivate(store: Store, actor: Actor, customer_id: str, reason: str) -> CustomerView:
    """Let a suspended customer move money again.

    Raises:
        NotFound: there is no such customer.
        StateConflict: they are not suspended.
    """
    return _set_suspended(store, actor, customer_id, CustomerStatus.ACTIVE, reason)


def close(store: Store, actor: Actor, customer_id: str, reason: str) -> CustomerView:
    """End the bank's relation to a customer whose accounts are all closed.

    Raises:
        NotFound: there is no such customer.
        StateConflict: they have an open account, or are closed already.
    """
    change = partial(Customer.with_status, status=CustomerStatus.CLOSED, decision=_decision(store, actor, reason))
    return _decided(store, actor, "staff.customer_close", customer_id, change, require_accounts_closed)


def decide_kyc(store: Store, actor: Actor, customer_id: str, status: KycStatus, reason: str) -> CustomerView:
    """Say that the bank knows who a customer is, or that what they brought does not show it.

    Raises:
        NotFound: there is no such customer.
        StateConflict: that was decided already, or they are closed.
        KycIncomplete: the record does not say yet who they are.
    """
    change = partial(Customer.with_kyc, status=status, decision=_decision(store, actor, reason))
    return _decided(store, actor, "staff.customer_kyc", customer_id, change)


def _set_suspended(store: Store, actor: Actor, customer_id: str, status: CustomerStatus, reason: str) -> CustomerView:
    change = partial(Customer.with_status, status=status, decision=_decision(store, actor, reason))
    facts = intent_facts(actor, None, "customer status", {"customer": customer_id, "status": status})
    action = "staff.customer_suspend" if status is CustomerStatus.SUSPENDED else "staff.customer_reactivate"
    customer = set_suspended(store, actor, action, customer_id, change, facts)
    _log_decision(actor, customer)
    return _seen(store, customer)


def _decided(
    store: Store, actor: Actor, action: str, customer_id: str, change: Change, require: Requirement | None = None
) -> CustomerView:
    customer = change_customer(store, actor, action, customer_id, change, require=require)
    _log_decision(actor, customer)
    return _seen(store, customer)


def _log_decision(actor: Actor, customer: Customer) -> None:
    now = {"status": str(customer.status), "kyc_status": str(customer.kyc_status)}
    _log.info("customer_decided", user_id=actor.user_id, customer_id=customer.id, **now)


def _decision(store: Store, actor: Actor, reason: str) -> Decision:
    return Decision(reason, actor.user_id, store.clock.now())


def _invitation(store: Store) -> tuple[str, Invitation]:
    code = new_typed_code()
    return code, Invitation(invitation_digest(code), store.clock.now() + store.config.invitation_lifetime)


def _seen(store: Store, customer: Customer) -> CustomerView:
    return CustomerView(customer, store.users.usernames_of([customer.id]).get(customer.id))
