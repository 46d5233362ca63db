"""Changes of customers that take their accounts or logins along: each is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from app.domain.accounts import AccountStatus
from app.domain.audit import Acting, Subject, facts_of
from app.domain.customers import Customer, CustomerStatus, new_customer_number
from app.domain.errors import PreconditionFailed, ServerBusy, StateConflict
from app.domain.ledger.intents import Block
from app.models.posting import Append

if TYPE_CHECKING:
    from app.models.store import Store

Change = Callable[[Customer], Customer]
Requirement = Callable[["Store", str, ClientSession | None], None]
_NUMBER_TRIES = 5
_TRIES = 5
"""How often a suspension is decided anew because accounts were opened meanwhile."""


def add_person(store: Store, actor: Acting, customer: Customer) -> Customer:
    """Add a customer without a login; return them as they were numbered."""
    for _ in range(_NUMBER_TRIES):
        try:
            store.audit.together(
                partial(_insert, store, customer),
                "staff.customer_create",
                actor,
                _subject(customer),
                after=_told(customer),
            )
        except DuplicateKeyError:
            customer = replace(customer, number=new_customer_number())
        else:
            return customer
    raise ServerBusy(retry_after_s=1)


def _insert(store: Store, customer: Customer, session: ClientSession | None) -> None:
    store.customers.insert(customer, session=session)


def change_customer(
    store: Store,
    actor: Acting,
    action: str,
    customer_id: str,
    change: Change,
    *,
    version: int | None = None,
    require: Requirement | None = None,
) -> Customer:
    """Change a customer, and their name on all their accounts with it; return them as changed.

    The audit trail tells of it as of `action` by `actor`.
    `require` refuses within the same transaction; what it relies on counts the customer's version on when it changes.

    Raises:
        NotFound: there is none of this id.
        PreconditionFailed: the record is no longer the `version` that the change was made for.
        StateConflict: the customer's status does not allow it.
    """

    def work(session: ClientSession | None) -> Customer:
        before = store.customers.get(customer_id, session=session)
        if version is not None and before.version != version:
            raise PreconditionFailed
        after = change(before)
        if require is not None:
            require(store, customer_id, session)
        store.customers.update(before, after, session=session)
        if after.full_name != before.full_name:
            store.accounts.rename_holder(customer_id, after.full_name, session=session)
        store.audit.write(action, actor, _subject(after), before=_told(before), after=_told(after), session=session)
        return after

    return store.transaction(work)


def require_accounts_closed(store: Store, customer_id: str, session: ClientSession | None) -> None:
    """Refuse to let a customer go who has an open account.

    Raises:
        StateConflict: there is one.
    """
    owned = store.accounts.list_owned(customer_id, session=session)
    if any(account.status is not AccountStatus.CLOSED for account in owned):
        raise StateConflict("The customer has an open account; close it first.")


def require_no_login(store: Store, customer_id: str, session: ClientSession | None) -> None:
    """Refuse to invite a customer who is here already.

    Raises:
        StateConflict: they have a login.
    """
    if store.users.usernames_of([customer_id], session=session):
        raise StateConflict("The customer has a login already.")


def set_suspended(
    store: Store, actor: Acting, action: str, customer_id: str, change: Change, facts: Mapping[str, Any]
) -> Customer:
    """Suspend or reactivate a customer: their accounts are blocked or freed in the same transaction.

    When it returns, no posting can come that the customer's new status forbids: whatever moves money on an account
    writes that account, and whatever gives the customer a further one counts their openings on. `facts` are those of
    the intent.

    Raises:
        NotFound: there is none of this id.
        StateConflict: that is no step from the customer's status, or they got accounts again and again meanwhile.
    """
    for _ in range(_TRIES):
        before = store.customers.get(customer_id)
        after = change(before)
        numbers = tuple(account.id for account in store.accounts.list_owned(customer_id))
        audited = store.audit.append(action, actor, _subject(after), before=_told(before), after=_told(after))
        try:
            _write(store, before, after, numbers, facts, audited)
        except StateConflict:
            continue
        return store.customers.get(customer_id)
    raise StateConflict


def _write(
    store: Store,
    before: Customer,
    after: Customer,
    numbers: tuple[str, ...],
    facts: Mapping[str, Any],
    audited: tuple[Append, ...],
) -> None:
    def work(session: ClientSession | None) -> None:
        store.customers.set_status(before, after, session=session)
        store.audit.add(audited, session=session)

    if not numbers:
        store.transaction(work)
        return
    blocked = after.status is CustomerStatus.SUSPENDED
    intent = Block(account_ids=numbers, holder=before.id, blocked=blocked, **facts)
    store.journal.post(intent, also=[store.customers.guarded_status(before, after), *audited])


def _subject(customer: Customer) -> Subject:
    return Subject("customer", customer.id)


def _told(customer: Customer) -> dict[str, Any]:
    """Return what the audit trail may know of a customer: of an invitation, until when it is good."""
    facts = facts_of(customer)
    invitation = customer.invitation
    return facts | {"invitation": invitation and invitation.expires_at}
