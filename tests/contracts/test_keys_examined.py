"""What a list costs does not grow with the collection: counted in keys of an index, not in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo import ASCENDING, DESCENDING
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app import create_app
from app.domain.accounts import AccountStatus, AccountType
from app.domain.actor import Role
from app.domain.customers import KycStatus
from app.models.accounts import account_document
from app.models.connection import connect
from app.models.customers import customer_document
from app.models.key_window import GROWTH, KEYS_PER_LINE, Walk, find_page
from app.models.store import Store
from config import Config
from tests.factories.customers import customer_record
from tests.factories.ledger import account_state, deposit, post_all
from tests.factories.users import new_staff

MANY = 300
AT_ONCE = 10
"""How many are posted together: the bank's own lines of one moment follow each other in the order of time."""
LIMIT = 4
LISTED = ("accounts", "customers", "entries")
KEYS_MAX = KEYS_PER_LINE * (LIMIT + 1) + 1
"""A first look at a page of this many lines: far less than there is."""
KYC = (KycStatus.VERIFIED, KycStatus.REJECTED)
TYPES = (AccountType.CHECKING, AccountType.TERM)
STATUSES = (AccountStatus.ACTIVE, AccountStatus.DORMANT)
FILTERED = (
    "/banker/accounts",
    "/banker/accounts?type=term",
    "/banker/accounts?status=dormant",
    "/banker/accounts?status=active",
    "/banker/accounts?currency=USD",
    "/banker/accounts?product=P1",
    "/banker/accounts?branch=B1",
    "/banker/accounts?type=checking&status=active&currency=USD",
    "/banker/accounts?branch=B0&product=P0&status=active",
    "/banker/customers",
    "/banker/customers?q=anna",
    "/banker/customers?q=anna+number1",
    "/banker/customers?q=number1&status=active",
    "/banker/customers?kyc=rejected",
    "/banker/customers?kyc=rejected&status=active",
    "/banker/transactions",
    "/banker/transactions?type=deposit",
    "/banker/transactions?min_amount=2&max_amount=3",
    "/banker/transactions?from=2020-01-01&to=2100-01-01",
)


class Lists(CommandListener):
    """The questions by which lists are read, and not what is read of each line."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        is_list = "sort" in event.command or "pipeline" in event.command
        if is_list and event.command[event.command_name] in LISTED:
            names = ("find", "filter", "sort", "limit", "hint", "projection", "aggregate", "pipeline", "cursor")
            self.asked.append({name: event.command[name] for name in event.command if name in names})

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
def crowded(config: Config, store: Store, lists: Lists) -> Iterator[Store]:
    """A bank with many of everything, whose lists are listened to; every second one is as the filters below want it."""
    people = [
        replace(customer_record(full_name=f"Anna Number{number % 2}"), kyc_status=KYC[number % 2])
        for number in range(MANY)
    ]
    accounts = [
        account_state(
            holders=(person.id,), type=TYPES[number % 2], status=STATUSES[number % 2],
            product=f"P{number % 2}", branch=f"B{number % 2}",
        )
        for number, person in enumerate(people)
    ]  # fmt: skip
    store.database["customers"].insert_many([customer_document(person) for person in people])
    store.database["accounts"].insert_many([account_document(account) for account in accounts])
    deposits = [deposit(account.id, 100 * (number % 2 + 1)) for number, account in enumerate(accounts)]
    for start in range(0, MANY, AT_ONCE):
        post_all(store, deposits[start : start + AT_ONCE])
    other = Store(connect(config.mongo_uri, timeout_ms=config.mongo_timeout_ms, listeners=[lists]), config)
    yield other
    other.close()


def keys_examined(store: Store, question: dict[str, Any]) -> int:
    """Ask again, and return how many keys of indexes or documents were looked at, whichever were more."""
    told = store.database.command("explain", question, verbosity="executionStats")
    return max(_totals(told))


def _totals(plan: Any) -> Iterator[int]:
    """Yield every total in what the database explains; some it tells twice."""
    if isinstance(plan, dict):
        yield from (plan[name] for name in ("totalKeysExamined", "totalDocsExamined") if name in plan)
        plan = list(plan.values())
    if isinstance(plan, list):
        for each in plan:
            yield from _totals(each)


def test_a_filtered_list_looks_at_a_few_keys_for_each_line_however_many_there_are(
    config: Config, crowded: Store, lists: Lists
) -> None:
    client = create_app(config, crowded).test_client()
    banker = new_staff(client, crowded, "banker", Role.BANKER)
    examined = {}
    for path in FILTERED:
        lists.asked.clear()
        answer = client.get(f"{path}{'&' if '?' in path else '?'}limit={LIMIT}", headers=banker.headers)
        assert len(answer.json["items"]) == LIMIT, path
        assert lists.asked, path
        examined[path] = max(keys_examined(crowded, question) for question in lists.asked)
    assert {path: keys for path, keys in examined.items() if keys > KEYS_MAX} == {}


def test_a_list_that_looks_at_everything_is_noticed(crowded: Store, lists: Lists) -> None:
    lists.asked.clear()
    list(crowded.database["accounts"].find({"product": "P1"}).sort("opened_at", DESCENDING).limit(LIMIT))
    assert max(keys_examined(crowded, question) for question in lists.asked) > KEYS_MAX


def test_what_is_not_quite_common_is_found_long_before_all_that_a_page_may_look_at(
    config: Config, crowded: Store, lists: Lists
) -> None:
    """A first look takes 50 keys here, and the second 200: every 20th document is wanted, and five of them."""
    accounts = crowded.database["accounts"]
    accounts.update_many({}, {"$set": {"currency": "EUR"}})
    numbers = sorted(found["_id"] for found in accounts.find({"kind": "customer"}, {"_id": 1}))
    accounts.update_many({"_id": {"$in": numbers[::20]}}, {"$set": {"currency": "USD"}})
    lists.asked.clear()
    found, next_cursor = find_page(accounts, Walk("_id_", ASCENDING), {"currency": "USD"}, limit=LIMIT)
    assert ([each["_id"] for each in found], next_cursor) == (numbers[: LIMIT * 20 : 20], found[-1]["_id"])
    first, second = KEYS_PER_LINE * (LIMIT + 1), KEYS_PER_LINE * (LIMIT + 1) * (GROWTH - 1)
    assert [keys_examined(crowded, question) for question in lists.asked[::2]] == [first, second]
    assert sum(keys_examined(crowded, question) for question in lists.asked[1::2]) <= first + second + 2


@pytest.mark.parametrize("step", [ASCENDING, DESCENDING])
def test_what_is_rare_is_found_though_the_first_look_does_not_reach_it(store: Store, step: int) -> None:
    things = store.database["test_things"]
    things.delete_many({})
    things.insert_many([{"_id": f"{number:04d}", "is_rare": number % 100 == 50} for number in range(MANY)])
    walk = Walk("_id_", step)
    found, next_cursor = find_page(things, walk, {"is_rare": True}, limit=2)
    expected = ["0050", "0150", "0250"][::step]
    assert ([each["_id"] for each in found], next_cursor) == (expected[:2], expected[1])
    behind = {"$gt" if step > 0 else "$lt": expected[1]}
    rest, end = find_page(things, replace(walk, span=behind), {"is_rare": True}, limit=2)
    assert ([each["_id"] for each in rest], end) == (expected[2:], None)
