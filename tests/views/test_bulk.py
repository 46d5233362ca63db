"""Bulk payments over HTTP: a file in order or nothing of it, a result for each line, and nobody paid twice."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.accounts import AccountStatus, Limits, new_account_number
from app.domain.actor import Role
from app.domain.bulk import CHUNK_LINES, line_transaction
from app.domain.bulk_files import FAULTS_MAX, LINES_MAX
from app.domain.operations.base import OperationName
from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.approvals import decide, without_second_person
from tests.factories.ledger import an_account, closing, deposit, some_accounts, status_change
from tests.factories.users import Login, new_customer, new_staff
from tests.parallel import at_once

HEADER = "to,amount,description,reference\n"


@dataclass
class Desk:
    """A banker who sends files, for an account with 1,000.00 on it."""

    client: FlaskClient
    login: Login
    source: str

    def pay(self, *lines: Any, key: str | None = None, **more: Any) -> TestResponse:
        return self.send(json.dumps({"from": self.source, "lines": lines, **more}), "application/json", key=key)

    def send(
        self, body: str | bytes, content_type: str = "text/csv", query: str | None = None, key: str | None = None
    ) -> TestResponse:
        if query is None:
            query = "" if "json" in content_type else f"?from={self.source}"
        headers = self.login.headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"/banker/bulk{query}", data=body, content_type=content_type, headers=headers)

    def get(self, path: str) -> Any:
        answer = self.client.get(path, headers=self.login.headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def lines(self, bulk: str, **query: Any) -> list[dict[str, Any]]:
        """Return all lines, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = "0"
        while cursor is not None:
            wanted = "&".join(f"{name}={value}" for name, value in {"limit": 100, **query, "cursor": cursor}.items())
            page = self.get(f"/banker/bulk/{bulk}/lines?{wanted}")
            found += page["items"]
            cursor = page["next_cursor"]
        return found


@pytest.fixture
def desk(client: FlaskClient, store: Store) -> Desk:
    login = new_staff(client, store, "bella", Role.BANKER)
    without_second_person(store, OperationName.BULK_POSTING)
    return Desk(client, login, an_account(store, balance=100_000))


def balance_of(store: Store, number: str) -> int:
    return store.accounts.get_customer_account(number).balance


