"""What each operation shows of itself to the second person, by an example of each."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.operations.base import OperationName, Payload

_ACCOUNT, _OTHER, _TRANSACTION = "482915306750", "730184652996", "9d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a6" * 2
_MONEY = {"amount": "12000.00", "currency": "USD"}
_CASH = {"account": _ACCOUNT, "holders": ["Carol Carter"], **_MONEY, "description": None}
_NO_LIMITS = {"withdrawal": None, "withdrawal_daily": None, "transfer": None, "transfer_daily": None}
_RULE = {"rule": "at_or_above", "thresholds": [{"amount": "10000.00", "currency": "USD"}]}

PAYLOADS: Mapping[OperationName, Payload] = {
    OperationName.COUNTER_DEPOSIT: _CASH,
    OperationName.COUNTER_WITHDRAWAL: _CASH,
    OperationName.BANKER_TRANSFER: {
        "from": _ACCOUNT, "from_holders": ["Carol Carter"], "to": _OTHER, "to_holders": ["Dan Dorsey", None],
        **_MONEY, "description": "A boat", "reference": "BOAT-1",
    },
    OperationName.ACCOUNT_OPENING: {
        "account": _ACCOUNT, "is_numbered": False, "product": "SAVER", "type": "savings",
        "customers": ["0c6f1f0b9f3c4e8d"], "holders": ["Carol Carter"], "branch": None, "nickname": None,
        "currency": "USD", "minimum_balance": "0.00", "limits": _NO_LIMITS, "opening_deposit": "12000.00",
    },
    OperationName.BULK_POSTING: {
        "bulk": "5d1f0e9b8a7c6d5e4f30198f2c3a1b2c", "from": _ACCOUNT, "from_holders": ["Carol Carter"],
        "mode": "per_line", "lines": 250, "total": "31250.00", "currency": "USD", "digest": _TRANSACTION,
    },
    OperationName.HOLD_CAPTURE: {
        "hold": _TRANSACTION, "account": _ACCOUNT, "holders": ["Carol Carter"], "to": None, "to_holders": [],
        **_MONEY, "takes_all": False, "final": True,
    },
    OperationName.REVERSAL: {
        "transaction": _TRANSACTION, "account": _ACCOUNT, "holders": ["Carol Carter"],
        "legs": [
            {"account": "cash-USD", "holders": [], "amount": "100.00", "currency": "USD"},
            {"account": _ACCOUNT, "holders": ["Carol Carter"], "amount": "-100.00", "currency": "USD"},
        ],
        "reason": "Paid into the wrong account", "force": False,
    },
    OperationName.ADJUSTMENT: {
        "account": _ACCOUNT, "holders": ["Carol Carter"], "direction": "credit", "amount": "12.50", "currency": "USD",
        "reason": "Fee charged twice",
    },
    OperationName.OVERDRAFT_CHANGE: {
        "account": _ACCOUNT, "holders": ["Carol Carter"], "currency": "USD", "from": "0.00", "to": "500.00",
    },
    OperationName.LIMITS_CHANGE: {
        "account": _ACCOUNT, "holders": ["Carol Carter"], "currency": "USD",
        "from": {**_NO_LIMITS, "transfer": "1000.00"}, "to": {**_NO_LIMITS, "transfer": "5000.00"},
        "given": ["transfer"],
    },
    OperationName.HOLDERS_CHANGE: {
        "account": _ACCOUNT, "holders": ["Carol Carter"], "customer_numbers": ["C482915306750"],
        "joins": {
            "customer": "5b1e0f9a8c7d6e5f", "customer_number": "C730184652996", "full_name": "Dan Dorsey",
        },
        "leaves": None,
    },
    OperationName.FX_RATE_CHANGE: {
        "base": "EUR", "quote": "USD", "rate": "1.0875", "spread": "0.005", "valid_from": None,
        "id": "0198f2c3a1b2c5d1f0e9b8a7c6d5e4f3", "set_by": "0c6f1f0b9f3c4e8d",
    },
    OperationName.STAFF_ROLE_CHANGE: {
        "user": "0c6f1f0b9f3c4e8d", "username": "bella", "before": "banker", "role": "admin",
    },
    OperationName.POLICY_CHANGE: {
        "operation": "counter_withdrawal", "from": _RULE, "to": {"rule": "always", "thresholds": []},
    },
}  # fmt: skip


def payloads_described() -> str:
    """Return in Markdown which fields the payload of each operation has."""
    rows = (f"- `{name}`: {', '.join(f'`{field}`' for field in shown)}" for name, shown in PAYLOADS.items())
    return "\n".join(
        [
            "The operation, in full, as it will be executed. Holders are lists of full names, null for one that is not"
            " known; of the bank's own accounts they are empty. By operation:",
            "",
            *rows,
        ]
    )
