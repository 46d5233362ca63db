"""A bank with a given number of entries, made for the benchmark of scale by the journal's own bulk path.

Customers are written as documents of the product's own form; accounts are opened and money is moved by intents, many to
one transaction of the database and ten accounts to one transaction of the ledger, which makes millions of entries in
minutes. Time passes meanwhile: a clock of the seeding's own spreads the history over two years.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from app.domain.accounts import Account, AccountStatus, AccountType, new_account_number
from app.domain.actor import Role
from app.domain.audit import SYSTEM, Subject
from app.domain.clock import to_milliseconds
from app.domain.customers import Customer, KycStatus, new_customer_number
from app.domain.errors import AccountBusy, BankError, DatabaseUnavailable, OutcomeUnknown, ServerBusy
from app.domain.ids import random_id
from app.domain.ledger.intents import ChangeStatus, Intent, Leg, Open, Post
from app.domain.ledger.records import TransactionType
from app.domain.products import Product, default_product_code
from app.domain.users import User
from app.models import audit, customers
from app.models.audit_seals import seal_audit
from app.models.customers import customer_document
from app.models.posting import Request
from app.models.store import Store

Item = TypeVar("Item")
CURRENCY = "USD"
PASSWORD = "violet harbour 27 lanterns"  # noqa: S105 - of customers who live for half an hour
BANKER = "counter"
SPAN = timedelta(days=730)
EARLY = 0.1
"""The part of the time in which the long account has its history: later on the two banks look alike."""
PEOPLE_PER_COMMAND = 1_000
GROUP = 10
"""How many customers' accounts one seeded transaction touches."""
BATCH_ACCOUNTS, BATCH_PASSES = 250, 7
"""One transaction of the database posts to this many accounts this many times."""
OPENING_MINOR, PAID_MINOR, LARGE_MINOR = 1_000_000, 100, 10_000
LARGE_EVERY = 500
FROZEN_SHARE, SAVINGS_SHARE, PENDING_SHARE = 0.03, 0.3, 0.2
ENTRIES_PER_AUDIT_RECORD = 50
RETRY_S_MAX = 120
FIRST_NAMES = ("Amara", "Bruno", "Chloe", "Dmitri", "Elif")
LAST_NAMES = ("Okafor", "Lindqvist", "Moreau", "Tanaka", "Castillo")


@dataclass(frozen=True)
class Shape:
    """How large a bank is: entries spread evenly over accounts, and one more account with a long history."""

    name: str
    entries: int
    accounts: int
    long_history: int
    logins: int

    @property
    def per_account(self) -> int:
        return self.entries // self.accounts


@dataclass(frozen=True)
class Seeded:
    """What the measuring needs to know of a bank: who logs in to which account, and the long one's number."""

    logins: tuple[tuple[str, str], ...]
    long_login: tuple[str, str]
    customer_numbers: tuple[str, ...]
    begun_at: datetime
    ended_at: datetime


class SeedClock:
    """A clock that stands where the seeding is."""

    def __init__(self) -> None:
        self.ended_at = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
        self.begun_at = self.ended_at - SPAN
        self._now = self.begun_at

    def now(self) -> datetime:
        return self._now

    def go_to(self, share: float) -> None:
        """Go to a share of the time that the history takes."""
        self._now = to_milliseconds(self.begun_at + SPAN * share)


