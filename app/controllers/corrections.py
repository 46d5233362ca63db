"""Putting right what was posted: reversals, and adjustments by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import NotReversible
from app.domain.ledger.book import Recorded
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.operations.adjustment import Adjustment
from app.domain.operations.reversal import Reversal
from app.models.four_eyes import submit

if TYPE_CHECKING:
    from app.models.store import Store


def reverse(
    store: Store, actor: Actor, either_id: str, *, reason: str, force: bool, idempotency_key: str | None
) -> Recorded | Answered:
    """Undo a transaction, named by its id or an entry's, by a new one of opposite postings, or ask for approval of it.

    Raises:
        NotFound: there is no such transaction.
        NotReversible: it is a reversal itself, or moved no money.
        AlreadyReversed: another request has done so.
        BankError: any other refusal of the ledger; nothing moved.
    """
    original = store.transactions.get(store.entries.transaction_of(either_id))
    if original.type is TransactionType.REVERSAL or not original.postings:
        raise NotReversible
    accounts = store.accounts.find_many({original.account_id, *(each.account_id for each in original.postings)})
    names = {number: account.names_of_holders for number, account in accounts.items()}
    operation = Reversal.of(original, names, reason=reason, force=force)
    return submit(store, actor, operation, idempotency_key=idempotency_key)


def adjust(
    store: Store,
    actor: Actor,
    number: str,
    *,
    amount: str,
    direction: str,
    reason: str,
    idempotency_key: str | None,
) -> Recorded | Answered:
    """Put a customer's balance right by hand, or ask for approval of it.

    Raises:
        NotFound: there is no customer's account of this number.
        ValidationFailed: the amount is not one of the account's currency.
        BankError: any refusal of the ledger; nothing moved.
    """
    account = store.accounts.get_customer_account(number)
    operation = Adjustment(
        account=account.id,
        holders=account.names_of_holders,
        direction=direction,
        money=Money.parse(amount, account.currency),
        reason=reason,
    )
    return submit(store, actor, operation, idempotency_key=idempotency_key)
