"""Undoing a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from app.domain.accounts import base_account
from app.domain.ledger.intents import Reverse
from app.domain.ledger.records import Transaction
from app.domain.money import Money
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


class ReversalLeg(NamedTuple):
    """What is posted to one account, and whose that is; nobody's where it is the bank's own."""

    account: str
    holders: Names
    money: Money


@dataclass(frozen=True, kw_only=True)
class Reversal(PostingOperation):
    """A transaction of opposite postings. `force` may overdraw, and so asks for a second person whatever the policy."""

    NAME = OperationName.REVERSAL

    transaction: str
    account: str
    holders: Names
    legs: tuple[ReversalLeg, ...]
    reason: str
    force: bool = False

    @classmethod
    def of(cls, original: Transaction, names: Mapping[str, Names], *, reason: str, force: bool) -> Self:
        """Return what undoes a transaction; `names` are the holders' of each account in it."""
        legs = tuple(
            ReversalLeg(base_account(each.account_id), names[each.account_id], Money(-each.amount, each.currency))
            for each in reversed(original.postings)
        )
        return cls(
            transaction=original.id,
            account=original.account_id,
            holders=names[original.account_id],
            legs=legs,
            reason=reason,
            force=force,
        )

    @property
    def subject(self) -> str:
        return self.account

    @property
    def amount(self) -> Money | None:
        """Return the largest posting, where all are of one currency."""
        if len({leg.money.currency for leg in self.legs}) != 1:
            return None
        return max((abs(leg.money) for leg in self.legs), key=lambda money: money.amount_minor)

    @property
    def always_asks(self) -> bool:
        return self.force

    def payload(self) -> Payload:
        return {
            "transaction": self.transaction,
            "account": self.account,
            "holders": list(self.holders),
            "legs": [
                {
                    "account": leg.account,
                    "holders": list(leg.holders),
                    "amount": str(leg.money),
                    "currency": leg.money.currency,
                }
                for leg in self.legs
            ],
            "reason": self.reason,
            "force": self.force,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            transaction=payload["transaction"],
            account=payload["account"],
            holders=tuple(payload["holders"]),
            legs=tuple(
                ReversalLeg(leg["account"], tuple(leg["holders"]), Money.read(leg["amount"], leg["currency"]))
                for leg in payload["legs"]
            ),
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