def seed(store: Store, clock: SeedClock, shape: Shape, *, on_progress: Callable[[int], None]) -> Seeded:
    """Fill a prepared, empty bank; `on_progress` hears how many entries came. The store lives by the clock."""
    chance = random.Random(shape.entries)
    store.products.insert(_savings(clock.now()))
    customer_numbers = _distinct(new_customer_number)
    people = [_customer(next(customer_numbers), at, clock.now(), chance) for at in range(shape.accounts + 1)]
    for some in _cut(people, PEOPLE_PER_COMMAND):
        store.database[customers.SPEC.name].insert_many([customer_document(each) for each in some])
    products = (store.products.get(default_product_code(CURRENCY)), store.products.get(f"SAVINGS-{CURRENCY}"))
    account_numbers = _distinct(new_account_number)
    accounts = [_account(next(account_numbers), each, *products, clock.now(), chance) for each in people]
    for some in _cut(accounts, PEOPLE_PER_COMMAND):
        _post_all(store, [_opening(each) for each in some])
        on_progress(len(some))
    long, numbers = accounts[0].id, [each.id for each in accounts[1:]]
    _post_long_history(store, clock, long, shape.long_history, on_progress)
    _post_passes(store, clock, numbers, shape.per_account - 1, chance, on_progress)
    frozen = set(chance.sample(numbers, int(len(numbers) * FROZEN_SHARE)))
    for some in _cut(sorted(frozen), PEOPLE_PER_COMMAND):
        _post_all(store, [_freeze(number) for number in some])
    active = [position for position in range(1, len(accounts)) if accounts[position].id not in frozen]
    chosen = chance.sample(active, min(shape.logins, len(active)))
    _add_logins(store, [people[position] for position in (0, *chosen)])
    _append_audit_records(store, (shape.entries + shape.long_history) // ENTRIES_PER_AUDIT_RECORD)
    return Seeded(
        logins=tuple((people[position].number, accounts[position].id) for position in chosen),
        long_login=(people[0].number, long),
        customer_numbers=tuple(each.number for each in people),
        begun_at=clock.begun_at,
        ended_at=clock.ended_at,
    )


def _post_long_history(
    store: Store, clock: SeedClock, number: str, count: int, on_progress: Callable[[int], None]
) -> None:
    """Give one account a long history, against the bank's own account of adjustments."""
    batch = BATCH_ACCOUNTS * BATCH_PASSES // 2
    for done in range(0, count, batch):
        clock.go_to(EARLY * done / count)
        due = min(batch, count - done)
        _post_all(store, [_adjustment(number) for _ in range(due)])
        on_progress(due)


def _post_passes(
    store: Store,
    clock: SeedClock,
    numbers: list[str],
    passes: int,
    chance: random.Random,
    on_progress: Callable[[int], None],
) -> None:
    """Post to every account as often as there are passes, some passes over some accounts at a time."""
    made = 0
    for first in range(0, passes, BATCH_PASSES):
        due = min(BATCH_PASSES, passes - first)
        chance.shuffle(numbers)
        for some in _cut(numbers, BATCH_ACCOUNTS):
            clock.go_to(EARLY + (1 - EARLY) * made / (passes * len(numbers)))
            groups = [group for _ in range(due) for group in _cut(chance.sample(some, len(some)), GROUP)]
            _post_all(store, [_movement(group, chance) for group in groups])
            made += due * len(some)
            on_progress(due * len(some))


def _post_all(store: Store, intents: Sequence[Intent]) -> None:
    """Post all intents, and again, fewer at a time, those that were not taken in time: each once, by its id."""
    waiting = [Request(intent) for intent in intents]
    size, give_up = len(waiting), time.monotonic() + RETRY_S_MAX
    while waiting:
        requests, waiting = waiting[:size], waiting[size:]
        late = []
        for request, outcome in zip(requests, store.journal.post_many(requests), strict=True):
            if isinstance(outcome, AccountBusy | DatabaseUnavailable | OutcomeUnknown | ServerBusy):
                late.append(request)
            elif isinstance(outcome, BankError):
                raise outcome
        if late:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{len(late)} postings were not taken within {RETRY_S_MAX} s")
            size, waiting = max(1, size // 2), late + waiting


def _movement(group: Sequence[str], chance: random.Random) -> Post:
    """Pay from the first account to the others; one in ten is cash for all of them instead."""
    amount = LARGE_MINOR if chance.randrange(LARGE_EVERY) == 0 else PAID_MINOR
    if len(group) == 1 or chance.random() < 1 / GROUP:
        source, payees, type_ = f"cash-{CURRENCY}", group, TransactionType.DEPOSIT
    else:
        source, payees, type_ = group[0], group[1:], TransactionType.TRANSFER
    legs = (Leg(source, -amount * len(payees), CURRENCY), *(Leg(payee, amount, CURRENCY) for payee in payees))
    return Post(**_asked(), type=type_, account_id=group[0], legs=legs, description="Seeded")


def _adjustment(number: str) -> Post:
    legs = (Leg(number, PAID_MINOR, CURRENCY), Leg(f"adjustment-{CURRENCY}", -PAID_MINOR, CURRENCY))
    return Post(**_asked(), type=TransactionType.ADJUSTMENT, account_id=number, legs=legs, description="Seeded")


def _opening(account: Account) -> Open:
    return Open(**_asked(), account=account, opening_amount=OPENING_MINOR)


def _freeze(number: str) -> ChangeStatus:
    return ChangeStatus(**_asked(), account_id=number, status=AccountStatus.FROZEN)


def _asked() -> dict[str, str]:
    return {"id": random_id(), "fingerprint": "seeded", "initiated_by": "benchmark", "channel": "benchmark"}


def _savings(now: datetime) -> Product:
    return replace(
        Product.default(CURRENCY, now=now), code=f"SAVINGS-{CURRENCY}", name="Savings", type=AccountType.SAVINGS
    )


def _customer(number: str, position: int, now: datetime, chance: random.Random) -> Customer:
    first, last = FIRST_NAMES[position % 5], LAST_NAMES[position // 5 % 5]
    customer = Customer.new(now=now, full_name=f"{first} {last}")
    is_pending = chance.random() < PENDING_SHARE
    return replace(customer, number=number, kyc_status=KycStatus.PENDING if is_pending else KycStatus.VERIFIED)


def _distinct(make: Callable[[], str]) -> Iterator[str]:
    """Yield what is made, nothing twice: of a hundred thousand numbers at random some two are often the same."""
    given: set[str] = set()
    while True:
        if (made := make()) not in given:
            given.add(made)
            yield made


def _account(
    number: str, holder: Customer, checking: Product, savings: Product, now: datetime, chance: random.Random
) -> Account:
    product = savings if chance.random() < SAVINGS_SHARE else checking
    return product.new_account(number, {holder.id: holder.full_name}, primary_for=(holder.id,), now=now)


def _add_logins(store: Store, chosen: Sequence[Customer]) -> None:
    """Let customers log in by their number, and one banker; all have one password, hashed once."""
    with store.passwords.turn() as hasher:
        password = hasher.hash(PASSWORD)
    now = store.clock.now()
    staff = User(id=random_id(), username=BANKER, canonical=BANKER, role=Role.BANKER, password=password, created_at=now)
    store.users.insert(staff)
    for customer in chosen:
        store.users.insert(
            replace(
                staff,
                id=random_id(),
                username=customer.number,
                canonical=customer.number.lower(),
                role=Role.CUSTOMER,
                customer_id=customer.id,
            )
        )


def _append_audit_records(store: Store, count: int) -> None:
    """Fill the audit trail, and seal it."""
    for some in _cut(range(count), PEOPLE_PER_COMMAND):
        made = [store.audit.append("staff.user_create", SYSTEM, Subject("user", str(number))) for number in some]
        for position, spec in enumerate((audit.SPEC, audit.UNSEALED)):
            store.database[spec.name].insert_many([appends[position].document for appends in made])
    while seal_audit(store) != "0 sealed":
        pass


def _cut(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
