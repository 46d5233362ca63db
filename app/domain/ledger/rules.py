"""The rules of the ledger. Pure: a book and intents in, the same book changed and one outcome per intent out.

An intent is applied whole or not at all, in the order given, each seeing the ones before it. Invariants that hold
after every call: postings sum to zero per currency; an account's entries are numbered without a gap and its balance is
the last `balance_after`; no debit takes `available` below zero unless the transaction names the approval that forced
it; `held` is the sum of what remains of the open holds; no day's debits pass the account's limits; a key has one
effect; a transaction has one reversal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.errors import AlreadyReversed, BankError, IdempotencyMismatch, NotFound, NotReversible
from app.domain.ledger import account_rules, hold_rules, refused_parts
from app.domain.ledger.book import Book, Outcome, Recorded
from app.domain.ledger.checks import require_customers, require_holder, require_sound
from app.domain.ledger.draft import Draft, Moment
from app.domain.ledger.intents import (
    AskApproval,
    Block,
    CaptureHold,
    ChangeHolders,
    ChangeStatus,
    ChangeTerms,
    Close,
    ExpireHold,
    Intent,
    Leg,
    Open,
    PlaceHold,
    Post,
    PostEach,
    ReleaseHold,
    Reverse,
)
from app.domain.ledger.records import Transaction, TransactionType

_LIMITED = frozenset({TransactionType.WITHDRAWAL, TransactionType.TRANSFER})


def apply(book: Book, intents: Sequence[Intent], moment: Moment) -> list[Outcome]:
    """Apply every intent in order; refusals are outcomes, never exceptions, and leave the book untouched."""
    return [_apply_one(book, intent, moment) for intent in intents]


def _apply_one(book: Book, intent: Intent, moment: Moment) -> Outcome:
    try:
        known = book.transactions.get(intent.id)
        if known is not None:
            return _replay(known, intent)
        return _RULES[type(intent)](book, intent, moment)
    except BankError as refusal:
        return refusal


def _replay(known: Transaction, intent: Intent) -> Recorded:
    if known.fingerprint != intent.fingerprint:
        raise IdempotencyMismatch
    return Recorded(known, (), replayed=True)


def _post(book: Book, intent: Post, moment: Moment) -> Recorded:
    subject = book.account(intent.account_id)
    require_holder(subject, intent)
    require_sound(intent)
    draft = Draft(book, intent, moment)
    limited_as = intent.type if intent.type in _LIMITED else None
    for leg in intent.legs:
        draft.move(leg, forced=intent.forced_by is not None, limited_as=limited_as)
    return draft.record(intent.type, subject.id, forced_by=intent.forced_by, value_date=intent.value_date)


def _reverse(book: Book, intent: Reverse, moment: Moment) -> Recorded:
    original = book.transactions.get(intent.transaction_id)
    if original is None:
        raise NotFound
    draft = Draft(book, intent, moment)
    require_holder(draft.account(original.account_id), intent)
    if original.type is TransactionType.REVERSAL or not original.postings:
        raise NotReversible
    if original.id in book.reversals:
        raise AlreadyReversed
    for posting in reversed(original.postings):
        draft.move(Leg(posting.account_id, -posting.amount, posting.currency), forced=intent.forced_by is not None)
    return draft.record(TransactionType.REVERSAL, original.account_id, reverses=original.id, forced_by=intent.forced_by)


def _post_each(book: Book, intent: PostEach, moment: Moment) -> Recorded:
    trial = book.copy() if intent.all_or_nothing else book
    outcomes = apply(trial, intent.parts, moment)
    refused = {position: each.code for position, each in enumerate(outcomes) if isinstance(each, BankError)}
    if trial is not book and not refused:
        book.become(trial)
    draft = Draft(book, replace(intent, metadata={**intent.metadata, **refused_parts.noted(refused)}), moment)
    account = draft.account(intent.account_id)
    require_customers(account)
    return draft.record(TransactionType.BULK_POSTING, account.id)


def _ask_approval(book: Book, intent: AskApproval, moment: Moment) -> Recorded:
    return Draft(book, intent, moment).record(TransactionType.APPROVAL_REQUEST, intent.subject)


_RULES: Mapping[type[Intent], Callable[[Book, Any, Moment], Recorded]] = {
    Post: _post,
    Reverse: _reverse,
    PlaceHold: hold_rules.place,
    CaptureHold: hold_rules.capture,
    ReleaseHold: hold_rules.release,
    ExpireHold: hold_rules.expire,
    Open: account_rules.open_account,
    Close: account_rules.close_account,
    ChangeStatus: account_rules.change_status,
    ChangeTerms: account_rules.change_terms,
    ChangeHolders: account_rules.change_holders,
    Block: account_rules.block,
    AskApproval: _ask_approval,
    PostEach: _post_each,
}
