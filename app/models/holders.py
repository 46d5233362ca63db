"""Who holds which accounts: customers with their logins, read for staff."""

from __future__ import annotations

from collections.abc import Iterable

from pymongo.database import Database

from app.domain.account_views import Holder
from app.domain.accounts import Account
from app.models import customers, users
from app.models.collection import Document


class Holders:
    """Reads the people behind accounts, in two commands for any number of them."""

    def __init__(self, database: Database[Document]) -> None:
        self._customers = database[customers.SPEC.name]
        self._users = database[users.SPEC.name]

    def of_accounts(self, accounts: Iterable[Account]) -> dict[str, Holder]:
        """Return the holders of these accounts, by customer id."""
        ids = sorted({customer_id for account in accounts for customer_id in account.holders})
        records = {
            found["_id"]: (found.get("full_name"), found["number"])
            for found in self._customers.find({"_id": {"$in": ids}}, {"full_name": 1, "number": 1})
        }
        logins = {
            found["customer_id"]: found["username"]
            for found in self._users.find({"customer_id": {"$in": ids}}, {"customer_id": 1, "username": 1})
        }
        return {
            customer_id: Holder(customer_id, logins.get(customer_id), *records.get(customer_id, (None, None)))
            for customer_id in ids
        }
