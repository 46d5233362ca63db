"""What a customer's payment depends on before it is posted, read together: one round of look-ups for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.accounts import Account
from app.domain.actor import Actor
from app.domain.money import Money
from app.domain.rates import Rate

if TYPE_CHECKING:
    from app.models.store import Store

PAYEE_SEARCH = "payee search"
"""The kind of attempts by which a customer's looks for payees are counted."""


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """The account of the number `to`, whosever it is, None where there is none; and facts about who pays.

    `search_wait_s` is for how long they may not look for payees; above `limit`, payments take a code.
    """

    to: str
    account: Account | None
    search_wait_s: int
    limit: Money
    is_enrolled: bool

    def is_own(self, customer_id: str) -> bool:
        """Tell whether the money stays the customer's own."""
        return self.account is not None and customer_id in self.account.holders


def read_payment_facts(store: Store, actor: Actor, to: str) -> PaymentFacts:
    """Read what a payment of a customer's to this number depends on."""
    rate = Rate.parse(store.config.rate_limit_payees)
    account, wait_s, limit, is_enrolled = store.lookups.get_all(
        store.accounts.by_number(to),
        store.attempts.waiting(PAYEE_SEARCH, actor.as_customer(), rate, now=store.clock.now()),
        store.confirmation_limits.of_user(actor.user_id),
        store.authenticators.is_enrolled(actor.user_id),
    )
    return PaymentFacts(to, account, wait_s, limit, is_enrolled)
