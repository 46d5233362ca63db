"""Cash at the counter, with a second person from a certain amount on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.ledger.book import Recorded
from app.domain.money import Money
from app.domain.movements import Movement
from app.domain.operations.cash import CounterDeposit, CounterWithdrawal
from app.models.four_eyes import submit

if TYPE_CHECKING:
    from app.models.store import Store


def take_in(store: Store, actor: Actor, movement: Movement) -> Recorded | Answered:
    """Credit a customer's account with cash, or ask for approval of it.

    Raises:
        NotFound: there is no customer's account of this number.
        ValidationFailed: the amount is not one of the account's currency.
        BankError: any refusal of the ledger; nothing moved.
    """
    return _submit(store, actor, CounterDeposit, movement)


def pay_out(store: Store, actor: Actor, movement: Movement) -> Recorded | Answered:
    """Debit a customer's account with cash, or ask for approval of it.

    Raises:
        NotFound: there is no customer's account of this number.
        ValidationFailed: the amount is not one of the account's currency.
        BankError: any refusal of the ledger; nothing moved.
    """
    return _submit(store, actor, CounterWithdrawal, movement)


def _submit(
    store: Store, actor: Actor, kind: type[CounterDeposit | CounterWithdrawal], movement: Movement
) -> Recorded | Answered:
    account = store.accounts.get_customer_account(movement.account)
    operation = kind(
        account=account.id,
        holders=account.masked_holders,
        money=Money.parse(movement.amount, account.currency),
        description=movement.description,
    )
    return submit(store, actor, operation, idempotency_key=movement.idempotency_key)
