"""Confirming a payment: the customer is shown what is meant, and says by a code that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.confirmations import LIFETIME, Confirmation, Payment
from app.domain.errors import SameAccount
from app.domain.ids import random_id
from app.domain.money import Money
from app.models.payee_search import payee_of_payment
from app.models.payment_facts import read_payment_facts
from app.models.second_factor import verify_code

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


def ask(store: Store, actor: Actor, *, source: str | None, to: str, amount: str) -> Confirmation:
    """Begin the confirmation of a transfer, and show what will be confirmed: nothing but this.

    Raises:
        MfaNotEnrolled: the customer has no authenticator to confirm with.
        NotFound: no such source, or not the customer's.
        SameAccount: source and target are one.
        UnknownPayee: no such target.
        RateLimited: the customer has named too many targets that nobody has.
        ValidationFailed: the amount is not one of the source's currency.
    """
    store.authenticators.get_confirmed(actor.user_id)
    account = store.accounts.get_reachable(actor, source)
    if account.id == to:
        raise SameAccount
    money = Money.parse(amount, account.currency)
    payee = payee_of_payment(store, actor.as_customer(), read_payment_facts(store, actor, to))
    now = store.clock.now()
    confirmation = Confirmation(
        id=random_id(),
        user_id=actor.user_id,
        payment=Payment(source=account.id, payee=payee.id, payee_name=payee.masked_holders, amount=money),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    store.confirmations.insert(confirmation)
    return confirmation


def confirm(store: Store, actor: Actor, confirmation_id: str, code: str) -> Confirmation:
    """Confirm by a code what was shown; the transfer that names this confirmation uses it up.

    Raises:
        NotFound: there is none of this id, it is somebody else's, or its time is over.
        ConfirmationEnded: it was confirmed or used, or tried too often.
        MfaNotEnrolled: the customer has no authenticator any more.
        InvalidCode: the code is wrong, was used, or its time is over.
        CodeLocked: too many wrong codes; this one was not looked at.
    """
    confirmation = store.confirmations.get(confirmation_id, user_id=actor.user_id, now=store.clock.now())
    store.confirmations.count_try(confirmation, now=store.clock.now())
    verify_code(store, actor.user_id, code)
    confirmed = store.confirmations.confirm(confirmation, now=store.clock.now())
    _log.info("payment_confirmed", user_id=actor.user_id, confirmation=confirmation.id)
    return confirmed
