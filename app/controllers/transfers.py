"""Move money from account to account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.errors import SameAccount
from app.domain.ledger.book import Recorded
from app.domain.transfers import TransferOrder, transfer_intent
from app.models.payee_search import payee_of_payment

if TYPE_CHECKING:
    from app.models.store import Store


@dataclass(frozen=True, slots=True)
class Transferred:
    """What a transfer did, and the number of the target where that is the customer's own."""

    recorded: Recorded
    own: tuple[str, ...]


def transfer(store: Store, actor: Actor, order: TransferOrder) -> Transferred:
    """Move money from an account of the customer's, or at the counter from any customer's, once per idempotency key.

    Raises:
        NotFound: no such source, or not the customer's.
        UnknownPayee: no such target.
        RateLimited: the customer has named too many targets that nobody has.
        SameAccount: source and target are one.
        ValidationFailed: the amount is not one of the source's currency.
        BankError: any refusal of the ledger; nothing moved.
    """
    source = store.accounts.get_reachable(actor, order.source)
    if source.id == order.to:
        raise SameAccount
    target = payee_of_payment(store, actor, order.to)
    recorded = store.journal.post(transfer_intent(order, source, target, actor))
    return Transferred(recorded, (target.id,) if actor.customer_id in target.holders else ())
