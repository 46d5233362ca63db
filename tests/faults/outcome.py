"""What a run left behind: every account as its customer sees it over HTTP, and what reconcile says of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import httpx

from app.models.connection import connect
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from tests.answered import answered
from tests.faults.bank import Bank, Customer
from tests.faults.workload import Parties, line, minor

_PAGE_MAX = 100
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account. `key` is that of the operation that made it."""

    id: str
    transaction_id: str
    seq: int
    amount: int
    balance_after: int
    key: str


@dataclass(frozen=True, slots=True)
class FinalAccount:
    """An account after the run: its balance, and its lines from the first to the last."""

    balance: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class FinalState:
    """The accounts of a run by number, and the first difference that reconcile found, if it found one.

    `stored` is how many entries the database holds of each account that is no internal one, of this run or not.
    """

    accounts: dict[str, FinalAccount]
    difference: str | None = None
    stored: dict[str, int] = field(default_factory=dict)


def read_outcome(bank: Bank, parties: Parties, uri: str) -> FinalState:
    """Read all accounts over HTTP to their beginning, and prove the ledger."""
    url = bank.server(bank.running[0]).url
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as client:
        accounts = {each.account: _account(client, each) for each in parties.by_account.values()}
    with closing(connect(uri, timeout_ms=2_000)) as database:
        ledger = database["bank"]
        report = Reconciliation(LedgerReader(database, ledger)).run()
        grouped = ledger["entries"].aggregate([{"$group": {"_id": "$account_id", "n": {"$sum": 1}}}])
        stored = {str(each["_id"]): int(each["n"]) for each in grouped if each["_id"].isdigit()}
    return FinalState(accounts, str(report.difference) if report.difference else None, stored)


def _account(client: httpx.Client, customer: Customer) -> FinalAccount:
    query = {"account": customer.account}
    told = _get(client, "/balance", query, customer).json()
    lines: list[Line] = []
    cursor = None
    while True:
        page = query | {"limit": str(_PAGE_MAX)} | ({"cursor": cursor} if cursor else {})
        answer = _get(client, "/transactions", page, customer).json()
        lines += [Line(**line(each)) for each in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            return FinalAccount(minor(told["balance"]), lines[::-1])


def _get(client: httpx.Client, path: str, query: dict[str, str], customer: Customer) -> httpx.Response:
    return answered(lambda: client.get(path, params=query, headers=customer.headers)).raise_for_status()
