"""Every kind of operation, by its name."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.operations.adjustment import Adjustment
from app.domain.operations.base import Operation, OperationName
from app.domain.operations.bulk_posting import BulkPosting
from app.domain.operations.cash import CounterDeposit, CounterWithdrawal
from app.domain.operations.fx_rate_change import FxRateChange
from app.domain.operations.hold_capture import HoldCapture
from app.domain.operations.holders_change import HoldersChange
from app.domain.operations.opening import AccountOpening
from app.domain.operations.policy_change import PolicyChange
from app.domain.operations.reversal import Reversal
from app.domain.operations.staff_role_change import StaffRoleChange
from app.domain.operations.terms import LimitsChange, OverdraftChange
from app.domain.operations.transfer import BankerTransfer

OPERATIONS: Mapping[OperationName, type[Operation]] = {
    each.NAME: each
    for each in (
        AccountOpening,
        Adjustment,
        BankerTransfer,
        BulkPosting,
        CounterDeposit,
        CounterWithdrawal,
        FxRateChange,
        HoldCapture,
        HoldersChange,
        LimitsChange,
        OverdraftChange,
        PolicyChange,
        Reversal,
        StaffRoleChange,
    )
}
