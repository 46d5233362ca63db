"""What staff do with money is audited in its posting's transaction; what customers do, the ledger alone tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.audit import Subject
from app.domain.ledger.intents import Post
from app.domain.money import Money
from app.models.posting import Append

if TYPE_CHECKING:
    from app.models.store import Store


def audited_at_counter(store: Store, actor: Actor, action: str, posting: Post) -> tuple[Append, ...]:
    """Return the record of a posting by staff, to be written with it; nothing for a customer's own."""
    if not actor.is_staff:
        return ()
    moved = next(leg for leg in posting.legs if leg.account_id == posting.account_id)
    told = {
        "transaction_id": posting.id,
        "amount": Money(abs(moved.amount), moved.currency),
        "currency": moved.currency,
    }
    return store.audit.append(action, actor, Subject("account", posting.account_id), after=told)
