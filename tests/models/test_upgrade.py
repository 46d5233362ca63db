"""A database of the first version is brought up to date at the next start."""

from __future__ import annotations

from datetime import UTC, datetime

from flask.testing import FlaskClient

from app.models.ledger_reader import LedgerReader
from app.models.reconcile import Reconciliation
from app.models.store import Store
from tests.factories.users import logged_in, new_customer

LATER_CUSTOMER_FACTS = ("number", "search", "kyc_status", "status", "openings", "version", "updated_at")
LATER_ACCOUNT_FACTS = ("holder_names", "product", "limits", "spent", "minimum_balance")


def put_back(store: Store) -> None:
    """Make the database what the first version would have left."""
    everything = {"bypass_document_validation": True}
    customers, accounts, holds = (store.database[name] for name in ("customers", "accounts", "holds"))
    customers.drop_indexes()
    customers.update_many({}, {"$unset": dict.fromkeys(LATER_CUSTOMER_FACTS, "")}, **everything)
    accounts.update_many({}, {"$unset": dict.fromkeys(LATER_ACCOUNT_FACTS, "")}, **everything)
    holds.drop_indexes()
    holds.create_index([("account_id", 1), ("status", 1), ("_id", 1)], name="account_and_status")


def test_customers_of_the_first_version_are_whole_after_the_next_start(client: FlaskClient, store: Store) -> None:
    for name in ("alice", "bob"):
        login = new_customer(client, name)
        assert client.post("/deposit", json={"amount": 5}, headers=login.headers).status_code == 201
    put_back(store)
    store.prepare()
    store.check()
    store.prepare()
    alice = logged_in(client, "alice")
    me = client.get("/me", headers=alice.headers).json
    assert (me["kyc_status"], me["status"]) == ("pending", "active")
    assert me["number"] != client.get("/me", headers=logged_in(client, "bob").headers).json["number"]
    account = client.get("/accounts", headers=alice.headers).json["items"][0]
    assert (account["product"], account["balance"]) == ("CHECKING-USD", "5.00")
    assert client.post("/withdraw", json={"amount": 5}, headers=alice.headers).status_code == 201
    assert Reconciliation(LedgerReader(store.client, store.database)).run().difference is None


def test_an_account_that_was_closed_and_primary_is_so_no_more(client: FlaskClient, store: Store) -> None:
    alice = new_customer(client, "alice")
    store.database["accounts"].update_one({"primary_for": {"$exists": True}}, {"$set": {"status": "closed"}})
    store.prepare()
    assert client.get("/balance", headers=alice.headers).status_code == 404
    assert [each["primary"] for each in client.get("/accounts", headers=alice.headers).json["items"]] == [False]


def test_a_name_that_was_kept_before_is_found_and_stands_on_the_account(client: FlaskClient, store: Store) -> None:
    new_customer(client, "alice")
    store.database["customers"].update_one(
        {}, {"$set": {"full_name": "Alice Archer", "created_at": datetime(2026, 1, 5, tzinfo=UTC)}}
    )
    put_back(store)
    store.prepare()
    found = store.database["customers"].find_one({"search": "archer"})
    assert found is not None
    assert found["created_at"] == datetime(2026, 1, 5, tzinfo=UTC)
    assert store.accounts.list_owned(found["_id"])[0].holder_names == ("Alice Archer",)
