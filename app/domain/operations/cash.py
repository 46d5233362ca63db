"""Cash at the counter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from app.domain.accounts import InternalAccount
from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class _CounterCash(PostingOperation):
    account: str
    money: Money
    description: str | None = None
    holders: Names = ()

    TYPE: ClassVar[TransactionType]

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
            "amount": str(self.money),
            "currency": self.money.currency,
            "description": self.description,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            account=payload["account"],
            money=Money.parse(payload["amount"], payload["currency"]),
            description=payload["description"],
            holders=tuple(payload["holders"]),
        )

    def sent(self) -> Payload:
        return {"account": self.account, "money": asdict(self.money), "description": self.description}

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> Post:
        amount = self.money.amount_minor if self.TYPE is TransactionType.DEPOSIT else -self.money.amount_minor
        currency = self.money.currency
        return Post(
            **facts,
            description=self.description,
            type=self.TYPE,
            account_id=self.account,
            legs=(Leg(self.account, amount, currency), Leg(f"{InternalAccount.CASH}-{currency}", -amount, currency)),
        )


class CounterDeposit(_CounterCash):
    """Cash that a customer pays in at the counter."""

    NAME = OperationName.COUNTER_DEPOSIT
    TYPE = TransactionType.DEPOSIT


class CounterWithdrawal(_CounterCash):
    """Cash that a customer is paid out at the counter."""

    NAME = OperationName.COUNTER_WITHDRAWAL
    TYPE = TransactionType.WITHDRAWAL
