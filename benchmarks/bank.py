"""A bank to load: a thousand accounts of fifty customers, made by the bank's own code; its books, read and proved."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from app.controllers.registration import create_staff, register
from app.domain.accounts import InternalAccount, new_account_number
from app.domain.actor import Role
from app.domain.errors import BankError
from app.domain.ids import random_id
from app.domain.ledger.intents import Intent, Leg, Open, Post
from app.domain.ledger.records import TransactionType
from app.domain.products import default_product_code
from app.models.ledger_reader import LedgerReader
from app.models.posting import Request
from app.models.reconcile import Reconciliation
from app.models.store import Store
from benchmarks.sums import Books
from config import Config

CUSTOMERS = 50
ACCOUNTS_EACH = 20
PASSWORD = "violet harbour 27 lanterns"  # noqa: S105 - of customers who live for some minutes
OPENING_MINOR = 10**9
LINES_MIN = 20
BANKER = "benchmark-banker"
_LOGIN_S_MAX = 30
_RETRY_S = 0.5
_INITIATOR = "benchmark"


@dataclass(frozen=True, slots=True)
class Bank:
    """Whom it serves: customers by name, and all their accounts, ACCOUNTS_EACH in a row for each customer."""

    usernames: Sequence[str]
    numbers: Sequence[str]

    @property
    def firsts(self) -> Sequence[str]:
        """The first account of each customer, which has at least LINES_MIN lines."""
        return self.numbers[::ACCOUNTS_EACH]

    @property
    def payer(self) -> str:
        """An account that files of payments are paid from; the loads of customers leave it as they leave any other."""
        return self.numbers[-1]


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    with closing(Store.open(config)) as store:
        yield store


def open_bank(config: Config) -> Bank:
    """Make a bank from nothing: every account has money, and the first one of each customer some history."""
    with opened(config) as store:
        store.client.drop_database(config.mongo_database)
        store.make_ready()
        create_staff(store, BANKER, PASSWORD, Role.BANKER)
        usernames = [f"customer-{place:02d}" for place in range(CUSTOMERS)]
        numbers: list[str] = []
        for username in usernames:
            numbers += _open_customer(store, username)
        return Bank(usernames, numbers)


def log_in(url: str, usernames: Sequence[str]) -> list[str]:
    """Return an access token for each, in their order."""
    return [_log_in_one(url, username) for username in usernames]


def read_books(store: Store, bank: Bank, *, hot: str) -> Books:
    """Read what the loads change."""
    accounts = store.accounts.find_many(bank.numbers)
    transactions = store.database["transactions"]
    kinds = (TransactionType.DEPOSIT, TransactionType.TRANSFER)
    return Books(
        transactions=transactions.count_documents({"type": {"$in": [str(kind) for kind in kinds]}}),
        customers_total=sum(account.balance for account in accounts.values()),
        hot_balance=accounts[hot].balance,
    )


def reconcile(store: Store) -> str | None:
    """Prove the whole ledger; return the first difference, if there is one."""
    difference = Reconciliation(LedgerReader(store.client, store.database)).run().difference
    return None if difference is None else str(difference)


def _log_in_one(url: str, username: str) -> str:
    """Log in, and where the server is too busy for that try again, until it has had time enough."""
    body = json.dumps({"username": username, "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{url}/auth/login", body, {"Content-Type": "application/json"})  # noqa: S310
    deadline = time.monotonic() + _LOGIN_S_MAX
    while True:
        try:
            with urllib.request.urlopen(request, timeout=_LOGIN_S_MAX) as answer:  # noqa: S310 - our own server
                return str(json.load(answer)["access_token"])
        except urllib.error.HTTPError as refusal:
            if refusal.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)


def _open_customer(store: Store, username: str) -> list[str]:
    first = register(store, username, PASSWORD, full_name=f"Customer {username}").account.number
    customer_id = store.accounts.get_customer_account(first).holders[0]
    product = store.products.get(default_product_code(store.config.bank_currency))
    further = [
        product.new_account(new_account_number(), {customer_id: f"Customer {username}"}, now=store.clock.now())
        for _ in range(ACCOUNTS_EACH - 1)
    ]
    history = [_funding(first, store.config.bank_currency) for _ in range(LINES_MIN)]
    _post(store, [*(Open(**_facts(), account=each, opening_amount=OPENING_MINOR) for each in further), *history])
    return [first, *(account.id for account in further)]


def _post(store: Store, intents: Sequence[Intent]) -> None:
    for outcome in store.journal.post_many([Request(intent) for intent in intents]):
        if isinstance(outcome, BankError):
            raise outcome


def _funding(number: str, currency: str) -> Post:
    amount = OPENING_MINOR // LINES_MIN
    cash = f"{InternalAccount.CASH}-{currency}"
    return Post(
        **_facts(),
        type=TransactionType.DEPOSIT,
        account_id=number,
        legs=(Leg(number, amount, currency), Leg(cash, -amount, currency)),
    )


def _facts() -> dict[str, Any]:
    return {"id": random_id(), "fingerprint": token_hex(8), "initiated_by": _INITIATOR, "channel": _INITIATOR}