def line(to: str, amount: str = "1.00", **more: Any) -> dict[str, Any]:
    return {"to": to, "amount": amount, **more}


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_each_line_is_paid_and_has_its_result(store: Store, desk: Desk) -> None:
    first, second = some_accounts(store, 2)
    answer = desk.pay(line(first, "100.50", description="Salary", reference="P1"), line(second, 200))
    assert answer.status_code == 201
    bulk = answer.json
    assert bulk == {
        "id": bulk["id"],
        "status": "completed",
        "mode": "per_line",
        "from": desk.source,
        "currency": "USD",
        "lines": 2,
        "total": "300.50",
        "posted": 2,
        "posted_total": "300.50",
        "refused": 0,
        "requested_by": desk.get("/auth/me")["id"],
        "approval": None,
        "requested_at": bulk["requested_at"],
        "ended_at": bulk["ended_at"],
    }
    assert desk.get(f"/banker/bulk/{bulk['id']}") == bulk
    assert desk.get("/banker/bulk")["items"] == [bulk]
    lines = desk.lines(bulk["id"])
    assert [(each["line"], each["status"], each["amount"]) for each in lines] == [
        (1, "posted", "100.50"),
        (2, "posted", "200.00"),
    ]
    assert (lines[0]["description"], lines[0]["reference"], lines[1]["reference"]) == ("Salary", "P1", None)
    whole = desk.get(f"/banker/transactions/{lines[0]['transaction_id']}")
    assert [(leg["account"], leg["direction"], leg["amount"]) for leg in whole["legs"]] == [
        (desk.source, "debit", "100.50"),
        (first, "credit", "100.50"),
    ]
    assert (whole["type"], whole["channel"], whole["description"]) == ("transfer", "bulk", "Salary")
    assert (balance_of(store, desk.source), balance_of(store, first), balance_of(store, second)) == (
        69_950, 10_050, 20_000,
    )  # fmt: skip
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_a_csv_file_is_taken_like_json(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    answer = desk.send(f'{HEADER}{payee},1.50,"Salary, May",P1\r\n{payee},2,,\r\n')
    assert (answer.status_code, answer.json["posted_total"]) == (201, "3.50")
    lines = desk.lines(answer.json["id"])
    assert [(each["description"], each["reference"]) for each in lines] == [("Salary, May", "P1"), (None, None)]


@pytest.mark.parametrize("header", ["to,amount", "amount,to", "reference,amount,to,description"])
def test_the_columns_of_a_csv_file_may_stand_in_any_order(store: Store, desk: Desk, header: str) -> None:
    (payee,) = some_accounts(store, 1)
    cells = {"to": payee, "amount": "1.50", "description": "Salary", "reference": "P1"}
    row = ",".join(cells[name] for name in header.split(","))
    assert desk.send(f"{header}\n{row}").json["posted_total"] == "1.50"


@pytest.mark.parametrize(
    "before", [b"\xef\xbb\xbf", b""], ids=["with a byte order mark, as Excel writes it", "without"]
)
def test_a_byte_order_mark_before_csv_is_passed(store: Store, desk: Desk, before: bytes) -> None:
    (payee,) = some_accounts(store, 1)
    assert desk.send(before + f"to,amount\n{payee},1\n".encode()).json["posted"] == 1


def test_formulas_are_just_text(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    answer = desk.send(f'to,amount,description\n{payee},1,"=HYPERLINK(""http://x"")"\n')
    assert desk.lines(answer.json["id"])[0]["description"] == '=HYPERLINK("http://x")'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"to\n1",
        b"to,amount,amount\n",
        b"to,amount,fee\n",
        b"To,Amount\n",
        b"to;amount\n",
        b"to,amount\n\xff,1\n",
        b"to,amount\n\xc0\xaf,1\n",
        "to,amount\n1,1".encode("utf-16"),
        b'to,amount\n"1,1\n',
        b'to,amount\n"1"x,1\n',
        b"to,am\0ount\n",
        b"to,amount\n" + b"1" * 200_000 + b",1\n",
    ],
)
def test_what_is_no_csv_with_the_header_is_refused(desk: Desk, body: bytes) -> None:
    assert refusal(desk.send(body)) == (400, "malformed_csv")
    assert desk.get("/banker/bulk")["items"] == []


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("{payee},1.001", "amount"),
        ("{payee},-1", "amount"),
        ("{payee},", "amount"),
        ("{payee},1e3", "amount"),
        ("{payee},0", "amount"),
        ("{payee},١", "amount"),
        ("{payee},=1+1", "amount"),
        (",1", "to"),
        ("123,1", "to"),
        ("cash-USD,1", "to"),
        ("{source},1", "to"),
        ("{payee},1,x,y,z", "line"),
        ("{payee}", "line"),
        ("", "line"),
        ('{payee},1,"a\nb",', "description"),
        ("{payee},1,a\0b,", "description"),
        ("{payee},1,{long},", "description"),
        ("{payee},1,,{long}", "reference"),
        ("{payee},1,\u202eabc,", "description"),
    ],
)
def test_a_bad_line_at_the_end_is_named_and_nothing_is_posted(store: Store, desk: Desk, row: str, field: str) -> None:
    (payee,) = some_accounts(store, 1)
    row = row.format(payee=payee, source=desk.source, long="x" * 141)
    row += "" if field == "line" or row.count(",") == 3 else ",,"
    answer = desk.send(HEADER + f"{payee},1,,\n" * 300 + row + "\n")
    assert refusal(answer) == (422, "validation_failed")
    assert list(answer.json["errors"]) == [f"lines.301.{field}"]
    assert balance_of(store, payee) == 0
    assert desk.get("/banker/bulk")["items"] == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"amount": True}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": {"$gt": ""}}, "amount"),
        ({"to": {"$ne": None}}, "to"),
        ({"to": 1}, "to"),
        ({"fee": "0"}, "fee"),
        ({"currency": "EUR"}, "currency"),
        ({"description": ["x"]}, "description"),
        ({"reference": ""}, "reference"),
    ],
)
def test_odd_members_of_a_json_line_are_named(store: Store, desk: Desk, change: dict[str, Any], name: str) -> None:
    (payee,) = some_accounts(store, 1)
    answer = desk.pay(line(payee), line(payee) | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [f"lines.2.{name}"])
    assert balance_of(store, payee) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"from": "x", "from": "y", "lines": []}', "malformed_json"),
        ('{"lines": [{"to": "1", "to": "2"}]}', "malformed_json"),
        ("[]", "malformed_json"),
        ("\ufeff{}", "malformed_json"),
        ('{"lines": [NaN]}', "malformed_json"),
        ("{}", "validation_failed"),
        ('{"lines": {}}', "validation_failed"),
        ('{"lines": null}', "validation_failed"),
        ('{"lines": [1]}', "validation_failed"),
    ],
)
def test_json_is_read_as_strictly_as_everywhere(desk: Desk, body: str, code: str) -> None:
    assert desk.send(body, "application/json").json["code"] == code


