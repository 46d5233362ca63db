"""Money set aside on customers' accounts by the bank: placed, captured, released, and seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.audit import Subject
from app.domain.errors import SameAccount
from app.domain.holds import CaptureOrder, HoldOrder, place_intent, release_intent
from app.domain.ledger.book import Recorded
from app.domain.ledger.intents import Intent
from app.domain.ledger.records import Hold, HoldStatus
from app.domain.money import Money
from app.domain.operations.hold_capture import HoldCapture
from app.domain.paging import Page
from app.models.four_eyes import submit
from app.models.payee_search import payee_at_counter

if TYPE_CHECKING:
    from app.models.store import Store


@dataclass(frozen=True, slots=True)
class HoldChange:
    """A hold as a request left it, and the transaction that did so."""

    hold: Hold
    recorded: Recorded


def list_holds(
    store: Store, actor: Actor, number: str, *, status: HoldStatus | None = None, limit: int, cursor: str | None
) -> Page[Hold]:
    """Return a page of the holds on an account, newest first: staff see any customer's, a customer their own.

    Raises:
        NotFound: there is no such account, or it is somebody else's.
    """
    account = store.accounts.get_reachable(actor, number)
    return store.holds.page(account.id, status, limit=limit, cursor=cursor)


def get_hold(store: Store, hold_id: str) -> Hold:
    """Return any hold, for staff.

    Raises:
        NotFound: there is none of this id.
    """
    return store.holds.get(hold_id)


def place_hold(store: Store, actor: Actor, number: str, order: HoldOrder) -> HoldChange:
    """Set money aside on a customer's account, once per idempotency key; return the hold as it was placed.

    Raises:
        NotFound: there is no customer's account of this number.
        ValidationFailed: the amount is not one of the account's currency, or the hold would have expired already.
        InsufficientFunds: less is available.
        BankError: any other refusal of the ledger; nothing is set aside.
    """
    account = store.accounts.get_customer_account(number)
    intent = place_intent(order, account, actor)
    told = {"hold": intent.id, "amount": account.money(intent.amount), "reason": order.reason}
    recorded = _post(store, actor, "money.hold_place", intent, account.id, told)
    return HoldChange(store.holds.get(recorded.transaction.id).as_placed(), recorded)


def capture_hold(store: Store, actor: Actor, hold_id: str, order: CaptureOrder) -> Recorded | Answered:
    """Take money out of a hold, once per idempotency key, and post it, or ask for approval of it.

    Raises:
        NotFound: there is no such hold.
        UnknownPayee: there is no customer's account of the number that it is meant for.
        SameAccount: it is meant for the account that it is held on.
        HoldEnded: the hold was captured or released before, or its time has passed.
        HoldExceeded: the amount is more than is left of it.
        BankError: any other refusal of the ledger; nothing moved.
    """
    hold = store.holds.get(hold_id)
    if order.to == hold.account_id:
        raise SameAccount
    target = payee_at_counter(store, order.to) if order.to is not None else None
    operation = HoldCapture(
        hold=hold.id,
        account=hold.account_id,
        holders=store.accounts.get_customer_account(hold.account_id).names_of_holders,
        money=hold.money_remaining if order.amount is None else Money.parse(order.amount, hold.currency),
        takes_all=order.amount is None,
        target=target.id if target else None,
        target_holders=target.names_of_holders if target else (),
        final=order.final,
    )
    return submit(store, actor, operation, idempotency_key=order.idempotency_key)


def release_hold(
    store: Store, actor: Actor, hold_id: str, reason: str | None, *, idempotency_key: str | None
) -> HoldChange:
    """End a hold, once: what is left of it is available again.

    Raises:
        NotFound: there is no such hold.
        HoldEnded: it was captured or released before, or has expired.
    """
    hold = store.holds.get(hold_id)
    intent = release_intent(hold_id, reason, actor, idempotency_key)
    told = {"hold": hold_id, "transaction": intent.id, "reason": reason}
    recorded = _post(store, actor, "money.hold_release", intent, hold.account_id, told)
    return HoldChange(store.holds.get(hold_id), recorded)


def _post(
    store: Store, actor: Actor, action: str, intent: Intent, account_id: str, told: Mapping[str, object]
) -> Recorded:
    audited = store.audit.append(action, actor, Subject("account", account_id), after=told)
    return store.journal.post(intent, also=audited)
