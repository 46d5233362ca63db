"""History over HTTP: newest first, paged without gaps or repeats, filtered, and one's own alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain import paging
from app.domain.accounts import new_account_number
from app.domain.actor import Role
from app.domain.ledger.records import TransactionType
from app.models import key_window
from app.models.store import Store
from tests.factories.ledger import account_state
from tests.factories.users import Login, new_customer, new_staff


@pytest.fixture
def alice(client: FlaskClient) -> Login:
    return new_customer(client, "alice")


@pytest.fixture
def banker(client: FlaskClient, store: Store) -> Login:
    return new_staff(client, store, "banker", Role.BANKER)


def get(client: FlaskClient, login: Login, path: str, **query: Any) -> Any:
    names = {"since": "from", "until": "to"}
    query = {names.get(name, name): value for name, value in query.items()}
    return client.get(path, query_string=query, headers=login.headers)


def lines(client: FlaskClient, login: Login, path: str = "/transactions", **query: Any) -> list[dict[str, Any]]:
    """Return the lines of all pages."""
    return [line for page in pages(client, login, path, **query) for line in page]


def pages(client: FlaskClient, login: Login, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor: dict[str, str] = {}
    while True:
        answer = get(client, login, path, **query, **cursor)
        assert answer.status_code == 200, answer.text
        yield answer.json["items"]
        if answer.json["next_cursor"] is None:
            return
        cursor = {"cursor": answer.json["next_cursor"]}


def pay(client: FlaskClient, login: Login, *amounts: str, account: str | None = None) -> None:
    """Deposit each amount, or withdraw it where it has a minus."""
    for amount in amounts:
        verb = "withdraw" if amount.startswith("-") else "deposit"
        body = {"amount": amount.lstrip("-")} | ({"account": account} if account else {})
        assert client.post(f"/{verb}", json=body, headers=login.headers).status_code == 201


def amounts(found: list[dict[str, Any]]) -> list[str]:
    return [("-" if line["direction"] == "debit" else "") + line["amount"] for line in found]


def account_of(client: FlaskClient, login: Login) -> str:
    return str(get(client, login, "/accounts").json["items"][0]["number"])


def test_a_new_customer_has_no_history(client: FlaskClient, alice: Login) -> None:
    assert get(client, alice, "/transactions").json == {"items": [], "next_cursor": None}


def test_the_newest_comes_first(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "1", "2", "-3")
    assert amounts(lines(client, alice)) == ["-3.00", "2.00", "1.00"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_pages_join_without_gap_or_repeat(client: FlaskClient, alice: Login, limit: int) -> None:
    pay(client, alice, *(str(number) for number in range(1, 8)))
    found = list(pages(client, alice, "/transactions", limit=limit))
    assert [line["seq"] for page in found for line in page] == [7, 6, 5, 4, 3, 2, 1]
    assert all(len(page) == limit for page in found[:-1])


def test_lines_that_come_while_one_reads_on_do_not_disturb_the_pages(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "1", "2", "3", "4")
    reading = pages(client, alice, "/transactions", limit=2)
    first = next(reading)
    pay(client, alice, "5", "6")
    assert amounts(first + [line for page in reading for line in page]) == ["4.00", "3.00", "2.00", "1.00"]


def test_filters_narrow_the_history(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "1", "20", "-5", "300", "-5.01")
    wanted = {
        ("type", "withdrawal"): ["-5.01", "-5.00"],
        ("direction", "credit"): ["300.00", "20.00", "1.00"],
        ("min_amount", "5.01"): ["-5.01", "300.00", "20.00"],
        ("max_amount", "5"): ["-5.00", "1.00"],
    }
    for (name, value), expected in wanted.items():
        assert amounts(lines(client, alice, **{name: value})) == expected
    assert amounts(lines(client, alice, min_amount="5", max_amount="20", direction="debit")) == ["-5.01", "-5.00"]
    assert lines(client, alice, type="transfer") == []


@pytest.mark.parametrize("type_", list(TransactionType))
def test_only_types_that_can_have_lines_are_offered(client: FlaskClient, alice: Login, type_: TransactionType) -> None:
    moves = type_ in {
        "deposit", "withdrawal", "transfer", "reversal", "hold_capture", "adjustment", "account_opening",
        "account_closing",
    }  # fmt: skip
    assert get(client, alice, "/transactions", type=type_).status_code == (200 if moves else 422)


@pytest.mark.usefixtures("one_day")
def test_times_bound_the_history_and_both_ends_belong_to_it(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "1", "2", "3")
    newest, middle, oldest = (line["created_at"] for line in lines(client, alice))
    assert amounts(lines(client, alice, since=oldest, until=newest)) == ["3.00", "2.00", "1.00"]
    assert "2.00" in amounts(lines(client, alice, since=middle, until=middle))
    today = newest[:10]
    assert amounts(lines(client, alice, since=today, until=today)) == ["3.00", "2.00", "1.00"]
    assert lines(client, alice, until="2020-01-01") == []
    assert lines(client, alice, since="9999-12-31", until="9999-12-31") == []
    assert lines(client, alice, until="1960-01-01T00:00:00Z") == []


@pytest.mark.security("S10")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"type": "robbery"}, "type"),
        ({"direction": "up"}, "direction"),
        ({"since": "yesterday"}, "from"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "from"),
        ({"min_amount": "2", "max_amount": "1"}, "min_amount"),
        ({"min_amount": "1e3"}, "min_amount"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "f" * 35}, "cursor"),
        ({"account[$ne]": "1"}, "account[$ne]"),
        ({"owner": "bob"}, "owner"),
        ({"account": "1"}, "account"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    client: FlaskClient, alice: Login, query: dict[str, Any], field: str
) -> None:
    answer = get(client, alice, "/transactions", **query)
    assert (answer.status_code, answer.json["code"], list(answer.json["errors"])) == (422, "validation_failed", [field])


def test_amounts_beyond_all_money_find_nothing_and_break_nothing(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "1")
    assert lines(client, alice, min_amount="9999999999999999.9999") == []
    assert amounts(lines(client, alice, max_amount="9999999999999999.9999")) == ["1.00"]


def test_several_accounts_are_merged_by_time_or_asked_one_by_one(
    client: FlaskClient, store: Store, alice: Login
) -> None:
    checking = account_of(client, alice)
    customer_id = store.accounts.get_customer_account(checking).holders[0]
    savings = account_state(holders=(customer_id,), id=new_account_number()).id
    store.accounts.insert(account_state(id=savings, holders=(customer_id,)), session=None)
    for account, amount in ((checking, "1"), (savings, "2"), (checking, "3"), (savings, "4")):
        pay(client, alice, amount, account=account)
    assert sorted(amounts(lines(client, alice, limit=1))) == ["1.00", "2.00", "3.00", "4.00"]
    assert [line["id"] for line in lines(client, alice, limit=1)] == [line["id"] for line in lines(client, alice)]
    assert amounts(lines(client, alice, account=savings)) == ["4.00", "2.00"]
    shown = {item["number"]: item for item in get(client, alice, "/accounts").json["items"]}
    assert (shown[checking]["primary"], shown[savings]["primary"]) == (True, False)
    assert (shown[checking]["balance"], shown[savings]["balance"]) == ("4.00", "6.00")
    assert get(client, alice, "/balance", account=savings).json["balance"] == "6.00"


@pytest.mark.security("S02")
def test_a_customer_sees_nothing_of_another(client: FlaskClient, alice: Login) -> None:
    bob = new_customer(client, "bob")
    pay(client, bob, "1")
    theirs, number = lines(client, bob)[0], account_of(client, bob)
    for path in (f"/transactions/{theirs['id']}", f"/accounts/{number}"):
        answer = get(client, alice, path)
        nobodys = get(client, alice, path[:-1] + ("0" if path[-1] != "0" else "1"))
        assert answer.status_code == nobodys.status_code == 404
        assert {**answer.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
    for path in ("/transactions", "/balance"):
        assert get(client, alice, path, account=number).status_code == 404
    assert lines(client, alice) == []


def test_a_line_is_shown_by_its_own_id_and_by_its_transactions(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "5")
    (line,) = lines(client, alice)
    shown = get(client, alice, f"/transactions/{line['id']}")
    assert shown.status_code == 200
    assert get(client, alice, f"/transactions/{line['transaction_id']}").json == shown.json
    bob = new_customer(client, "bob")
    for path in (line["transaction_id"], line["id"], 64 * "0", 36 * "0", "nothing"):
        refused = get(client, bob, f"/transactions/{path}")
        assert refused.status_code == 404
        assert refused.json | {"request_id": ""} == get(client, bob, "/transactions/0").json | {"request_id": ""}


def test_what_a_key_did_is_found_by_the_key(client: FlaskClient, alice: Login) -> None:
    pay(client, alice, "1")
    made = client.post("/deposit", json={"amount": "2"}, headers=alice.headers | {"Idempotency-Key": "k-1"})
    assert lines(client, alice, idempotency_key="k-1") == [made.json]
    assert lines(client, alice, idempotency_key="k-2") == []
    assert lines(client, new_customer(client, "bob"), idempotency_key="k-1") == []


def test_a_filter_that_finds_little_examines_a_bounded_number_of_lines(
    client: FlaskClient, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages may come short, yet in the end nothing is missing."""
    monkeypatch.setattr(key_window, "KEYS_EXAMINED_MAX", 3)
    pay(client, alice, "9", *["1"] * 10, "9")
    found = list(pages(client, alice, "/transactions", min_amount="9"))
    assert len(found) >= 4
    assert amounts([line for page in found for line in page]) == ["9.00", "9.00"]
    assert paging.KEYS_EXAMINED_MAX == 5_000


