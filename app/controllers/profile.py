"""Who the caller is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.users import Profile

if TYPE_CHECKING:
    from app.models.store import Store


def get_profile(store: Store, actor: Actor) -> Profile:
    """Return the caller's login and customer record."""
    customer = store.customers.get(actor.customer_id) if actor.customer_id else None
    return Profile(store.users.get(actor.user_id), customer)
