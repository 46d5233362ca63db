"""The customer's own record, which they read whole and whose contact data they keep up to date."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from app.domain.actor import Actor
from app.domain.customers import Customer
from app.domain.errors import ValidationFailed
from app.models.customer_changes import change_customer
from app.models.password_proof import prove_own_password
from app.models.second_factor import verify_code_if_enrolled

if TYPE_CHECKING:
    from app.models.store import Store

_PROVEN = ("email", "phone")
"""Whoever changes these could take the login over with them."""
_log = structlog.get_logger("bank.customers")


def get_me(store: Store, actor: Actor) -> Customer:
    """Return the customer's own record."""
    return store.customers.get(actor.as_customer())


def change_contact(
    store: Store,
    actor: Actor,
    facts: Mapping[str, Any],
    *,
    version: int,
    current_password: str | None,
    code: str | None,
) -> Customer:
    """Change how the customer is reached, if the record still is as they read it.

    Raises:
        PreconditionFailed: it was changed since.
        StateConflict: the customer is not active: who is suspended reads alone.
        ValidationFailed: the e-mail address or the phone number is to change, and no password came with it.
        InvalidCredentials: the password is another; that counts like a failed login.
        LoginLocked: too many wrong passwords for this name.
        StepUpRequired: for those the customer's authenticator has to give a code, too, and none came.
        InvalidCode: the code is wrong, was used, or its time is over.
        CodeLocked: too many wrong codes; this one was not looked at.
        ServerBusy: too many passwords wait to be checked.
    """
    if any(name in facts for name in _PROVEN):
        _prove_it_is_them(store, actor, current_password, code)
    change = partial(Customer.with_own_facts, facts=facts, now=store.clock.now())
    customer = change_customer(store, actor, "auth.contact_change", actor.as_customer(), change, version=version)
    _log.info("contact_changed", user_id=actor.user_id, customer_id=customer.id)
    return customer


def _prove_it_is_them(store: Store, actor: Actor, current_password: str | None, code: str | None) -> None:
    if current_password is None:
        raise ValidationFailed(errors={"current_password": ["The e-mail address and the phone number need it."]})
    prove_own_password(store, actor, current_password)
    verify_code_if_enrolled(store, actor.user_id, code)
