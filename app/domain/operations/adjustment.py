"""Putting a balance right by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from app.domain.accounts import InternalAccount
from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class Adjustment(PostingOperation):
    """Money into an account (`credit`) or out of it (`debit`), against the bank's own adjustment account."""

    NAME = OperationName.ADJUSTMENT

    account: str
    holders: Names
    direction: str
    money: Money
    reason: str

    @property
    def subject(self) -> str:
        return self.account

    @property
    def amount(self) -> Money:
        return self.money

    def payload(self) -> Payload:
        return {
            "account": self.account,
            "holders": list(self.holders),
            "direction": self.direction,
            "amount": str(self.money),
            "currency": self.money.currency,
            "reason": self.reason,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            account=payload["account"],
            holders=tuple(payload["holders"]),
            direction=payload["direction"],
            money=Money.read(payload["amount"], payload["currency"]),
            reason=payload["reason"],
        )

    def sent(self) -> Payload:
        return {
            "account": self.account,
            "direction": self.direction,
            "money": asdict(self.money),
            "reason": self.reason,
        }

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> Post:
        amount = self.money.amount_minor if self.direction == "credit" else -self.money.amount_minor
        currency = self.money.currency
        against = f"{InternalAccount.ADJUSTMENT}-{currency}"
        return Post(
            **facts,
            description=self.reason,
            type=TransactionType.ADJUSTMENT,
            account_id=self.account,
            legs=(Leg(self.account, amount, currency), Leg(against, -amount, currency)),
        )
