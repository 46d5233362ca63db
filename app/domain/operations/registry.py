"""Every kind of operation, by its name."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.operations.base import Operation, OperationName
from app.domain.operations.cash import CounterDeposit, CounterWithdrawal
from app.domain.operations.policy_change import PolicyChange
from app.domain.operations.reversal import Reversal

OPERATIONS: Mapping[OperationName, type[Operation]] = {
    each.NAME: each for each in (CounterDeposit, CounterWithdrawal, Reversal, PolicyChange)
}
