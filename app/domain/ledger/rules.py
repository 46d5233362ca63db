"""The rules of the ledger. Pure: a book and intents in, the same book changed and one outcome per intent out.

An intent is applied whole or not at all, in the order given, each seeing the ones before it. Invariants that hold
after every call: postings sum to zero per currency; an account's entries are numbered without a gap and its balance is
the last `balance_after`; no debit takes `available` below zero unless the transaction names the approval that forced
it; `held` is the sum of what remains of the open holds; a key has one effect; a transaction has one reversal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.accounts import AccountStatus
from app.domain.errors import (
    AccountClosed,
    AlreadyReversed,
    BalanceOutOfRange,
    BankError,
    HoldEnded,
    HoldExceeded,
    HoldNotExpired,
    IdempotencyMismatch,
    NotFound,
    NotReversible,
    StateConflict,
)
from app.domain.ledger.book import Book, Outcome, Recorded
from app.domain.ledger.checks import require_customers, require_holder, require_open_for, require_sound
from app.domain.ledger.draft import Draft, Moment
from app.domain.ledger.intents import (
    CaptureHold,
    ChangeStatus,
    ExpireHold,
    Intent,
    Leg,
    PlaceHold,
    Post,
    ReleaseHold,
    Reverse,
)
from app.domain.ledger.records import Hold, HoldStatus, Transaction, TransactionType
from app.domain.money import AMOUNT_MINOR_MAX


def apply(book: Book, intents: Sequence[Intent], moment: Moment) -> list[Outcome]:
    """Apply every intent in order; refusals are outcomes, never exceptions, and leave the book untouched."""
    return [_apply_one(book, intent, moment) for intent in intents]


def _apply_one(book: Book, intent: Intent, moment: Moment) -> Outcome:
    try:
        known = book.transactions.get(intent.id)
        if known is not None:
            return _replay(known, intent)
        match intent:
            case Post():
                return _post(book, intent, moment)
            case Reverse():
                return _reverse(book, intent, moment)
            case PlaceHold():
                return _place_hold(book, intent, moment)
            case CaptureHold():
                return _capture_hold(book, intent, moment)
            case ReleaseHold():
                return _end_hold(book, intent, moment, TransactionType.HOLD_RELEASE, HoldStatus.RELEASED)
            case ExpireHold():
                return _end_hold(book, intent, moment, TransactionType.HOLD_EXPIRY, HoldStatus.EXPIRED)
            case ChangeStatus():
                return _change_status(book, intent, moment)
            case _:
                raise TypeError(f"no rule for {type(intent).__name__}")
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
    for leg in intent.legs:
        draft.move(leg, forced=intent.forced_by is not None)
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


def _place_hold(book: Book, intent: PlaceHold, moment: Moment) -> Recorded:
    draft = Draft(book, intent, moment)
    account = draft.account(intent.account_id)
    require_customers(account)
    require_holder(account, intent)
    require_open_for(account, -1, intent, intent.currency)
    if not 0 < intent.amount <= AMOUNT_MINOR_MAX:
        raise BalanceOutOfRange
    draft.hold(account.id, intent.amount)
    book.put_hold(
        Hold(
            id=intent.id,
            account_id=account.id,
            amount=intent.amount,
            remaining=intent.amount,
            currency=intent.currency,
            type=intent.type,
            reason=intent.reason,
            expires_at=intent.expires_at,
            placed_by=intent.initiated_by,
            placed_at=moment.now,
        )
    )
    return draft.record(TransactionType.HOLD, account.id, hold_id=intent.id)


def _capture_hold(book: Book, intent: CaptureHold, moment: Moment) -> Recorded:
    hold = _open_hold(book, intent)
    if _has_expired(hold, moment):
        raise HoldEnded("The hold has expired.")
    if not 0 < intent.amount <= hold.remaining:
        raise HoldExceeded
    remaining = 0 if intent.final else hold.remaining - intent.amount
    draft = Draft(book, intent, moment)
    draft.hold(hold.account_id, remaining - hold.remaining)
    draft.move(Leg(hold.account_id, -intent.amount, hold.currency), is_covered=True)
    draft.move(Leg(intent.to_account_id, intent.amount, hold.currency))
    status = HoldStatus.OPEN if remaining else HoldStatus.CAPTURED
    book.put_hold(_ended(hold, intent, moment, status=status, remaining=remaining))
    return draft.record(TransactionType.HOLD_CAPTURE, hold.account_id, hold_id=hold.id)


def _end_hold(
    book: Book, intent: ReleaseHold | ExpireHold, moment: Moment, type_: TransactionType, status: HoldStatus
) -> Recorded:
    hold = _open_hold(book, intent)
    if isinstance(intent, ExpireHold) and not _has_expired(hold, moment):
        raise HoldNotExpired
    draft = Draft(book, intent, moment)
    draft.hold(hold.account_id, -hold.remaining)
    book.put_hold(_ended(hold, intent, moment, status=status, remaining=0))
    return draft.record(type_, hold.account_id, hold_id=hold.id)


def _change_status(book: Book, intent: ChangeStatus, moment: Moment) -> Recorded:
    draft = Draft(book, intent, moment)
    account = draft.account(intent.account_id)
    require_customers(account)
    require_holder(account, intent)
    if account.status is AccountStatus.CLOSED:
        raise AccountClosed
    if intent.status is AccountStatus.CLOSED and (account.balance or account.held):
        raise StateConflict("An account closes only at zero and without holds.")
    draft.status(account.id, intent.status)
    return draft.record(TransactionType.STATUS_CHANGE, account.id)


def _has_expired(hold: Hold, moment: Moment) -> bool:
    return hold.expires_at is not None and hold.expires_at <= moment.now


def _open_hold(book: Book, intent: CaptureHold | ReleaseHold | ExpireHold) -> Hold:
    """Return the hold that is meant. Somebody else's is not found, whatever has become of it."""
    hold = book.hold(intent.hold_id)
    require_holder(book.account(hold.account_id), intent)
    if hold.status is not HoldStatus.OPEN:
        raise HoldEnded
    return hold


def _ended(hold: Hold, intent: Intent, moment: Moment, *, status: HoldStatus, remaining: int) -> Hold:
    if status is HoldStatus.OPEN:
        return replace(hold, remaining=remaining)
    return replace(hold, remaining=remaining, status=status, ended_by=intent.initiated_by, ended_at=moment.now)