def test_every_bad_line_is_named_up_to_a_bound(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    answer = desk.pay(line("1"), line(payee), line(payee, "1.005"), line("2", "x"), "text")
    assert list(answer.json["errors"]) == [
        "lines.1.to",
        "lines.3.amount",
        "lines.4.to",
        "lines.4.amount",
        "lines.5.line",
    ]
    many = desk.send("to,amount\n" + "1,1\n" * (FAULTS_MAX + 1))
    assert len(many.json["errors"]) == FAULTS_MAX + 1
    assert f"{FAULTS_MAX + 1:,} lines" in many.json["errors"]["lines"][0]


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("count", [0, LINES_MAX + 1])
def test_no_line_and_one_too_many_are_refused(store: Store, desk: Desk, kind: str, count: int) -> None:
    (payee,) = some_accounts(store, 1)
    lines = [line(payee, "0.01")] * count
    answer = desk.pay(*lines) if kind == "json" else desk.send("to,amount\n" + f"{payee},0.01\n" * count)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["lines"])
    assert balance_of(store, payee) == 0


def test_all_or_nothing_takes_a_thousand_lines_at_most(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    assert list(desk.pay(*[line(payee)] * 1_001, mode="all_or_nothing").json["errors"]) == ["lines"]
    assert desk.pay(*[line(payee)] * 1_000, mode="all_or_nothing").json["status"] == "completed"
    assert balance_of(store, payee) == 100_000


def test_a_file_larger_than_is_taken_is_refused_and_other_bodies_keep_their_limit(
    store: Store, app_with: Callable[..., Flask], desk: Desk
) -> None:
    (payee,) = some_accounts(store, 1)
    client = app_with(bulk_mib_max=1).test_client()
    small = replace(desk, client=client)
    row = f"{payee},0.01,{'x' * 100}\n"
    body = "to,amount,description\n" + row * (2 * 1024 * 1024 // len(row))
    assert refusal(small.send(body)) == (413, "payload_too_large")
    large_json = json.dumps({"from": desk.source, "lines": [], "x": "x" * 1024 * 1024})
    assert refusal(small.send(large_json, "application/json")) == (413, "payload_too_large")
    assert small.send("to,amount,description\n" + row * 1_000).status_code == 201  # more than BODY_KIB_MAX
    other = client.post(
        "/banker/transfers", data=b" " * 100_000, content_type="application/json", headers=desk.login.headers
    )
    assert refusal(other) == (413, "payload_too_large")


def far_more_than_lines(member: str) -> str:
    return f'{{"lines":[{member}{f",{member}" * (2_000_000 // len(member))}]}}'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", far_more_than_lines(member)) for member in ("[]", "{}", "1.5", '{"a":[[[[]]]]}')]
    + [("text/csv", "to," * 700_000), ("text/csv", HEADER + '1,"\n",' * 300_000)],
)
def test_a_file_of_far_more_than_its_lines_need_is_refused_before_it_is_taken_apart(
    desk: Desk, content_type: str, body: str
) -> None:
    """Taken apart, eight megabytes of next to nothing would be hundreds, and keep a core busy for seconds."""
    tracemalloc.start()
    answer = desk.send(body, content_type)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal(answer) == (413, "payload_too_large")
    assert peak < 20 * len(body)


@pytest.mark.parametrize("content_type", ["text/csv", "application/json"])
def test_a_file_that_ends_early_is_refused(store: Store, desk: Desk, content_type: str) -> None:
    (payee,) = some_accounts(store, 1)
    whole = {"text/csv": f"to,amount\n{payee},1\n", "application/json": json.dumps({"lines": [line(payee)]})}
    answer = desk.client.post(
        f"/banker/bulk?from={desk.source}",
        content_type=content_type,
        headers=desk.login.headers,
        environ_overrides={"wsgi.input": io.BytesIO(whole[content_type].encode()), "CONTENT_LENGTH": "1000"},
    )
    assert refusal(answer) == (400, "bad_request")
    assert balance_of(store, payee) == 0


@pytest.mark.parametrize("content_type", ["text/plain", "application/csv", "text/csv; charset=latin-1", ""])
def test_a_file_of_another_type_is_refused(desk: Desk, content_type: str) -> None:
    assert refusal(desk.send("to,amount\n", content_type, query=f"?from={desk.source}")) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize(
    "query", ["", "?from=1", "?mode=all_or_nothing", "?from={source}&mode=x", "?from={source}&x=1"]
)
def test_a_csv_file_says_in_the_query_which_account_pays(store: Store, desk: Desk, query: str) -> None:
    (payee,) = some_accounts(store, 1)
    answer = desk.send(f"to,amount\n{payee},1\n", query=query.format(source=desk.source))
    assert refusal(answer) == (422, "validation_failed")
    assert balance_of(store, payee) == 0


def test_a_json_file_says_so_in_its_body_alone(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    body = json.dumps({"from": desk.source, "lines": [line(payee)]})
    answer = desk.send(body, "application/json", query="?mode=all_or_nothing")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["mode"])
    assert balance_of(store, payee) == 0


def test_an_account_that_is_not_there_pays_nothing(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    assert refusal(desk.pay(line(payee), **{"from": new_account_number()})) == (404, "not_found")


def test_a_line_that_is_refused_leaves_the_others_alone(store: Store, desk: Desk) -> None:
    payee, closed = some_accounts(store, 2)
    euros, nobody = an_account(store, currency="EUR"), new_account_number()
    store.journal.post(closing(closed))
    answer = desk.pay(
        line(payee), line(closed), line(payee, "999.01"), line(payee, "998.00"), line(euros), line(nobody), line(payee)
    )
    assert (answer.json["status"], answer.json["posted"], answer.json["refused"]) == ("completed", 3, 4)
    assert answer.json["posted_total"] == "1000.00"
    lines = desk.lines(answer.json["id"])
    assert [each["code"] for each in lines] == [
        None, "account_closed", "insufficient_funds", None, "currency_mismatch", "unknown_payee", None,
    ]  # fmt: skip
    assert lines[1]["detail"] == "The account is closed."
    assert [each["line"] for each in desk.lines(answer.json["id"], status="refused")] == [2, 3, 5, 6]
    assert (balance_of(store, payee), balance_of(store, desk.source)) == (100_000, 0)


def test_all_or_nothing_posts_nothing_where_one_line_is_refused_and_names_each(store: Store, desk: Desk) -> None:
    payee, closed = some_accounts(store, 2)
    store.journal.post(closing(closed))
    lines = [line(payee), line(closed), line(payee, "1000.00")]
    answer = desk.pay(*lines, mode="all_or_nothing", key="k")
    assert answer.json["status"] == "refused"
    assert (answer.json["posted"], answer.json["posted_total"], answer.json["refused"]) == (0, "0.00", 2)
    results = desk.lines(answer.json["id"])
    assert [(each["status"], each["code"]) for each in results] == [
        ("not_posted", None),
        ("refused", "account_closed"),
        ("refused", "insufficient_funds"),
    ]
    assert {each["transaction_id"] for each in results} == {None}
    assert (balance_of(store, payee), balance_of(store, desk.source)) == (0, 100_000)
    store.journal.post(deposit(desk.source, 1_000_000))
    assert desk.pay(*lines, mode="all_or_nothing", key="k").json == answer.json
    assert balance_of(store, payee) == 0


def test_the_same_line_twice_is_two_payments(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    answer = desk.pay(line(payee, reference="A"), line(payee, reference="A"))
    first, second = desk.lines(answer.json["id"])
    assert first["transaction_id"] != second["transaction_id"]
    assert balance_of(store, payee) == 200


def test_the_same_file_with_its_key_is_the_same_bulk_payment_whatever_its_form(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    first = desk.pay(line(payee, "1.50"), key="may")
    again = desk.send(f"amount,to\n1.5,{payee}\n", key="may")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert balance_of(store, payee) == 150
    assert desk.pay(line(payee, "1.50"), key="june").json["id"] != first.json["id"]
    assert balance_of(store, payee) == 300


@pytest.mark.usefixtures("one_day")
def test_the_same_file_without_a_key_on_one_day_is_the_same_bulk_payment(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    first, again = desk.pay(line(payee)), desk.pay(line(payee))
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert balance_of(store, payee) == 100


@pytest.mark.parametrize("change", ["amount", "to", "order", "mode", "from", "reference", "more"])
def test_a_key_of_another_file_is_refused(store: Store, desk: Desk, change: str) -> None:
    one, two = some_accounts(store, 2)
    lines, more = [line(one), line(two)], {}
    desk.pay(*lines, key="k")
    match change:
        case "amount":
            lines[0] = line(one, "1.01")
        case "to":
            lines[0] = line(two)
        case "order":
            lines.reverse()
        case "reference":
            lines[0] = line(one, reference="x")
        case "more":
            lines.append(line(one))
        case "mode":
            more = {"mode": "all_or_nothing"}
        case "from":
            more = {"from": an_account(store, balance=1_000)}
    assert refusal(desk.pay(*lines, key="k", **more)) == (422, "idempotency_mismatch")
    assert (balance_of(store, one), balance_of(store, two)) == (100, 100)


def test_a_key_serves_a_file_or_another_movement_of_money_and_never_both(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    without_second_person(store, OperationName.BANKER_TRANSFER)

    def transfer(key: str) -> TestResponse:
        body = {"from": desk.source, "to": payee, "amount": "1"}
        headers = desk.login.headers | {"Idempotency-Key": key}
        return desk.client.post("/banker/transfers", json=body, headers=headers)

    assert (desk.pay(line(payee), key="a").status_code, transfer("b").status_code) == (201, 201)
    assert refusal(transfer("a")) == refusal(desk.pay(line(payee), key="b")) == (422, "idempotency_mismatch")
    assert balance_of(store, payee) == 200
    assert len(desk.get("/banker/bulk")["items"]) == 1


def test_the_same_key_of_two_bankers_is_two_keys(client: FlaskClient, store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    other = replace(desk, login=new_staff(client, store, "boris", Role.BANKER))
    assert desk.pay(line(payee), key="k").json["id"] != other.pay(line(payee), key="k").json["id"]
    assert balance_of(store, payee) == 200


def test_the_same_file_many_times_in_parallel_is_paid_once(app: Flask, store: Store, desk: Desk) -> None:
    payees = some_accounts(store, 2 * CHUNK_LINES + 1)
    lines = [line(payee, "0.10") for payee in payees]
    answers = at_once(10, lambda _: replace(desk, client=app.test_client()).pay(*lines, key="k"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    bulk = desk.pay(*lines, key="k").json
    assert (bulk["status"], bulk["posted"]) == ("completed", len(payees))
    assert {balance_of(store, payee) for payee in payees} == {10}
    assert balance_of(store, desk.source) == 100_000 - 10 * len(payees)


def test_ten_thousand_lines_are_posted_in_their_order_and_paged(store: Store, desk: Desk) -> None:
    payees = some_accounts(store, 20)
    store.journal.post(deposit(desk.source, 900_000))
    rows = "".join(f"{payees[number % 20]},1.00,,{number + 1}\n" for number in range(LINES_MAX))
    bulk = desk.send(HEADER + rows, key="k").json
    assert bulk["lines"] == LINES_MAX
    while bulk["status"] == "running":
        bulk = desk.send(HEADER + rows, key="k").json
    assert (bulk["status"], bulk["posted"], bulk["posted_total"]) == ("completed", LINES_MAX, "10000.00")
    lines = desk.lines(bulk["id"])
    assert [each["line"] for each in lines] == list(range(1, LINES_MAX + 1))
    assert all(each["reference"] == str(each["line"]) for each in lines)
    assert desk.lines(bulk["id"], status="refused") == []
    assert [balance_of(store, payee) for payee in payees] == [50_000] * 20
    last_debit = desk.get(f"/banker/accounts/{desk.source}/transactions?limit=1")["items"][0]
    assert last_debit["transaction_id"] == line_transaction(bulk["id"], LINES_MAX)


@pytest.mark.usefixtures("one_day")
def test_limits_of_the_paying_account_count_line_by_line(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    desk.source = an_account(store, balance=100_000, limits=Limits(transfer=5_000, transfer_daily=10_000))
    answer = desk.pay(line(payee, "50.01"), line(payee, "50"), line(payee, "50"), line(payee, "0.01"))
    assert [each["code"] for each in desk.lines(answer.json["id"])] == [
        "transaction_limit_exceeded", None, None, "daily_limit_exceeded",
    ]  # fmt: skip
    assert balance_of(store, payee) == 10_000


@pytest.mark.parametrize("status", [AccountStatus.FROZEN_DEBITS, AccountStatus.FROZEN, AccountStatus.CLOSED])
def test_an_account_that_may_not_pay_has_every_line_refused(store: Store, desk: Desk, status: AccountStatus) -> None:
    (payee,) = some_accounts(store, 1)
    desk.source = an_account(store)
    ends = closing(desk.source) if status is AccountStatus.CLOSED else status_change(desk.source, status)
    store.journal.post(ends)
    answer = desk.pay(line(payee), line(payee))
    assert (answer.json["posted"], answer.json["refused"]) == (0, 2)
    assert balance_of(store, payee) == 0


def test_a_large_total_waits_for_a_second_person(client: FlaskClient, store: Store) -> None:
    (payee,) = some_accounts(store, 1)
    desk = Desk(client, new_staff(client, store, "bella", Role.BANKER), an_account(store, balance=2_000_000))
    boris = new_staff(client, store, "boris", Role.BANKER)
    lines = [line(payee, "5000.00"), line(payee, "5000.00")]
    answer = desk.pay(*lines, key="k")
    assert (answer.status_code, answer.json["operation"], answer.json["status"]) == (202, "bulk_posting", "pending")
    payload = answer.json["payload"]
    assert (payload["from"], payload["lines"], payload["total"]) == (desk.source, 2, "10000.00")
    assert payload["from_holders"] == [None]
    waiting = desk.get(f"/banker/bulk/{payload['bulk']}")
    assert (waiting["status"], waiting["approval"], waiting["posted"]) == ("awaiting_approval", answer.json["id"], 0)
    assert {each["status"] for each in desk.lines(payload["bulk"])} == {"pending"}
    again = desk.pay(*lines, key="k")
    assert (again.status_code, again.json["id"]) == (202, answer.json["id"])
    assert balance_of(store, payee) == 0
    assert decide(client, desk.login, answer.json["id"]).json["code"] == "maker_is_checker"
    assert decide(client, boris, answer.json["id"]).json["status"] == "executed"
    done = desk.pay(*lines, key="k")
    assert (done.status_code, done.json["status"], done.json["posted"]) == (201, "completed", 2)
    assert decide(client, boris, answer.json["id"], key="other").status_code == 409
    assert balance_of(store, payee) == 1_000_000


def test_a_rejected_file_is_never_posted(client: FlaskClient, store: Store) -> None:
    (payee,) = some_accounts(store, 1)
    desk = Desk(client, new_staff(client, store, "bella", Role.BANKER), an_account(store, balance=2_000_000))
    boris = new_staff(client, store, "boris", Role.BANKER)
    asked = desk.pay(line(payee, "10000.00"), key="k").json
    assert decide(client, boris, asked["id"], "reject").json["status"] == "rejected"
    again = desk.pay(line(payee, "10000.00"), key="k")
    assert (again.status_code, again.json["status"]) == (202, "rejected")
    assert balance_of(store, payee) == 0


def test_lines_changed_after_they_were_shown_to_the_approver_are_not_posted(client: FlaskClient, store: Store) -> None:
    payee, other = some_accounts(store, 2)
    desk = Desk(client, new_staff(client, store, "bella", Role.BANKER), an_account(store, balance=2_000_000))
    boris = new_staff(client, store, "boris", Role.BANKER)
    asked = desk.pay(line(payee, "10000.00")).json
    chunk = f"{asked['payload']['bulk']}-0000"
    store.database["bulk_chunks"].update_one({"_id": chunk}, {"$set": {"lines.0.0": other}})
    ended = decide(client, boris, asked["id"]).json
    assert (ended["status"], ended["failure"]) == ("failed", "approval_altered")
    assert (balance_of(store, payee), balance_of(store, other)) == (0, 0)


def test_customers_send_no_files_and_see_none(client: FlaskClient, store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    bulk = desk.pay(line(payee)).json["id"]
    carol = replace(desk, login=new_customer(client, "carol"))
    assert refusal(carol.pay(line(payee))) == (403, "forbidden")
    for path in ("/banker/bulk", f"/banker/bulk/{bulk}", f"/banker/bulk/{bulk}/lines"):
        assert refusal(client.get(path, headers=carol.login.headers)) == (403, "forbidden")


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=10001", "cursor=-1", "limit=0", "limit=101", "status=lost", "x=1"]
)
def test_a_page_of_lines_that_makes_no_sense_is_refused(store: Store, desk: Desk, query: str) -> None:
    (payee,) = some_accounts(store, 1)
    bulk = desk.pay(line(payee)).json["id"]
    answer = desk.client.get(f"/banker/bulk/{bulk}/lines?{query}", headers=desk.login.headers)
    assert refusal(answer) == (422, "validation_failed")


@pytest.mark.parametrize("path", ["/banker/bulk/x", "/banker/bulk/x/lines", "/banker/bulk?cursor=x"])
def test_what_was_never_sent_is_not_found(desk: Desk, path: str) -> None:
    assert desk.client.get(path, headers=desk.login.headers).status_code == 404


def test_bulk_payments_are_paged_newest_first(store: Store, desk: Desk) -> None:
    (payee,) = some_accounts(store, 1)
    made = [desk.pay(line(payee, "0.01"), key=str(number)).json["id"] for number in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = desk.get(f"/banker/bulk?limit=2{cursor and f'&cursor={cursor}'}")
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert found == made[::-1]
