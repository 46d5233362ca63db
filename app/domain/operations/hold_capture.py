"""Money taken out of a hold, for another account or the bank's cash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.accounts import InternalAccount
from app.domain.ledger.intents import CaptureHold
from app.domain.money import Money
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class HoldCapture(PostingOperation):
    """So much of a hold, into `target` or the bank's cash; `final` lets the rest go.

    `takes_all` says that no amount was named. Who decides is shown what was left then, and no more is taken; without a
    second person it is what is left when it is posted.
    """

    NAME = OperationName.HOLD_CAPTURE

    hold: str
    account: str
    holders: Names
    money: Money
    takes_all: bool = False
    target: str | None = None
    target_holders: Names = ()
    final: bool | None = None

    @property
    def subject(self) -> str:
        return self.account

    @property
    def amount(self) -> Money:
        return self.money

    def payload(self) -> Payload:
        return {
            "hold": self.hold,
            "account": self.account,
            "holders": list(self.holders),
            "to": self.target,
            "to_holders": list(self.target_holders),
            "amount": str(self.money),
            "currency": self.money.currency,
            "takes_all": self.takes_all,
            "final": self.final,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            hold=payload["hold"],
            account=payload["account"],
            holders=tuple(payload["holders"]),
            target=payload["to"],
            target_holders=tuple(payload["to_holders"]),
            money=Money.read(payload["amount"], payload["currency"]),
            takes_all=payload["takes_all"],
            final=payload["final"],
        )

    def sent(self) -> Payload:
        amount = None if self.takes_all else self.money.amount_minor
        return {"hold": self.hold, "amount_minor": amount, "to": self.target, "final": self.final}

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> CaptureHold:
        return CaptureHold(
            **facts,
            hold_id=self.hold,
            amount=None if self.takes_all and approval is None else self.money.amount_minor,
            to_account_id=self.target or f"{InternalAccount.CASH}-{self.money.currency}",
            final=bool(self.final),
        )
