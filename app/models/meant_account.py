"""The account that a customer means who names none: their primary one, or in a repeated request that of the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.domain.accounts import AccountRef
from app.domain.actor import Actor
from app.domain.errors import BankError
from app.domain.ids import transaction_id

if TYPE_CHECKING:
    from app.models.store import Store


class Answer(Protocol):
    """What came of a request that may be a repeated one."""

    @property
    def replayed(self) -> bool: ...


Result = TypeVar("Result", bound=Answer)


def with_account(
    store: Store, actor: Actor, number: str | None, key: str | None, work: Callable[[AccountRef], Result]
) -> Result:
    """Do `work` with the account of this number or, without one, the primary one.

    A customer may have chosen another primary account since a request was made; repeated with its key it is answered
    as the first time all the same. That is looked up only once it is refused with the account of today.

    Raises:
        NotFound: there is no such account, or it is somebody else's.
        BankError: whatever `work` raises.
    """
    if number is not None:
        return _with_named(store, actor, number, work)
    try:
        return work(store.accounts.get_ref(actor, None))
    except BankError as refusal:
        if key is None or refusal.status >= 500:
            raise
        earlier = store.transactions.find(transaction_id(actor.user_id, key))
        if earlier is None:
            raise
    return _with_named(store, actor, earlier.account_id, work)


def _with_named(store: Store, actor: Actor, number: str, work: Callable[[AccountRef], Result]) -> Result:
    """Do `work` with the account of this number, which may be remembered of somebody who holds it no more.

    Whatever comes of it then that moved no money, they are told that the account is none of theirs: neither its
    currency, nor what they did with it before, nor anything else.
    """
    meant = store.accounts.get_ref(actor, number)
    try:
        result = work(meant)
    except BankError as refusal:
        if refusal.status < 500:
            store.accounts.get_reachable(actor, number)
        raise
    if result.replayed:
        store.accounts.get_reachable(actor, number)
    return result
