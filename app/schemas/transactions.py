"""Wire shapes of deposits, withdrawals and the history."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.domain.history import HistoryFilter
from app.domain.ledger.records import TYPES_WITH_ENTRIES, TransactionType
from app.schemas.accounts import HolderOut
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import AccountNumber, AmountIn, Cursor, Flag, Limit, MoneyOut, Text, TimestampIn, TimestampOut

TRANSACTION_TYPES = [str(type_) for type_ in TransactionType]
LINE_TYPES = [str(type_) for type_ in TYPES_WITH_ENTRIES]
DESCRIPTION_LENGTH_MAX = 140
DIRECTIONS = ["credit", "debit"]
_BESIDE_ENTRY = frozenset({"reference", "counterparty", "exchange", "reverses", "reversed_by", "customer"})


class CounterMovementIn(BaseSchema):
    """Cash paid in or out."""

    EXAMPLE = {"amount": "100.00", "description": "Salary"}

    amount = AmountIn(required=True)
    description = Text(max_length=DESCRIPTION_LENGTH_MAX, metadata={"description": "Shown in the history."})


class MovementIn(CounterMovementIn):
    """Cash paid into or out of one of the caller's accounts."""

    EXAMPLE = {"amount": "100.00", "description": "Salary"}

    account = AccountNumber(metadata={"description": "Without it, the primary account."})


class CounterpartyOut(OutSchema):
    """Whose account money came from or went to, as far as the caller may know."""

    EXAMPLE = {"name": "B*** B***", "account": "********0161"}

    name = fields.String(allow_none=True, metadata={"description": "The holders' names, masked, where they are known."})
    account = fields.String(metadata={"description": "Masked, save where it is the caller's own; staff see it whole."})


class ExchangeOut(OutSchema):
    """What an exchange made of the amount: what moved on the other side, in its currency."""

    EXAMPLE = {
        "rate": "0.919526", "amount": "91.95", "currency": "EUR", "quote": "5d1f0e9b8a7c6d5e4f30198f2c3a1b2c",
    }  # fmt: skip

    rate = fields.String(
        metadata={"description": "What one unit of what was sent gave, spread taken off, to 12 digits."}
    )
    amount = fields.String()
    currency = fields.String()
    quote = fields.String(metadata={"description": "The id of the quote that promised it."})


class MovementOut(OutSchema):
    """One line of an account."""

    EXAMPLE = {
        "id": "0198f2c3a1b20000000c5d1f0e9b8a7c6d5e",
        "transaction_id": "9d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a69d5e3ecdeeb7a1f7c2a0b7e3f1d2c4a6",
        "account": "482915306750",
        "seq": 12,
        "type": "deposit",
        "direction": "credit",
        "amount": "100.00",
        "currency": "USD",
        "balance_after": "350.00",
        "description": "Salary",
        "reference": None,
        "counterparty": None,
        "exchange": None,
        "created_at": "2026-01-31T12:00:00.000Z",
    }

    id = fields.String(metadata={"description": "The line's id."})
    transaction_id = fields.String(metadata={"description": "The transaction that it belongs to."})
    account = fields.String(attribute="account_id")
    seq = fields.Integer(metadata={"description": "The line's number on its account: 1, 2, 3, without a gap."})
    type = fields.String(validate=validate.OneOf(LINE_TYPES))
    direction = fields.String(validate=validate.OneOf(DIRECTIONS))
    amount = MoneyOut(attribute="absolute_amount")
    currency = fields.String()
    balance_after = MoneyOut(attribute="money_after")
    description = fields.String(allow_none=True)
    reference = fields.String(
        allow_none=True, metadata={"description": "What a transfer was sent with, for both sides."}
    )
    counterparty = fields.Nested(
        CounterpartyOut, allow_none=True, metadata={"description": "Null where there is none, as with cash."}
    )
    exchange = fields.Nested(
        ExchangeOut, allow_none=True, metadata={"description": "Null where the other side has the same currency."}
    )
    created_at = TimestampOut()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read what the line has beside its entry from the line, and the rest from the entry.

        By name alone: marshmallow would first try the entry, which is a tuple, by index, and fail for each field.
        """
        return getattr(obj if attr in _BESIDE_ENTRY else obj.entry, attr, default)


class LineOut(MovementOut):
    """One line of an account, with what its transaction reverses or what reversed it."""

    EXAMPLE = {**MovementOut.EXAMPLE, "reverses": None, "reversed_by": None}

    reverses = fields.String(allow_none=True, metadata={"description": "A transaction's id."})
    reversed_by = fields.String(allow_none=True, metadata={"description": "A transaction's id."})


class HistoryQuery(BaseSchema):
    """What is wanted of the history. Bounds are inclusive; amounts are absolute."""

    EXAMPLE = {"type": "deposit", "min_amount": "10.00", "limit": 20}

    type = fields.String(validate=validate.OneOf(LINE_TYPES))
    since = TimestampIn(data_key="from")
    until = TimestampIn(data_key="to", end_of_day=True)
    min_amount = AmountIn()
    max_amount = AmountIn()
    limit = Limit()
    cursor = Cursor(load_default=None)

    @post_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Put what narrows the history into one filter, checked as a whole."""
        given = {name: data.pop(name) for name in tuple(data) if name in HistoryFilter.__dataclass_fields__}
        if "type" in given:
            given["type"] = TransactionType(given["type"])
        return {**data, "wanted": HistoryFilter(**given)}


