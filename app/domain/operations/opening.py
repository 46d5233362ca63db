"""Opening an account for customers at the counter, with cash on it from the start where they bring some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from app.domain.accounts import Account, AccountKind, AccountType, Limits
from app.domain.ledger.intents import Open
from app.domain.money import Money
from app.domain.operations.base import OperationName, Payload, PostingOperation

_OPENED_WHEN_EXECUTED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class AccountOpening(PostingOperation):
    """An account as it will be opened, and the cash that is paid in. Without cash it needs no second person.

    `is_numbered` says that the number was asked for: the account had it at another bank.
    """

    NAME = OperationName.ACCOUNT_OPENING

    account: Account
    deposit: Money | None = None
    is_numbered: bool = False

    @property
    def subject(self) -> str:
        return self.account.id

    @property
    def amount(self) -> Money | None:
        return self.deposit

    @property
    def never_asks(self) -> bool:
        return self.deposit is None

    def payload(self) -> Payload:
        account = self.account
        return {
            "account": account.id,
            "is_numbered": self.is_numbered,
            "product": account.product,
            "type": str(account.type),
            "customers": list(account.holders),
            "holders": list(account.holder_names),
            "branch": account.branch,
            "nickname": account.nickname,
            "currency": account.currency,
            "minimum_balance": str(account.money(account.minimum_balance)),
            "limits": {
                name: None if bound is None else str(account.money(bound))
                for name, bound in account.limits._asdict().items()
            },
            "opening_deposit": str(self.deposit) if self.deposit else None,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        def minor(text: str) -> int:
            return Money.read(text, payload["currency"]).amount_minor

        bounds = {name: None if text is None else minor(text) for name, text in payload["limits"].items()}
        account = Account(
            id=payload["account"],
            kind=AccountKind.CUSTOMER,
            type=AccountType(payload["type"]),
            currency=payload["currency"],
            holders=tuple(payload["customers"]),
            holder_names=tuple(payload["holders"]),
            minimum_balance=minor(payload["minimum_balance"]),
            limits=Limits(**bounds),
            product=payload["product"],
            branch=payload["branch"],
            nickname=payload["nickname"],
            opened_at=_OPENED_WHEN_EXECUTED,
        )
        cash = payload["opening_deposit"]
        deposit = Money.read(cash, payload["currency"]) if cash else None
        return cls(account=account, deposit=deposit, is_numbered=payload["is_numbered"])

    def sent(self) -> Payload:
        return {
            "number": self.account.id if self.is_numbered else None,
            "product": self.account.product,
            "customers": list(self.account.holders),
            "branch": self.account.branch,
            "nickname": self.account.nickname,
            "deposit_minor": self.deposit.amount_minor if self.deposit else None,
        }

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> Open:
        return Open(**facts, account=self.account, opening_amount=self.deposit.amount_minor if self.deposit else 0)
