"""The rules of accounts themselves: opened and closed, frozen and woken, their terms and their holders."""

from __future__ import annotations

from app.domain.accounts import HOLDERS_MAX, Account, AccountKind, AccountStatus, InternalAccount, StatusDecision
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountFrozen,
    AccountHasHolds,
    AccountNotEmpty,
    AccountNumberTaken,
    NotFound,
    SameAccount,
    StateConflict,
    TermsInUse,
)
from app.domain.ledger.book import Book, Recorded
from app.domain.ledger.checks import require_customers, require_holder
from app.domain.ledger.draft import Draft, Moment
from app.domain.ledger.intents import Block, ChangeHolders, ChangeStatus, ChangeTerms, Close, Leg, Open
from app.domain.ledger.records import TransactionType

_FROZEN = (AccountStatus.FROZEN, AccountStatus.FROZEN_DEBITS)


def open_account(book: Book, intent: Open, moment: Moment) -> Recorded:
    account = intent.account
    if account.kind is not AccountKind.CUSTOMER or account.seq or account.balance or account.held:
        raise ValueError("a new account is a customer's, and empty")
    if account.id in book.accounts:
        raise AccountNumberTaken
    require_holder(account, intent)
    draft = Draft(book, intent, moment)
    draft.open(account)
    if intent.opening_amount:
        draft.move(Leg(account.id, intent.opening_amount, account.currency))
        cash = f"{InternalAccount.CASH}-{account.currency}"
        draft.move(Leg(cash, -intent.opening_amount, account.currency))
    return draft.record(TransactionType.ACCOUNT_OPENING, account.id)


def close_account(book: Book, intent: Close, moment: Moment) -> Recorded:
    draft = Draft(book, intent, moment)
    account = _customers_account(draft, intent)
    if account.status in _FROZEN:
        raise AccountFrozen
    if account.blocked:
        raise AccountBlocked
    if account.held:
        raise AccountHasHolds
    if account.balance:
        _empty(draft, account, intent)
    draft.change_terms(
        account.id, status=AccountStatus.CLOSED, status_decision=_decision(intent, moment), primary_for=()
    )
    return draft.record(TransactionType.ACCOUNT_CLOSING, account.id)


def change_status(book: Book, intent: ChangeStatus, moment: Moment) -> Recorded:
    if intent.status is AccountStatus.CLOSED:
        raise ValueError("an account is closed by the intent of closing it")
    draft = Draft(book, intent, moment)
    account = _customers_account(draft, intent)
    if account.status is intent.status or (intent.only_from and account.status not in intent.only_from):
        raise StateConflict(f"The account is {account.status}.")
    draft.change_terms(account.id, status=intent.status, status_decision=_decision(intent, moment))
    return draft.record(TransactionType.STATUS_CHANGE, account.id)


def change_terms(book: Book, intent: ChangeTerms, moment: Moment) -> Recorded:
    """What is left available may fall, but not below zero, where it would stand without a debit that took it there."""
    draft = Draft(book, intent, moment)
    account = _customers_account(draft, intent)
    if intent.expected_limits not in (None, account.limits):
        raise StateConflict("The account has other limits by now.")
    if intent.expected_overdraft_limit not in (None, account.overdraft_limit):
        raise StateConflict("The account has another overdraft limit by now.")
    given = {"limits": intent.limits, "overdraft_limit": intent.overdraft_limit}
    given["minimum_balance"] = intent.minimum_balance
    terms = {name: value for name, value in given.items() if value is not None}
    changed = account._replace(**terms)  # type: ignore[arg-type]  # each of its field's type
    if changed.available < min(0, account.available):
        raise TermsInUse
    draft.change_terms(account.id, **terms)
    return draft.record(TransactionType.TERMS_CHANGE, account.id)


def change_holders(book: Book, intent: ChangeHolders, moment: Moment) -> Recorded:
    draft = Draft(book, intent, moment)
    account = _customers_account(draft, intent)
    names = holders_after(account, intent)
    primary_for = tuple(customer for customer in account.primary_for if customer in names)
    draft.change_terms(account.id, holders=tuple(names), holder_names=tuple(names.values()), primary_for=primary_for)
    return draft.record(TransactionType.HOLDERS_CHANGE, account.id)


def holders_after(account: Account, intent: ChangeHolders) -> dict[str, str | None]:
    """Return who would hold an account after a change, by id with their names.

    Raises:
        StateConflict: who joins holds it, who leaves does not or is suspended, or too few or too many would be left.
    """
    leaving = set(intent.remove)
    if not leaving <= set(account.holders) or leaving & set(account.suspended_holders):
        raise StateConflict("Who leaves must be a holder who is not suspended.")
    names = dict(zip(account.holders, account.names_of_holders, strict=True))
    if any(customer in names for customer, _ in intent.add):
        raise StateConflict("The customer holds this account already.")
    names = {customer: name for customer, name in (names | dict(intent.add)).items() if customer not in leaving}
    if not 0 < len(names) <= HOLDERS_MAX:
        raise StateConflict(f"An account has at least one holder, and at most {HOLDERS_MAX}.")
    return names


def block(book: Book, intent: Block, moment: Moment) -> Recorded:
    draft = Draft(book, intent, moment)
    for account_id in intent.account_ids:
        account = draft.account(account_id)
        require_customers(account)
        if intent.holder not in account.holders:
            raise StateConflict
        others = tuple(customer for customer in account.suspended_holders if customer != intent.holder)
        draft.change_terms(account_id, suspended_holders=(*others, intent.holder) if intent.blocked else others)
    return draft.record(TransactionType.BLOCK_CHANGE, intent.account_ids[0])


def _customers_account(draft: Draft, intent: Close | ChangeStatus | ChangeTerms | ChangeHolders) -> Account:
    account = draft.account(intent.account_id)
    require_customers(account)
    require_holder(account, intent)
    if account.status is AccountStatus.CLOSED:
        raise AccountClosed
    return account


def _decision(intent: Close | ChangeStatus, moment: Moment) -> StatusDecision:
    return StatusDecision(intent.metadata.get("reason"), intent.initiated_by, moment.now)


def _empty(draft: Draft, account: Account, intent: Close) -> None:
    """Move all that is left to another account; what the account owes can't be moved.

    For a customer it is a transfer like any other to the account's limits, else closing would be a way round them.
    """
    target = intent.transfer_to
    if target is None or account.balance < 0:
        raise AccountNotEmpty
    if target == account.id:
        raise SameAccount
    require_customers(draft.account(target))
    if intent.only_to and not set(draft.account(target).holders) <= set(intent.only_to):
        raise NotFound
    limited_as = TransactionType.TRANSFER if intent.customer_id is not None else None
    draft.move(Leg(account.id, -account.balance, account.currency), is_covered=True, limited_as=limited_as)
    draft.move(Leg(target, account.balance, account.currency))
