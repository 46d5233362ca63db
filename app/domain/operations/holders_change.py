"""Who holds an account: any holder may send all its money away, so to let one in or go takes two people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from app.domain.ledger.intents import ChangeHolders
from app.domain.operations.base import Names, OperationName, Payload, PostingOperation


@dataclass(frozen=True, kw_only=True)
class Member:
    """A customer who joins an account or leaves it, as they were on record when it was asked for."""

    customer: str
    customer_number: str
    full_name: str | None


@dataclass(frozen=True, kw_only=True)
class HoldersChange(PostingOperation):
    """A customer who joins an account, or one who leaves it.

    `holders` and `customer_numbers` tell, name by name, who held it when it was asked for.
    """

    NAME = OperationName.HOLDERS_CHANGE

    account: str
    holders: Names
    customer_numbers: Names
    joins: Member | None = None
    leaves: Member | None = None

    @property
    def subject(self) -> str:
        return self.account

    def payload(self) -> Payload:
        return {
            "account": self.account,
            "holders": list(self.holders),
            "customer_numbers": list(self.customer_numbers),
            "joins": asdict(self.joins) if self.joins else None,
            "leaves": asdict(self.leaves) if self.leaves else None,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        joins, leaves = (Member(**payload[name]) if payload[name] else None for name in ("joins", "leaves"))
        return cls(
            account=payload["account"],
            holders=tuple(payload["holders"]),
            customer_numbers=tuple(payload["customer_numbers"]),
            joins=joins,
            leaves=leaves,
        )

    def sent(self) -> Payload:
        return {
            "account": self.account,
            "joins": self.joins.customer if self.joins else None,
            "leaves": self.leaves.customer if self.leaves else None,
        }

    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> ChangeHolders:
        return ChangeHolders(
            **facts,
            account_id=self.account,
            add=((self.joins.customer, self.joins.full_name),) if self.joins else (),
            remove=(self.leaves.customer,) if self.leaves else (),
        )
