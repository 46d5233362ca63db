"""What an account holds: now, or at any instant that no posting can reach any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.domain.actor import Actor
from app.domain.clock import end_of_business_day
from app.domain.errors import TimeNotSettled
from app.domain.money import Money

if TYPE_CHECKING:
    from app.models.store import Store


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's money at an instant; `available` is what a debit may take. Of the past only the balance is kept."""

    account: str
    currency: str
    balance: Money
    available: Money | None
    held: Money | None
    as_of: datetime


def get_balance(store: Store, actor: Actor, number: str | None = None) -> Balance:
    """Return the balance of the customer's account of this number; without one, of their primary account.

    `as_of` is taken before the read: every posting answered by then is in it.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    as_of = store.clock.now()
    account = store.accounts.get_reachable(actor, number)
    return Balance(
        account=account.id,
        currency=account.currency,
        balance=account.money(account.balance),
        available=account.money(account.available),
        held=account.money(account.held),
        as_of=as_of,
    )


def get_balance_at(store: Store, actor: Actor, number: str, at: date | datetime) -> Balance:
    """Return the balance at a past instant, or at the end of a business day: what is answered never changes.

    Raises:
        NotFound: there is no such account, or it is somebody else's.
        TimeNotSettled: a posting may still be on its way to this time.
        ClockWrong: what is past by this machine's clock may be still to come.
    """
    store.clock_guard.require_right()
    account = store.accounts.get_reachable(actor, number)
    instant = _settled_instant(at, ZoneInfo(store.config.bank_timezone), _settled_until(store))
    last = store.entries.find_last(account.id, instant)
    return Balance(
        account=account.id,
        currency=account.currency,
        balance=account.money(last.balance_after if last else 0),
        available=None,
        held=None,
        as_of=instant,
    )


def _settled_until(store: Store) -> datetime:
    """Return the latest instant that no posting gets any more: each ends soon after the time that it is given."""
    return store.clock.now() - timedelta(seconds=store.config.settling_seconds)


def _settled_instant(at: date | datetime, timezone: ZoneInfo, settled_until: datetime) -> datetime:
    """Return the instant that is meant, if it is settled; a day is when its end is."""
    if isinstance(at, datetime):
        instant, latest = at, settled_until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    else:
        instant = _end_of(at, timezone)
        latest = _last_settled_day(settled_until, timezone).isoformat()
    if instant > settled_until:
        raise TimeNotSettled(errors={"at": [f"The latest that can be asked for is {latest}."]})
    return instant


def _end_of(day: date, timezone: ZoneInfo) -> datetime:
    try:
        return end_of_business_day(day, timezone)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _last_settled_day(settled_until: datetime, timezone: ZoneInfo) -> date:
    today = settled_until.astimezone(timezone).date()
    return today if end_of_business_day(today, timezone) <= settled_until else today - timedelta(days=1)