class OwnHistoryQuery(HistoryQuery):
    """What a customer wants of their history; `idempotency_key` finds what a key did and excludes everything else."""

    EXAMPLE = {"account": "482915306750", "direction": "debit"}

    account = AccountNumber(metadata={"description": "Without it, all of the caller's accounts."})
    direction = fields.String(validate=validate.OneOf(DIRECTIONS))
    idempotency_key = Text(min_length=1, max_length=255)


class OverseenHistoryQuery(HistoryQuery):
    """What staff want of all customers' history."""

    EXAMPLE = {"type": "withdrawal", "min_amount": "1000"}

    account = AccountNumber()
    customer = Text(min_length=1, max_length=64, metadata={"description": "A customer's id."})


class OverseenMovementOut(MovementOut):
    """A line of a customer's account, with the customer (the first of its holders)."""

    EXAMPLE = {**MovementOut.EXAMPLE, "customer": HolderOut.EXAMPLE}

    customer = fields.Nested(HolderOut)


class LegOut(OutSchema):
    """One side of a transaction; the bank's own accounts go by name, such as `cash-USD`."""

    EXAMPLE = {
        "id": MovementOut.EXAMPLE["id"],
        "account": "482915306750",
        "seq": 12,
        "direction": "credit",
        "amount": "100.00",
        "currency": "USD",
        "balance_after": "350.00",
    }

    id = fields.String()
    account = fields.String(attribute="account_name")
    seq = fields.Integer()
    direction = fields.String(validate=validate.OneOf(DIRECTIONS))
    amount = MoneyOut(attribute="absolute_amount")
    currency = fields.String()
    balance_after = MoneyOut(attribute="money_after")


class TransactionOut(OutSchema):
    """A whole transaction. What moves no money, such as a hold, has no legs."""

    EXAMPLE = {
        "id": MovementOut.EXAMPLE["transaction_id"],
        "type": "deposit",
        "account": "482915306750",
        "description": "Salary",
        "legs": [LegOut.EXAMPLE, {**LegOut.EXAMPLE, "account": "cash-USD", "direction": "debit", "seq": 90210,
                                  "balance_after": "-52360.00"}],
        "initiated_by": "0c6f1f0b9f3c4e8d",
        "channel": "api",
        "business_date": "2026-01-31",
        "value_date": "2026-01-31",
        "reverses": None,
        "reversed_by": None,
        "approval": None,
        "forced_by": None,
        "exchange": None,
        "created_at": "2026-01-31T12:00:00.000Z",
    }  # fmt: skip

    id = fields.String(attribute="transaction.id")
    type = fields.String(attribute="transaction.type", validate=validate.OneOf(TRANSACTION_TYPES))
    account = fields.String(attribute="transaction.account_id", metadata={"description": "The account acted upon."})
    description = fields.String(attribute="transaction.description", allow_none=True)
    legs = fields.List(fields.Nested(LegOut), attribute="entries")
    initiated_by = fields.String(
        attribute="transaction.initiated_by", metadata={"description": "The id of the user who asked for it."}
    )
    channel = fields.String(attribute="transaction.channel", metadata={"description": "`api`, `counter` or `bulk`."})
    business_date = fields.String(attribute="transaction.business_date")
    value_date = fields.String(attribute="transaction.value_date")
    reverses = fields.String(attribute="transaction.reverses", allow_none=True)
    reversed_by = fields.String(allow_none=True)
    approval = fields.String(
        attribute="transaction.metadata.approval",
        allow_none=True,
        dump_default=None,
        metadata={"description": "The approval that allowed it, or that it asks for."},
    )
    forced_by = fields.String(
        attribute="transaction.forced_by",
        allow_none=True,
        metadata={"description": "The approval that let it take more than was available."},
    )
    exchange = fields.Nested(
        ExchangeOut, allow_none=True, metadata={"description": "As seen from the account acted upon; null without one."}
    )
    created_at = TimestampOut(attribute="transaction.created_at")


class ReversalIn(BaseSchema):
    """Why a transaction is undone."""

    EXAMPLE = {"reason": "Paid into the wrong account"}

    reason = Text(required=True, min_length=1, max_length=DESCRIPTION_LENGTH_MAX)
    force = Flag(
        load_default=False,
        metadata={"description": "It may take more than is available: then somebody approves it in any case."},
    )


class AdjustmentIn(BaseSchema):
    """A balance put right by hand."""

    EXAMPLE = {
        "account": "482915306750",
        "amount": "12.50",
        "direction": "credit",
        "reason": "Fee charged twice",
    }

    account = AccountNumber(required=True)
    amount = AmountIn(required=True)
    direction = fields.String(
        required=True, validate=validate.OneOf(DIRECTIONS), metadata={"description": "`credit` pays into the account."}
    )
    reason = Text(required=True, min_length=1, max_length=DESCRIPTION_LENGTH_MAX)
