"""Wire shapes of accounts and balances."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from app.domain.accounts import HOLDERS_MAX, AccountStatus, AccountType
from app.domain.currencies import CURRENCY_EXPONENTS
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import (
    AccountNumber,
    AmountIn,
    Code,
    Cursor,
    InstantOrDay,
    Limit,
    MoneyOut,
    Text,
    TimestampOut,
)
from app.schemas.terms import LimitsOut

REASON_LENGTH_MAX = 500

ACCOUNT_TYPES = [str(type_) for type_ in AccountType if type_ is not AccountType.INTERNAL]
ACCOUNT_STATUSES = [str(status) for status in AccountStatus]


class Nickname(Text):
    """What its holders call an account; null is no name."""

    def __init__(self) -> None:
        description = "What the holders call the account; null for no name."
        super().__init__(min_length=1, max_length=60, allow_none=True, metadata={"description": description})


class BalanceQuery(BaseSchema):
    """Which account is meant."""

    EXAMPLE = {"account": "482915306750"}

    account = AccountNumber(metadata={"description": "Without it, the primary account."})


class BalanceOut(OutSchema):
    """An account's money; `available` is what a debit may take: balance, less holds, plus the agreed overdraft."""

    EXAMPLE = {
        "account": "482915306750",
        "currency": "USD",
        "balance": "100.00",
        "available": "75.00",
        "held": "25.00",
        "as_of": "2026-01-31T12:00:00.000Z",
    }

    account = fields.String()
    currency = fields.String()
    balance = MoneyOut()
    available = MoneyOut()
    held = MoneyOut()
    as_of = TimestampOut()


class BalanceAtQuery(BaseSchema):
    """The instant, or the business day, whose balance is meant."""

    EXAMPLE = {"at": "2026-01-31"}

    at = InstantOrDay(
        metadata={
            "description": "An instant, or a day of the bank's calendar, which means its end; some seconds ago at the"
            " latest, as postings may still be on their way. Without it, now."
        }
    )


class AccountBalanceOut(BalanceOut):
    """An account's money at an instant; of the past only the balance is kept, `available` and `held` are null."""

    EXAMPLE = {**BalanceOut.EXAMPLE, "available": None, "held": None}

    available = MoneyOut(allow_none=True)
    held = MoneyOut(allow_none=True)


class AccountOut(OutSchema):
    """An account as its holder sees it."""

    EXAMPLE = {
        "number": "482915306750",
        "iban": None,
        "nickname": "Household",
        "product": "CHECKING-USD",
        "type": "checking",
        "currency": "USD",
        "status": "active",
        "blocked": False,
        "balance": "100.00",
        "available": "75.00",
        "held": "25.00",
        "overdraft_limit": "0.00",
        "minimum_balance": "0.00",
        "limits": LimitsOut.EXAMPLE,
        "opened_at": "2026-01-31T12:00:00.000Z",
        "primary": True,
        "holder_names": ["Carol Carter"],
    }

    number = fields.String()
    iban = fields.String(
        allow_none=True, metadata={"description": "What other banks call it; null where the bank has no IBANs."}
    )
    nickname = fields.String(allow_none=True)
    product = fields.String(allow_none=True, metadata={"description": "The code of the product that it was opened as."})
    type = fields.String(validate=validate.OneOf(ACCOUNT_TYPES))
    currency = fields.String()
    status = fields.String(validate=validate.OneOf(ACCOUNT_STATUSES))
    blocked = fields.Boolean(metadata={"description": "A holder is suspended: nothing leaves the account."})
    balance = MoneyOut()
    available = MoneyOut()
    held = MoneyOut()
    overdraft_limit = MoneyOut()
    minimum_balance = MoneyOut(metadata={"description": "What must stay on the account."})
    limits = fields.Nested(LimitsOut)
    opened_at = TimestampOut()
    primary = fields.Boolean(metadata={"description": "It is meant where the holder names no account."})
    holder_names = fields.List(
        fields.String(allow_none=True), metadata={"description": "Who holds the account, as far as names are known."}
    )


class AccountChangeIn(BaseSchema):
    """What a holder changes of an account; what is left out stays."""

    EXAMPLE = {"nickname": "Household"}

    nickname = Nickname()


class OwnOpeningIn(BaseSchema):
    """A further account that a customer opens for themselves."""

    EXAMPLE = {"product": "SAVER", "nickname": "Holidays"}

    product = Code(required=True)
    nickname = Nickname()


