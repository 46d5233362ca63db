"""Whether a payment needs the customer's confirmation, and what the posting has to carry for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.accounts import Account
from app.domain.actor import Actor
from app.domain.confirmations import Need, need_of_payment, transfer_digest
from app.domain.errors import StepUpRequired
from app.domain.money import Money
from app.models.posting import GuardedWrite

if TYPE_CHECKING:
    from app.models.store import Store


def writes_for_payment(
    store: Store, actor: Actor, source: Account, target: Account, amount: Money, confirmation: str | None
) -> tuple[GuardedWrite, ...]:
    """Return what a payment writes beside its posting: the confirmation is used up, and its payee trusted from now on.

    Where one is needed and not named, the posting is refused with StepUpRequired, whose detail says how to come by
    one; a payment that was made before is answered as it was, whatever is asked for today. A confirmation that is named
    has to be right, also where none is needed. A limit that is lowered, or a payee that is removed, counts for payments
    that are sent after that was answered.
    """
    customer_id = actor.as_customer()
    if confirmation is None:
        refusal = None if customer_id in target.holders else _refusal(store, actor, target, amount)
        return (store.confirmations.missing(actor.user_id, refusal),) if refusal else ()
    digest = transfer_digest(source.id, target.id, amount)
    now = store.clock.now()
    used = store.confirmations.use(confirmation, user_id=actor.user_id, operation_digest=digest, now=now)
    if customer_id in target.holders:
        return (used,)
    return (used, *store.payees.trust(customer_id, target.id))


def _refusal(store: Store, actor: Actor, target: Account, amount: Money) -> StepUpRequired | None:
    need = need_of_payment(
        amount,
        limit=store.confirmation_limits.get(actor.user_id),
        is_trusted=store.payees.is_trusted(actor.as_customer(), target.id),
        is_enrolled=store.authenticators.find_confirmed(actor.user_id) is not None,
        is_always_needed=store.config.require_customer_mfa,
    )
    if need is Need.CONFIRMATION:
        return StepUpRequired("Ask for a confirmation at /confirmations, confirm it with a code, and name it here.")
    if need is Need.AUTHENTICATOR:
        return StepUpRequired("Enrol an authenticator first, at /auth/mfa/enrol: this has to be confirmed with a code.")
    return None
