"""Whether a payment needs the customer's confirmation, and what the posting has to carry for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.confirmations import Need, need_of_payment, transfer_digest
from app.domain.errors import StepUpRequired
from app.domain.money import Money
from app.models.payment_facts import PaymentFacts
from app.models.posting import GuardedWrite

if TYPE_CHECKING:
    from app.models.store import Store


def writes_for_payment(
    store: Store, actor: Actor, facts: PaymentFacts, source: str, amount: Money, confirmation: str | None
) -> tuple[GuardedWrite, ...]:
    """Return what a payment writes beside its posting: the confirmation is used up, and its payee trusted from now on.

    Where one is needed and not named, the posting is refused with StepUpRequired, whose detail says how to come by
    one; a payment that was made before is answered as it was, whatever is asked for today. A confirmation that is named
    has to be right, also where none is needed. A limit that is lowered, or a payee that is removed, counts for payments
    that are sent after that was answered.
    """
    customer_id = actor.as_customer()
    if confirmation is None:
        refusal = None if facts.is_own(customer_id) else _refusal(store, actor, facts, amount)
        return (store.confirmations.missing(actor.user_id, refusal),) if refusal else ()
    digest = transfer_digest(source, facts.to, amount)
    now = store.clock.now()
    used = store.confirmations.use(confirmation, user_id=actor.user_id, operation_digest=digest, now=now)
    if facts.is_own(customer_id):
        return (used,)
    return (used, *store.payees.trust(customer_id, facts.to))


def _refusal(store: Store, actor: Actor, facts: PaymentFacts, amount: Money) -> StepUpRequired | None:
    asks = facts.is_enrolled or store.config.require_customer_mfa  # else whom they trust is no question
    need = need_of_payment(
        amount,
        limit=facts.limit,
        is_trusted=asks and store.payees.is_trusted(actor.as_customer(), facts.to),
        is_enrolled=facts.is_enrolled,
        is_always_needed=store.config.require_customer_mfa,
    )
    if need is Need.CONFIRMATION:
        return StepUpRequired("Ask for a confirmation at /confirmations, confirm it with a code, and name it here.")
    if need is Need.AUTHENTICATOR:
        return StepUpRequired("Enrol an authenticator first, at /auth/mfa/enrol: this has to be confirmed with a code.")
    return None
