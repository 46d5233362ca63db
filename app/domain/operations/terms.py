"""What an account may do: its overdraft, and what bounds what leaves it. To loosen takes two people, to tighten one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.accounts import Limits
from app.domain.ledger.intents import ChangeTerms
from app.domain.money import Money
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class OverdraftChange(PostingOperation):
    """Another overdraft limit, in place of the one that counted when it was asked for."""

    NAME = OperationName.OVERDRAFT_CHANGE

    account: str
    holders: Names
    before: Money
    limit: Money

    @property
    def subject(self) -> str:
        return self.account

    @property
    def amount(self) -> Money:
        return self.limit

    @property
    def never_asks(self) -> bool:
        return self.limit.amount_minor <= self.before.amount_minor

    def payload(self) -> Payload:
        return {
            "account": self.account,
            "holders": list(self.holders),
            "currency": self.limit.currency,
            "from": str(self.before),
            "to": str(self.limit),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        before, limit = (Money.read(payload[name], payload["currency"]) for name in ("from", "to"))
        return cls(account=payload["account"], holders=tuple(payload["holders"]), before=before, limit=limit)

    def sent(self) -> Payload:
        return {"account": self.account, "limit": str(self.limit)}

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> ChangeTerms:
        return ChangeTerms(
            **facts,
            account_id=self.account,
            overdraft_limit=self.limit.amount_minor,
            expected_overdraft_limit=self.before.amount_minor,
        )


@dataclass(frozen=True, kw_only=True)
class LimitsChange(PostingOperation):
    """Other limits, in place of those that counted when it was asked for; `given` names those that were sent."""

    NAME = OperationName.LIMITS_CHANGE

    account: str
    holders: Names
    currency: str
    before: Limits
    limits: Limits
    given: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.account

    @property
    def never_asks(self) -> bool:
        pairs = zip(self.before, self.limits, strict=True)
        return all(before is None or (after is not None and after <= before) for before, after in pairs)

    def payload(self) -> Payload:
        return {
            "account": self.account,
            "holders": list(self.holders),
            "currency": self.currency,
            "from": self._shown(self.before),
            "to": self._shown(self.limits),
            "given": list(self.given),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        currency = payload["currency"]
        return cls(
            account=payload["account"],
            holders=tuple(payload["holders"]),
            currency=currency,
            before=_limits(payload["from"], currency),
            limits=_limits(payload["to"], currency),
            given=tuple(payload["given"]),
        )

    def sent(self) -> Payload:
        shown = self._shown(self.limits)
        return {"account": self.account, "limits": {name: shown[name] for name in sorted(self.given)}}

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> ChangeTerms:
        return ChangeTerms(**facts, account_id=self.account, limits=self.limits, expected_limits=self.before)

    def _shown(self, limits: Limits) -> dict[str, str | None]:
        return {
            name: None if amount is None else str(Money(amount, self.currency))
            for name, amount in limits._asdict().items()
        }


def _limits(shown: Mapping[str, str | None], currency: str) -> Limits:
    amounts = {name: None if text is None else Money.read(text, currency).amount_minor for name, text in shown.items()}
    return Limits(**amounts)
