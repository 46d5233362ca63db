"""What a request and a batch of postings cost the database, command by command: counts, as times depend on the machine.

The tables are exact: a command more is a regression, and a command less is progress that the table should hold. One
command is left out everywhere, by which each process reads once a second who was shut out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from werkzeug.test import TestResponse

from app import create_app
from app.domain.actor import Role
from app.domain.ledger.book import Recorded
from app.domain.ledger.intents import Intent
from app.models import revocations
from app.models.posting import Request
from app.models.store import Store
from config import Config
from tests.factories.ledger import an_account, deposit, some_accounts, transfer
from tests.factories.people import new_person
from tests.factories.users import log_in, new_staff
from tests.listening import listened

READ = ["find transactions", "find accounts"]
"""Which of the batch's keys had an effect before, and what the rules need to know."""
WRITTEN = ["update accounts", "insert transactions", "insert entries"]
BATCH = [*READ, *WRITTEN, "commitTransaction"]
"""One transaction of the database, for any number of postings."""

COSTS: Mapping[str, Sequence[str]] = {
    "GET /balance": ["find accounts"],
    "GET /balance?account=": ["find accounts"],
    "GET /accounts/.../balance?at=": ["find accounts", "find entries"],
    "GET /accounts": ["find accounts"],
    "GET /transactions": ["find accounts", "find entries", "find transactions"],
    "GET /transactions?account=": ["find accounts", "find entries", "find transactions"],
    "GET /transactions, filtered": ["find accounts", "aggregate entries", "find entries", "find transactions"],
    "GET /transactions/...": [
        "find accounts",
        "find entries",
        "find transactions",
        "find entries",
        "find transactions",
    ],
    "POST /deposit": ["find accounts", *BATCH],
    "POST /deposit to a named account": [*BATCH],
    "POST /deposit, repeated": ["find accounts", *READ, "find entries", "commitTransaction"],
    "POST /withdraw": ["find accounts", *BATCH],
    "POST /withdraw, refused": ["find accounts", *READ, "commitTransaction"],
    "POST /transfers to an own account": [
        "find accounts",
        "find accounts",
        "find attempts",
        "find confirmation_limits",
        "find authenticators",
        *BATCH,
    ],
    "POST /transfers to somebody else": [
        "find accounts",
        "find accounts",
        "find attempts",
        "find confirmation_limits",
        "find authenticators",
        *BATCH,
    ],
    "POST /auth/login": [
        "find attempts",
        "update attempts",
        "find attempts",
        "find attempts",
        "update attempts",
        "find users",
        "delete attempts",
        "find authenticators",
        "insert sessions",
        "insert audit",
        "insert audit_unsealed",
        "commitTransaction",
    ],
    "POST /auth/login, refused": [
        "find attempts",
        "update attempts",
        "find attempts",
        "find attempts",
        "update attempts",
        "update attempts",
        "insert attempts",
        "find users",
        "insert audit",
        "insert audit_unsealed",
        "commitTransaction",
    ],
    "GET /me": ["find customers"],
    "GET /payees": ["find payees", "find accounts"],
    "GET /banker/accounts": ["find accounts", "find customers", "find users"],
    "GET /banker/accounts, filtered": ["aggregate accounts", "find accounts", "find customers", "find users"],
    "GET /banker/accounts/...": ["find accounts", "find customers", "find users"],
    "GET /banker/transactions": ["find entries", "find accounts", "find customers", "find users", "find transactions"],
    "GET /banker/transactions, filtered": [
        "aggregate entries",
        "find entries",
        "find accounts",
        "find customers",
        "find users",
    ],
    "GET /banker/customers?q=": ["find customers", "find users"],
    "POST /banker/accounts/.../deposit": [
        "find accounts",
        "find policies",
        *READ,
        *WRITTEN,
        "insert audit",
        "insert audit_unsealed",
        "commitTransaction",
    ],
}

ONCE_A_SECOND = f"find {revocations.SPEC.name}"
NOT_OURS = {"endSessions", "killCursors"}


