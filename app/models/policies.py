"""Policies: what administrators have decided about second people; what they have not, goes by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import Int64
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.errors import StateConflict
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.domain.operations.base import OperationName
from app.domain.policies import THRESHOLDS_MAX, Policy, Rule, default_policies
from app.models.collection import CollectionSpec, Document

_DECIDABLE = [str(name) for name in OperationName if name is not OperationName.POLICY_CHANGE]

SPEC = CollectionSpec(
    "policies",
    schema={
        "required": ["rule", "thresholds", "changes"],
        "additionalProperties": False,
        "properties": {
            "_id": {"enum": _DECIDABLE},
            "rule": {"enum": [str(rule) for rule in Rule]},
            "thresholds": {
                "bsonType": "array",
                "maxItems": THRESHOLDS_MAX,
                "items": {
                    "bsonType": "object",
                    "required": ["amount", "currency"],
                    "additionalProperties": False,
                    "properties": {
                        "amount": {"bsonType": "long", "minimum": 1, "maximum": AMOUNT_MINOR_MAX},
                        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
                    },
                },
            },
            "changes": {"bsonType": "int", "minimum": 1},
        },
    },
)


class Policies:
    """The policy of each operation."""

    def __init__(self, database: Database[Document], bank_currency: str) -> None:
        self._collection = database[SPEC.name]
        self._defaults = default_policies(bank_currency)

    def get(self, name: OperationName, *, session: ClientSession | None = None) -> Policy:
        """Return the policy that counts for an operation."""
        found = self._collection.find_one({"_id": str(name)}, session=session)
        return _policy(found) if found else self._defaults.get(name, Policy(name, Rule.ALWAYS))

    def list(self) -> list[Policy]:
        """Return the policy of every operation, in one order."""
        decided = {found["_id"]: _policy(found) for found in self._collection.find({"_id": {"$in": _DECIDABLE}})}
        return [decided.get(name, default) for name, default in self._defaults.items()]

    def change(self, before: Policy, policy: Policy, *, session: ClientSession | None) -> None:
        """Put a policy in the place of the one that it was asked for against, within a transaction.

        Raises:
            StateConflict: another one counts by now.
        """
        if self.get(policy.operation, session=session) != before:
            raise StateConflict("The policy has changed since; ask for the change anew.")
        thresholds = [{"amount": Int64(money.amount_minor), "currency": money.currency} for money in policy.thresholds]
        self._collection.update_one(
            {"_id": str(policy.operation)},
            {"$set": {"rule": str(policy.rule), "thresholds": thresholds}, "$inc": {"changes": 1}},
            upsert=True,
            session=session,
        )


def _policy(found: Mapping[str, Any]) -> Policy:
    thresholds = tuple(Money(int(each["amount"]), each["currency"]) for each in found["thresholds"])
    return Policy(OperationName(found["_id"]), Rule(found["rule"]), thresholds)
