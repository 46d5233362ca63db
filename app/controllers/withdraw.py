"""Pay cash out of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.accounts import AccountRef
from app.domain.actor import Actor
from app.domain.ledger.book import Recorded
from app.domain.ledger.records import TransactionType
from app.domain.movements import Movement, cash_movement
from app.models.meant_account import with_account

if TYPE_CHECKING:
    from app.models.store import Store


def withdraw(store: Store, actor: Actor, movement: Movement) -> Recorded:
    """Debit the account, once per idempotency key, and never below what it has available.

    Raises:
        NotFound: no such account, or not the customer's.
        ValidationFailed: the amount is not one of the account's currency.
        InsufficientFunds: the amount is more than is available.
        BankError: any other refusal of the ledger; nothing moved.
    """

    def post(account: AccountRef) -> Recorded:
        return store.journal.post(cash_movement(TransactionType.WITHDRAWAL, movement, account, actor))

    return with_account(store, actor, movement.account, movement.idempotency_key, post)
