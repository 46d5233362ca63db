"""Freezing accounts, letting them rest, waking and closing them: what comes after is posted by the new status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.domain.account_views import AccountView
from app.domain.accounts import Account, AccountStatus
from app.domain.actor import Actor
from app.domain.audit import Subject
from app.domain.ledger.book import Recorded
from app.domain.ledger.intents import ChangeStatus, Close
from app.domain.requests import intent_facts

if TYPE_CHECKING:
    from app.models.store import Store

_FROZEN = (AccountStatus.FROZEN, AccountStatus.FROZEN_DEBITS)
_KINDS = {"debits": AccountStatus.FROZEN_DEBITS, "all": AccountStatus.FROZEN}
FREEZE_KINDS = list(_KINDS)


def freeze(store: Store, actor: Actor, number: str, *, kind: str, reason: str) -> AccountView:
    """Let nothing leave an account any more, or move nothing on it at all: no posting comes after the answer.

    Raises:
        NotFound: there is no such account.
        StateConflict: it is frozen like that already.
        AccountClosed: it is closed.
    """
    return _change(store, actor, number, _KINDS[kind], (), reason)


def unfreeze(store: Store, actor: Actor, number: str, *, reason: str) -> AccountView:
    """Let money move again on a frozen account.

    Raises:
        NotFound: there is no such account.
        StateConflict: it is not frozen.
        AccountClosed: it is closed.
    """
    return _change(store, actor, number, AccountStatus.ACTIVE, _FROZEN, reason)


def mark_dormant(store: Store, actor: Actor, number: str, *, reason: str) -> AccountView:
    """Let an account rest that nobody uses: it still takes money in.

    Raises:
        NotFound: there is no such account.
        StateConflict: it is not active.
        AccountClosed: it is closed.
    """
    return _change(store, actor, number, AccountStatus.DORMANT, (AccountStatus.ACTIVE,), reason)


def reactivate(store: Store, actor: Actor, number: str, *, reason: str) -> AccountView:
    """Wake a dormant account.

    Raises:
        NotFound: there is no such account.
        StateConflict: it is not dormant.
        AccountClosed: it is closed.
    """
    return _change(store, actor, number, AccountStatus.ACTIVE, (AccountStatus.DORMANT,), reason)


def close_for_customer(
    store: Store, actor: Actor, number: str, *, transfer_to: str | None, reason: str | None, idempotency_key: str | None
) -> tuple[AccountView, Recorded]:
    """Close a customer's account for good; what is left goes to another account that none but its holders hold.

    Raises:
        NotFound: there is no such account, or no such account of theirs alone to take the rest.
        BankError: any refusal of the ledger; nothing has changed.
    """
    account = store.accounts.get_customer_account(number)
    told = {"transfer_to": transfer_to, "reason": reason}
    close = _closing(actor, account, only_to=account.holders, told=told, key=idempotency_key)
    audit = store.audit.append("staff.account_close", actor, Subject("account", number), after=_said(told))
    recorded = store.journal.post(close, also=audit)
    _settle_primaries(store, account)
    return _seen_by_staff(store, number), recorded


def close_own(
    store: Store, actor: Actor, number: str, *, transfer_to: str | None, idempotency_key: str | None
) -> tuple[AccountView, Recorded]:
    """Close one of the customer's accounts for good; what is left goes to another one of theirs.

    Raises:
        NotFound: the account, or the one that is to take the rest, is not theirs.
        BankError: any refusal of the ledger; nothing has changed.
    """
    customer_id = actor.as_customer()
    account = store.accounts.get_owned(number, customer_id)
    told = {"transfer_to": transfer_to, "reason": None}
    recorded = store.journal.post(_closing(actor, account, only_to=(customer_id,), told=told, key=idempotency_key))
    _settle_primaries(store, account)
    closed = store.accounts.get_owned(number, customer_id)
    return AccountView.for_holder(closed, customer_id, iban=store.ibans.of(number)), recorded


def _closing(
    actor: Actor, account: Account, *, only_to: tuple[str, ...], told: Mapping[str, str | None], key: str | None
) -> Close:
    facts = intent_facts(actor, key, "counter close" if actor.is_staff else "close", {"account": account.id, **told})
    return Close(
        **facts,
        account_id=account.id,
        transfer_to=told["transfer_to"],
        only_to=only_to,
        metadata={"reason": told["reason"]} if told["reason"] else {},
    )


def _settle_primaries(store: Store, closed: Account) -> None:
    """Give each holder another primary account in the place of a closed one; again where the closing is repeated."""
    for customer_id in closed.holders:
        store.accounts.settle_primary(customer_id)


def _change(
    store: Store, actor: Actor, number: str, status: AccountStatus, only_from: tuple[AccountStatus, ...], reason: str
) -> AccountView:
    before = store.accounts.get_customer_account(number)
    facts = intent_facts(actor, None, "account status", {"account": number, "status": status, "reason": reason})
    change = ChangeStatus(**facts, account_id=number, status=status, only_from=only_from, metadata={"reason": reason})
    audit = store.audit.append(
        "staff.account_status",
        actor,
        Subject("account", number),
        before={"status": str(before.status)},
        after={"status": str(status), "reason": reason},
    )
    store.journal.post(change, also=audit)
    return _seen_by_staff(store, number)


def _seen_by_staff(store: Store, number: str) -> AccountView:
    account = store.accounts.get_customer_account(number)
    return AccountView.for_staff(account, store.holders.of_accounts([account]), iban=store.ibans.of(number))


def _said(told: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in told.items() if value is not None}
