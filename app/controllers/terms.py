"""What an account may do: its overdraft, and what bounds what leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.domain.accounts import Limits
from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import ValidationFailed
from app.domain.ids import transaction_id
from app.domain.ledger.book import Recorded
from app.domain.money import Money
from app.domain.operations.terms import LimitsChange, OverdraftChange
from app.models.four_eyes import submit
from app.models.overdrafts import refuse_above_product

if TYPE_CHECKING:
    from app.models.store import Store


def set_overdraft(
    store: Store, actor: Actor, number: str, *, limit: str, idempotency_key: str | None
) -> Recorded | Answered:
    """Give an account another overdraft limit, or ask for approval of it.

    Raises:
        NotFound: there is no customer's account of this number.
        OverdraftNotAllowed: the account's product allows none as high.
        TermsInUse: what was overdrawn already is more than that.
        StateConflict: somebody else has changed it meanwhile.
    """
    account = store.accounts.get_customer_account(number)
    operation = OverdraftChange(
        account=account.id,
        holders=account.names_of_holders,
        before=account.money(account.overdraft_limit),
        limit=Money.parse(limit, account.currency, field="limit", or_zero=True),
    )
    if not _is_repeated(store, actor, idempotency_key):
        refuse_above_product(store, account, operation.limit.amount_minor)
    return submit(store, actor, operation, idempotency_key=idempotency_key)


def _is_repeated(store: Store, actor: Actor, key: str | None) -> bool:
    return key is not None and store.transactions.find(transaction_id(actor.user_id, key)) is not None


def set_limits(
    store: Store, actor: Actor, number: str, given: Mapping[str, str | None], *, idempotency_key: str | None
) -> Recorded | Answered:
    """Give an account other limits, or ask for approval of them; those that are not given stay.

    Raises:
        NotFound: there is no customer's account of this number.
        ValidationFailed: none is given.
        StateConflict: somebody else has changed them meanwhile.
    """
    if not given:
        raise ValidationFailed(errors={"_schema": ["Give at least one limit."]})
    account = store.accounts.get_customer_account(number)
    amounts = {
        name: None if text is None else Money.parse(text, account.currency, field=name, or_zero=True).amount_minor
        for name, text in given.items()
    }
    operation = LimitsChange(
        account=account.id,
        holders=account.names_of_holders,
        currency=account.currency,
        before=account.limits,
        limits=Limits(**account.limits._asdict() | amounts),
        given=tuple(amounts),
    )
    return submit(store, actor, operation, idempotency_key=idempotency_key)
