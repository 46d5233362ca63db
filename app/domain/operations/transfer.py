"""Transfers on a customer's behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class BankerTransfer(PostingOperation):
    """Money from one customer's account to another, in the currency of the account that it comes from."""

    NAME = OperationName.BANKER_TRANSFER

    source: str
    source_holders: Names
    target: str
    target_holders: Names
    money: Money
    description: str | None = None
    reference: str | None = None

    @property
    def subject(self) -> str:
        return self.source

    @property
    def amount(self) -> Money:
        return self.money

    def payload(self) -> Payload:
        return {
            "from": self.source,
            "from_holders": list(self.source_holders),
            "to": self.target,
            "to_holders": list(self.target_holders),
            "amount": str(self.money),
            "currency": self.money.currency,
            "description": self.description,
            "reference": self.reference,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            source=payload["from"],
            source_holders=tuple(payload["from_holders"]),
            target=payload["to"],
            target_holders=tuple(payload["to_holders"]),
            money=Money.read(payload["amount"], payload["currency"]),
            description=payload["description"],
            reference=payload["reference"],
        )

    def sent(self) -> Payload:
        return {
            "from": self.source,
            "to": self.target,
            "money": asdict(self.money),
            "description": self.description,
            "reference": self.reference,
        }

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> Post:
        amount, currency = self.money.amount_minor, self.money.currency
        told = {"reference": self.reference} if self.reference else {}
        return Post(
            **{**facts, "metadata": {**facts.get("metadata", {}), **told}},
            description=self.description,
            type=TransactionType.TRANSFER,
            account_id=self.source,
            legs=(Leg(self.source, -amount, currency), Leg(self.target, amount, currency)),
        )