class Commands(CommandListener):
    """Every command that is sent, as its name and the collection that it is for."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        name = event.command_name
        about = event.command[name]
        said = f"{name} {about}" if isinstance(about, str) else name
        if name not in NOT_OURS and said != ONCE_A_SECOND:
            self.sent.append(said)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    def of(self, work: Callable[[], object]) -> list[str]:
        """Return the commands that some work takes."""
        self.sent.clear()
        work()
        return list(self.sent)


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def heard(config: Config, store: Store, commands: Commands) -> Iterator[Store]:
    """A store on the emptied database whose commands are listened to."""
    with listened(config, commands) as heard:
        yield heard


def requests(heard: Store, config: Config) -> Mapping[str, Callable[[], TestResponse]]:
    """Return what the table names, each sent by somebody who is known already and has some history."""
    client = create_app(config, heard).test_client()
    alice = new_person(client, heard, "alice", "Alice Archer", balance=1_000_000)
    bob = new_person(client, heard, "bob", "Bob Baker", balance=1_000_000)
    second = an_account(heard, holders=(alice.id,), balance=1_000)
    banker = new_staff(client, heard, "banker", Role.BANKER).headers
    sent = alice.send(bob.number, "1").json["id"]
    alice.post("/deposit", {"amount": 1}, key="known")
    at_the_counter = f"/banker/accounts/{bob.number}"
    return {
        "GET /balance": lambda: alice.get("/balance"),
        "GET /balance?account=": lambda: alice.get(f"/balance?account={second}"),
        "GET /accounts/.../balance?at=": lambda: alice.get(f"/accounts/{second}/balance?at=2026-01-31"),
        "GET /accounts": lambda: alice.get("/accounts"),
        "GET /transactions": lambda: alice.get("/transactions"),
        "GET /transactions?account=": lambda: alice.get(f"/transactions?account={second}"),
        "GET /transactions, filtered": lambda: alice.get("/transactions?type=transfer&min_amount=1"),
        "GET /transactions/...": lambda: alice.get(f"/transactions/{sent}"),
        "POST /deposit": lambda: alice.post("/deposit", {"amount": 1}),
        "POST /deposit to a named account": lambda: alice.post("/deposit", {"amount": 1, "account": second}),
        "POST /deposit, repeated": lambda: alice.post("/deposit", {"amount": 1}, key="known"),
        "POST /withdraw": lambda: alice.post("/withdraw", {"amount": 1}),
        "POST /withdraw, refused": lambda: alice.post("/withdraw", {"amount": 1_000_000}),
        "POST /transfers to an own account": lambda: alice.send(second, "1"),
        "POST /transfers to somebody else": lambda: alice.send(bob.number, "1"),
        "POST /auth/login": lambda: log_in(client, "alice"),
        "POST /auth/login, refused": lambda: log_in(client, "alice", "a wrong password"),
        "GET /me": lambda: alice.get("/me"),
        "GET /payees": lambda: alice.get("/payees"),
        "GET /banker/accounts": lambda: client.get("/banker/accounts", headers=banker),
        "GET /banker/accounts, filtered": lambda: client.get(
            "/banker/accounts?type=checking&status=active", headers=banker
        ),
        "GET /banker/accounts/...": lambda: client.get(at_the_counter, headers=banker),
        "GET /banker/transactions": lambda: client.get("/banker/transactions", headers=banker),
        "GET /banker/transactions, filtered": lambda: client.get("/banker/transactions?type=deposit", headers=banker),
        "GET /banker/customers?q=": lambda: client.get("/banker/customers?q=alice", headers=banker),
        "POST /banker/accounts/.../deposit": lambda: client.post(
            f"{at_the_counter}/deposit", json={"amount": 1}, headers=banker
        ),
    }


def test_every_request_takes_exactly_the_commands_that_the_table_says(
    config: Config, heard: Store, commands: Commands
) -> None:
    asked = requests(heard, config)
    statuses = {name: {ask().status_code, ask().status_code} for name, ask in asked.items()}
    assert {name: found for name, found in statuses.items() if max(found) >= 300} == {
        "POST /withdraw, refused": {409},
        "POST /auth/login, refused": {401},
    }
    assert {name: commands.of(ask) for name, ask in asked.items()} == COSTS


@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_batch_takes_the_same_commands_however_many_postings_are_in_it(
    heard: Store, commands: Commands, count: int
) -> None:
    numbers = some_accounts(heard, count + 1, balance=1_000)
    for intents in (
        [deposit(number, 10) for number in numbers[:count]],
        [transfer(source, numbers[-1], 10) for source in numbers[:count]],
    ):
        assert commands.of(lambda intents=intents: post_together(heard, intents)) == BATCH  # type: ignore[misc]


def post_together(store: Store, intents: Sequence[Intent]) -> None:
    outcomes = store.journal.post_many([Request(intent) for intent in intents])
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)


def test_a_command_more_or_less_is_noticed(heard: Store, commands: Commands) -> None:
    number = an_account(heard, balance=1_000)

    def with_a_look_before() -> None:
        heard.accounts.find_many([number])
        heard.journal.post(deposit(number, 10))

    assert commands.of(with_a_look_before) == ["find accounts", *BATCH]