def test_a_banker_sees_everybodys_history_with_the_customer(client: FlaskClient, alice: Login, banker: Login) -> None:
    bob = new_customer(client, "bob")
    pay(client, alice, "1")
    pay(client, bob, "2")
    pay(client, alice, "3")
    everything = lines(client, banker, "/banker/transactions", limit=2)
    assert [(line["amount"], line["customer"]["username"]) for line in everything] == [
        ("3.00", "alice"), ("2.00", "bob"), ("1.00", "alice"),
    ]  # fmt: skip
    bobs = everything[1]
    for query in (
        {"customer": bobs["customer"]["id"]},
        {"account": bobs["account"]},
        {"min_amount": "2", "max_amount": "2"},
    ):
        assert lines(client, banker, "/banker/transactions", **query) == [bobs]
    assert lines(client, banker, f"/banker/accounts/{bobs['account']}/transactions") == [bobs]
    assert lines(client, banker, "/banker/transactions", customer="nobody") == []
    mixed = {"account": bobs["account"], "customer": everything[0]["customer"]["id"]}
    assert lines(client, banker, "/banker/transactions", **mixed) == []


def test_a_banker_sees_both_legs_of_a_transaction(client: FlaskClient, alice: Login, banker: Login) -> None:
    pay(client, alice, "12.34")
    line = lines(client, alice)[0]
    whole = get(client, banker, f"/banker/transactions/{line['transaction_id']}").json
    assert [(leg["account"], leg["direction"], leg["amount"]) for leg in whole["legs"]] == [
        (line["account"], "credit", "12.34"), ("cash-USD", "debit", "12.34"),
    ]  # fmt: skip
    assert whole["legs"][0]["id"] == line["id"]
    assert (whole["type"], whole["channel"], whole["reverses"], whole["reversed_by"]) == ("deposit", "api", None, None)
    assert get(client, banker, "/banker/transactions/nothing").status_code == 404
    assert get(client, banker, f"/banker/transactions/{line['id']}").json == whole
    assert get(client, banker, f"/banker/transactions/{line['id'][:-1]}f").status_code == 404


def test_a_banker_sees_all_customers_accounts_and_their_holders(
    client: FlaskClient, alice: Login, banker: Login
) -> None:
    new_customer(client, "bob")
    found = lines(client, banker, "/banker/accounts", limit=1)
    assert {account["holders"][0]["username"] for account in found} == {"alice", "bob"}
    assert [account["number"] for account in found] == sorted(account["number"] for account in found)
    mine = account_of(client, alice)
    one = next(account for account in found if account["number"] == mine)
    assert get(client, banker, f"/banker/accounts/{mine}").json == one
    assert lines(client, banker, "/banker/accounts", customer=one["holders"][0]["id"]) == [one]
    assert len(lines(client, banker, "/banker/accounts", status="active", type="checking", currency="USD")) == 2
    for query in ({"status": "closed"}, {"type": "savings"}, {"currency": "EUR"}, {"customer": "nobody"}):
        assert lines(client, banker, "/banker/accounts", **query) == []
    assert get(client, banker, "/banker/accounts/cash-USD").status_code == 404
    assert get(client, banker, "/banker/accounts", currency="ABC").status_code == 422
