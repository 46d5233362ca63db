"""Deciding anew when a second person is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.money import Money
from app.domain.operations.base import EffectOperation, OperationName, Payload
from app.domain.policies import Policy, Rule


@dataclass(frozen=True, kw_only=True)
class PolicyChange(EffectOperation):
    """Another policy in place of the one that counted when it was asked for. It always needs a second person."""

    NAME = OperationName.POLICY_CHANGE
    ADMIN_DECIDES = True
    SUBJECT_KIND = "policy"

    policy: Policy
    before: Policy

    @property
    def subject(self) -> str:
        return self.policy.operation

    def payload(self) -> Payload:
        return {"operation": str(self.policy.operation), "from": _rule_of(self.before), "to": _rule_of(self.policy)}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        name = OperationName(payload["operation"])
        return cls(policy=_policy(name, payload["to"]), before=_policy(name, payload["from"]))

    def sent(self) -> Payload:
        return {"operation": str(self.policy.operation), "to": _rule_of(self.policy)}


def _rule_of(policy: Policy) -> Payload:
    thresholds = [{"amount": str(money), "currency": money.currency} for money in policy.thresholds]
    return {"rule": str(policy.rule), "thresholds": thresholds}


def _policy(name: OperationName, said: Mapping[str, Any]) -> Policy:
    thresholds = tuple(Money.parse(each["amount"], each["currency"]) for each in said["thresholds"])
    return Policy(name, Rule(said["rule"]), thresholds)
