"""A primary that nobody follows any more takes writes, dies, and comes back to a set that never heard of them.

The server takes such writes back by itself. Nobody may have been told that they were done.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import bson
import pytest
from bson.errors import InvalidBSON

from app.domain.errors import BankError
from app.domain.ledger.intents import Post
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, deposit
from tests.faults import checks, cluster
from tests.faults.history import DEPOSIT, INFO, OK, Answer, Attempt, Operation
from tests.faults.outcome import FinalAccount, FinalState, Line
from tests.processes import wait_until

ALONE_S = 4.0
"""Less than a primary that hears of nobody takes to step down."""
DEADLINE_MS = 700
AGAIN_S_MAX = 60.0
CLIENT = "a client"


class Depositor:
    """Pays one cent after the other into one account, and takes down what it is told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begun_s = time.monotonic()
        self._intents: dict[str, Post] = {}
        self.number = an_account(store)
        self.attempts: list[Attempt] = []

    def pay(self) -> bool:
        """Ask for a new deposit and return whether it was acknowledged."""
        key = f"deposit-{len(self._intents)}"
        self._intents[key] = deposit(self.number, 1, description=key)
        return self._ask(key)

    def ask_again(self) -> None:
        """Ask again for what was not acknowledged, as often as it takes."""
        deadline = time.monotonic() + AGAIN_S_MAX
        acknowledged = {attempt.operation.key for attempt in self.attempts if attempt.outcome == OK}
        for key in self._intents.keys() - acknowledged:
            while not self._ask(key):
                assert time.monotonic() < deadline, f"{key} is not answered"

    def in_doubt(self) -> set[str]:
        """Return what nobody knows the outcome of."""
        return {attempt.operation.key for attempt in self.attempts if attempt.outcome == INFO}

    def outcome(self) -> FinalState:
        """Return what became of the account."""
        found = self._store.database["entries"].find({"account_id": self.number}).sort("seq")
        lines = [
            Line(each["_id"], each["transaction_id"], each["seq"], each["amount"], each["balance_after"],
                 each["description"])
            for each in found
        ]  # fmt: skip
        balance = self._store.accounts.get_customer_account(self.number).balance
        return FinalState({self.number: FinalAccount(balance, lines)}, stored={self.number: len(lines)})

    def _ask(self, key: str) -> bool:
        operation, asked_s = Operation(key, DEPOSIT, self.number, 1), time.monotonic() - self._begun_s
        try:
            line = self._store.journal.post(self._intents[key]).entry_of(self.number)
        except BankError as refusal:
            answer = Answer(refusal.status, checks.PROBLEM_TYPE, refusal.code)
        else:
            told = {"id": line.id, "seq": line.seq, "amount": line.amount, "balance_after": line.balance_after}
            answer = Answer(201, "application/json", content=told)
        self.attempts.append(Attempt(operation, CLIENT, 0, asked_s, time.monotonic() - self._begun_s, answer))
        return answer.status == 201


def rolled_back(member: cluster.Member) -> set[str]:
    """Return the descriptions of what a member had alone, and has laid aside."""
    files = member.data.glob("rollback/*/*.bson")
    try:
        found = [document for file in files for document in bson.decode_all(file.read_bytes())]
    except InvalidBSON:
        return set()  # it is still at it
    return {document["description"] for document in found if "description" in document}


@pytest.mark.usefixtures("alone")
def test_what_a_primary_without_followers_was_asked_for_is_acknowledged_by_none_that_loses_it(
    tmp_path: Path, config: Config
) -> None:
    with cluster.running(tmp_path) as members:
        own = replace(config, mongo_uri=members.uri, mongo_database="bank", posting_deadline_ms=DEADLINE_MS)
        store = Store.open(own)
        store.prepare()
        client = Depositor(store)
        for _ in range(5):
            wait_until(client.pay)
        left_alone = members.wait_for_primary()
        others = [member for member in members.members if member is not left_alone]
        members.kill(*others)  # frozen, they would find in their sockets what it still sent
        end = time.monotonic() + ALONE_S
        while time.monotonic() < end:
            assert not client.pay()
        wait_until(lambda: client.in_doubt() or client.pay())  # on a machine that stood still none came to its commit
        doubtful = client.in_doubt()
        members.kill(left_alone)
        members.restart(*others)
        members.wait_for_primary()
        wait_until(client.pay)
        client.ask_again()
        members.restart(left_alone)
        # it takes itself for whole, until it asks the others for what is new
        wait_until(lambda: rolled_back(left_alone), timeout_s=cluster.START_S_MAX)
        members.wait_until_whole()
        assert rolled_back(left_alone) & doubtful
        final = client.outcome()
        store.close()
    assert checks.lost(client.attempts, final) == []
    assert checks.doubled(client.attempts, final) == []
    assert checks.replays(client.attempts) == []
    assert checks.entries(final) == []
