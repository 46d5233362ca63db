"""When a staff operation needs a second person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import ValidationFailed
from app.domain.money import Money
from app.domain.operations.base import Operation, OperationName

DEFAULT_THRESHOLD = "10000"
"""In the bank's own currency; any amount of another currency asks, until an administrator sets one for it."""

_BY_AMOUNT = frozenset(
    {
        OperationName.COUNTER_DEPOSIT,
        OperationName.COUNTER_WITHDRAWAL,
        OperationName.BANKER_TRANSFER,
        OperationName.ACCOUNT_OPENING,
        OperationName.BULK_POSTING,
        OperationName.HOLD_CAPTURE,
    }
)
THRESHOLDS_MAX = 200
_HAS_AMOUNT = _BY_AMOUNT | {OperationName.REVERSAL, OperationName.ADJUSTMENT, OperationName.OVERDRAFT_CHANGE}


class Rule(StrEnum):
    """When a second person is asked."""

    NEVER = "never"
    ALWAYS = "always"
    AT_OR_ABOVE = "at_or_above"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rule for one operation. `thresholds` holds one amount per currency; a currency without one always asks."""

    operation: OperationName
    rule: Rule
    thresholds: tuple[Money, ...] = ()

    def asks(self, operation: Operation) -> bool:
        """Tell whether an operation of this name needs a second person."""
        if operation.always_asks:
            return True
        if operation.never_asks or self.rule is Rule.NEVER:
            return False
        amount = operation.amount
        if self.rule is Rule.ALWAYS or amount is None:
            return True
        threshold = {money.currency: money.amount_minor for money in self.thresholds}.get(amount.currency)
        return threshold is None or amount.amount_minor >= threshold


def default_policies(bank_currency: str) -> Mapping[OperationName, Policy]:
    """Return the policies of a bank whose administrators have not decided otherwise, in the order they are listed."""
    threshold = (Money.parse(DEFAULT_THRESHOLD, bank_currency),)
    return {
        name: Policy(name, Rule.AT_OR_ABOVE, threshold) if name in _BY_AMOUNT else Policy(name, Rule.ALWAYS)
        for name in OperationName
        if name is not OperationName.POLICY_CHANGE
    }


def refuse_senseless(policy: Policy) -> None:
    """Check that a policy says what it seems to say.

    Raises:
        ValidationFailed: thresholds without the rule that reads them or the reverse, one currency twice, or an
            operation that has no amount.
    """
    currencies = [money.currency for money in policy.thresholds]
    problem = None
    if policy.rule is not Rule.AT_OR_ABOVE and policy.thresholds:
        problem = "Only the rule at_or_above takes thresholds."
    elif policy.rule is Rule.AT_OR_ABOVE and policy.operation not in _HAS_AMOUNT:
        problem = "This operation has no amount that a threshold could judge: choose always or never."
    elif policy.rule is Rule.AT_OR_ABOVE and not policy.thresholds:
        problem = "Give a threshold for at least one currency."
    elif len(set(currencies)) < len(currencies):
        problem = "Give one threshold for each currency."
    if problem:
        raise ValidationFailed(errors={"thresholds": [problem]})
