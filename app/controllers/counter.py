"""Cash and transfers at the counter, with a second person from a certain amount on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import CurrencyMismatch, SameAccount
from app.domain.ledger.book import Recorded
from app.domain.money import Money
from app.domain.movements import Movement
from app.domain.operations.cash import CounterDeposit, CounterWithdrawal
from app.domain.operations.transfer import BankerTransfer
from app.domain.transfers import TransferOrder
from app.models.four_eyes import submit
from app.models.payee_search import payee_at_counter

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


def move(store: Store, actor: Actor, order: TransferOrder) -> Recorded | Answered:
    """Move money from a customer's account to another on their behalf, or ask for approval of it.

    Raises:
        NotFound: there is no customer's account of the source's number.
        UnknownPayee: nor of the target's.
        SameAccount: source and target are one.
        ValidationFailed: the amount is not one of the source's currency.
        BankError: any refusal of the ledger; nothing moved.
    """
    source = store.accounts.get_customer_account(order.source)
    if source.id == order.to:
        raise SameAccount
    target = payee_at_counter(store, order.to)
    operation = BankerTransfer(
        source=source.id,
        source_holders=source.names_of_holders,
        target=target.id,
        target_holders=target.names_of_holders,
        money=Money.parse(order.amount, source.currency),
        description=order.description,
        reference=order.reference,
    )
    try:
        return submit(store, actor, operation, idempotency_key=order.idempotency_key)
    except CurrencyMismatch:
        raise CurrencyMismatch("A transfer at the counter is between accounts of one currency.") from None


def _submit(
    store: Store, actor: Actor, kind: type[CounterDeposit | CounterWithdrawal], movement: Movement
) -> Recorded | Answered:
    account = store.accounts.get_customer_account(movement.account)
    operation = kind(
        account=account.id,
        holders=account.names_of_holders,
        money=Money.parse(movement.amount, account.currency),
        description=movement.description,
    )
    return submit(store, actor, operation, idempotency_key=movement.idempotency_key)
