"""The rules of holds: placed, captured whole or in parts, released or expired; a hold ends once."""

from __future__ import annotations

from dataclasses import replace

from app.domain.errors import BalanceOutOfRange, HoldEnded, HoldExceeded, HoldNotExpired, ValidationFailed
from app.domain.ledger.book import Book, Recorded
from app.domain.ledger.checks import require_customers, require_holder, require_open_for
from app.domain.ledger.draft import Draft, Moment
from app.domain.ledger.intents import CaptureHold, ExpireHold, Intent, Leg, PlaceHold, ReleaseHold
from app.domain.ledger.records import Hold, HoldStatus, TransactionType
from app.domain.money import AMOUNT_MINOR_MAX


def place(book: Book, intent: PlaceHold, moment: Moment) -> Recorded:
    draft = Draft(book, intent, moment)
    account = draft.account(intent.account_id)
    require_customers(account)
    require_holder(account, intent)
    require_open_for(account, -1, intent, intent.currency)
    if not 0 < intent.amount <= AMOUNT_MINOR_MAX:
        raise BalanceOutOfRange
    if intent.expires_at is not None and intent.expires_at <= moment.now:
        raise ValidationFailed(errors={"expires_at": ["A hold ends in the future."]})
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


def capture(book: Book, intent: CaptureHold, moment: Moment) -> Recorded:
    hold = _open_hold(book, intent)
    if _has_expired(hold, moment):
        raise HoldEnded("The hold has expired.")
    amount = hold.remaining if intent.amount is None else intent.amount
    if not 0 < amount <= hold.remaining:
        raise HoldExceeded
    remaining = 0 if intent.final else hold.remaining - amount
    draft = Draft(book, intent, moment)
    draft.hold(hold.account_id, remaining - hold.remaining)
    draft.move(Leg(hold.account_id, -amount, hold.currency), is_covered=True)
    draft.move(Leg(intent.to_account_id, amount, hold.currency))
    status = HoldStatus.OPEN if remaining else HoldStatus.CAPTURED
    taken = replace(hold, captured=hold.captured + amount)
    book.put_hold(_ended(taken, intent, moment, status=status, remaining=remaining))
    return draft.record(TransactionType.HOLD_CAPTURE, hold.account_id, hold_id=hold.id)


def release(book: Book, intent: ReleaseHold, moment: Moment) -> Recorded:
    return _end(book, intent, _open_hold(book, intent), moment, TransactionType.HOLD_RELEASE, HoldStatus.RELEASED)


def expire(book: Book, intent: ExpireHold, moment: Moment) -> Recorded:
    hold = _open_hold(book, intent)
    if not _has_expired(hold, moment):
        raise HoldNotExpired
    return _end(book, intent, hold, moment, TransactionType.HOLD_EXPIRY, HoldStatus.EXPIRED)


def _end(
    book: Book, intent: Intent, hold: Hold, moment: Moment, type_: TransactionType, status: HoldStatus
) -> Recorded:
    draft = Draft(book, intent, moment)
    draft.hold(hold.account_id, -hold.remaining)
    ended = _ended(hold, intent, moment, status=status, remaining=0)
    book.put_hold(replace(ended, end_reason=intent.description))
    return draft.record(type_, hold.account_id, hold_id=hold.id)


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
