"""Undoing a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.accounts import base_account
from app.domain.ledger.intents import Reverse
from app.domain.ledger.records import Transaction
from app.domain.money import Money
from app.domain.operations.base import OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class Reversal(PostingOperation):
    """A transaction of opposite postings. `force` may overdraw, and so asks for a second person whatever the policy."""

    NAME = OperationName.REVERSAL

    transaction: str
    account: str
    legs: tuple[tuple[str, Money], ...]
    reason: str
    force: bool = False

    @classmethod
    def of(cls, original: Transaction, *, reason: str, force: bool) -> Self:
        legs = tuple(
            (base_account(each.account_id), Money(-each.amount, each.currency)) for each in reversed(original.postings)
        )
        return cls(transaction=original.id, account=original.account_id, legs=legs, reason=reason, force=force)

    @property
    def subject(self) -> str:
        return self.account

    @property
    def amount(self) -> Money | None:
        """Return the largest posting, where all are of one currency."""
        if len({money.currency for _, money in self.legs}) != 1:
            return None
        return max((abs(money) for _, money in self.legs), key=lambda money: money.amount_minor)

    @property
    def always_asks(self) -> bool:
        return self.force

    def payload(self) -> Payload:
        return {
            "transaction": self.transaction,
            "account": self.account,
            "legs": [
                {"account": account, "amount": str(money), "currency": money.currency} for account, money in self.legs
            ],
            "reason": self.reason,
            "force": self.force,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            transaction=payload["transaction"],
            account=payload["account"],
            legs=tuple((leg["account"], Money.read(leg["amount"], leg["currency"])) for leg in payload["legs"]),
            reason=payload["reason"],
            force=payload["force"],
        )

    def sent(self) -> Payload:
        return {"transaction": self.transaction, "reason": self.reason, "force": self.force}

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> Reverse:
        return Reverse(
            **facts,
            description=self.reason,
            transaction_id=self.transaction,
            forced_by=approval if self.force else None,
        )
