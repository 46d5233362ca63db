"""Who holds an account: any holder may move money on it, and what each did names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.account_views import Holder
from app.domain.actor import Actor
from app.domain.audit import Subject
from app.domain.errors import NotFound
from app.domain.ledger.intents import ChangeHolders
from app.domain.requests import intent_facts
from app.models.opening import relied_upon, require_room, until_settled

if TYPE_CHECKING:
    from app.models.store import Store


def list_holders(store: Store, number: str) -> list[Holder]:
    """Return who holds an account, in the order in which they joined it.

    Raises:
        NotFound: there is no such account.
    """
    account = store.accounts.get_customer_account(number)
    found = store.holders.of_accounts([account])
    return [found[customer_id] for customer_id in account.holders]


def add_holder(store: Store, actor: Actor, number: str, customer_id: str) -> list[Holder]:
    """Let a customer hold an account, too; from the answer on they may move its money.

    Raises:
        NotFound: there is no such account, or no such customer.
        CustomerNotActive: they are suspended or closed.
        TooManyAccounts: they have as many as one may.
        StateConflict: they hold it already, or as many do as may.
        AccountClosed: it is closed.
    """

    def work() -> None:
        customer = store.customers.get(customer_id)
        require_room(store, customer)
        facts = intent_facts(actor, None, "holders", {"account": number, "add": customer_id})
        change = ChangeHolders(**facts, account_id=number, add=((customer_id, customer.full_name),))
        audit = store.audit.append(
            "staff.holder_add", actor, Subject("account", number), after={"customer": customer_id}
        )
        store.journal.post(change, also=(*relied_upon(store, [customer]), *audit))

    until_settled(work)
    return list_holders(store, number)


def remove_holder(store: Store, actor: Actor, number: str, customer_id: str) -> None:
    """Let a holder leave an account: from the answer on they move nothing on it and don't see it.

    Raises:
        NotFound: there is no such account, or they don't hold it.
        StateConflict: they are the last holder, or suspended.
        AccountClosed: it is closed.
    """
    if customer_id not in store.accounts.get_customer_account(number).holders:
        raise NotFound
    facts = intent_facts(actor, None, "holders", {"account": number, "remove": customer_id})
    audit = store.audit.append(
        "staff.holder_remove", actor, Subject("account", number), before={"customer": customer_id}
    )
    store.journal.post(ChangeHolders(**facts, account_id=number, remove=(customer_id,)), also=audit)
    store.accounts.settle_primary(customer_id)