class OpeningIn(OwnOpeningIn):
    """An account that staff open for customers."""

    EXAMPLE = {
        "product": "SAVER",
        "customers": ["0c6f1f0b9f3c4e8d"],
        "opening_deposit": "100.00",
    }

    customer = Text(min_length=1, max_length=64, metadata={"description": "The holder's customer id."})
    customers = fields.List(
        Text(min_length=1, max_length=64),
        validate=validate.Length(1, HOLDERS_MAX),
        metadata={"description": "The holders' customer ids, instead of `customer`."},
    )
    branch = Code(metadata={"description": "Without it, the branch of whoever opens the account."})
    number = AccountNumber(metadata={"description": "The number it had at another bank; without it, a new one."})
    opening_deposit = AmountIn(metadata={"description": "Cash that is paid in at once."})

    @validates_schema
    def _check_holders(self, data: dict[str, Any], **_: Any) -> None:
        if ("customer" in data) == ("customers" in data):
            raise ValidationError({"customers": ["Give either `customer` or `customers`."]})
        if len(set(data.get("customers", ()))) < len(data.get("customers", ())):
            raise ValidationError({"customers": ["Give each customer once."]})

    @post_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Name the holders in one way."""
        customer = data.pop("customer", None)
        return {**data, "customers": tuple(data.get("customers") or [customer])}


class FreezeIn(BaseSchema):
    """How an account is frozen: against debits alone, or altogether."""

    EXAMPLE = {"kind": "debits", "reason": "Card reported stolen."}

    kind = fields.String(required=True, validate=validate.OneOf(["debits", "all"]))
    reason = Text(required=True, min_length=1, max_length=REASON_LENGTH_MAX)


class OwnClosingIn(BaseSchema):
    """Where the rest of an account's money goes when it is closed: to another account of the same holder."""

    EXAMPLE = {"transfer_to": "482915306750"}

    transfer_to = AccountNumber(
        metadata={"description": "Needed where the account is not empty: another one that nobody else holds."}
    )


class ClosingIn(OwnClosingIn):
    """How staff close an account."""

    EXAMPLE = {"transfer_to": "482915306750", "reason": "Asked for by letter."}

    reason = Text(min_length=1, max_length=REASON_LENGTH_MAX)


class HolderIn(BaseSchema):
    """Who is to hold an account, too."""

    EXAMPLE = {"customer": "0c6f1f0b9f3c4e8d"}

    customer = Text(required=True, min_length=1, max_length=64, metadata={"description": "A customer's id."})


class AccountListOut(OutSchema):
    """All the accounts of a customer; they fit on one page."""

    EXAMPLE = {"items": [AccountOut.EXAMPLE], "next_cursor": None}

    items = fields.List(fields.Nested(AccountOut))
    next_cursor = fields.String(allow_none=True)


class HolderOut(OutSchema):
    """A customer, as staff see them."""

    EXAMPLE = {"id": "0c6f1f0b9f3c4e8d", "username": "carol", "full_name": "Carol Carter"}

    id = fields.String(metadata={"description": "The customer's id; the login that acts for them has another."})
    username = fields.String(allow_none=True)
    full_name = fields.String(allow_none=True)


class StatusDecisionOut(OutSchema):
    """Why an account has its present status, who asked for it, and when."""

    EXAMPLE = {
        "reason": "As the court orders.", "by": "0c6f1f0b9f3c4e8d", "at": "2026-01-31T12:00:00.000Z",
    }  # fmt: skip

    reason = fields.String(allow_none=True, metadata={"description": "Null where none was given, as by holders."})
    by = fields.String(metadata={"description": "The id of the user who asked for it."})
    at = TimestampOut()


class HeldAccountOut(AccountOut):
    """An account as staff see it: with its branch, its holders and why it has its status."""

    EXAMPLE = {
        **AccountOut.EXAMPLE, "branch": "HARBOUR", "holders": [HolderOut.EXAMPLE], "status_decision": None,
    }  # fmt: skip

    branch = fields.String(allow_none=True)
    holders = fields.List(fields.Nested(HolderOut))
    status_decision = fields.Nested(
        StatusDecisionOut, allow_none=True, metadata={"description": "Null while it is as it was opened."}
    )


class AccountsQuery(BaseSchema):
    """Which accounts staff want to see."""

    EXAMPLE = {"status": "active", "limit": 20}

    customer = Text(min_length=1, max_length=64, metadata={"description": "A customer's id."})
    status = fields.String(validate=validate.OneOf(ACCOUNT_STATUSES))
    type = fields.String(validate=validate.OneOf(ACCOUNT_TYPES))
    currency = fields.String(validate=validate.OneOf(sorted(CURRENCY_EXPONENTS)))
    product = Code()
    branch = Code()
    limit = Limit()
    cursor = Cursor(load_default=None)


class HolderListOut(OutSchema):
    """All the holders of an account; they fit on one page."""

    EXAMPLE = {"items": [HolderOut.EXAMPLE], "next_cursor": None}

    items = fields.List(fields.Nested(HolderOut))
    next_cursor = fields.String(allow_none=True)
