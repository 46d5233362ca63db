"""Products: what kinds of account the bank offers, and on which terms. An account takes its terms along when opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from app.domain.accounts import Account, AccountKind, AccountType, Limits
from app.domain.errors import StateConflict
from app.domain.money import Money

FEES_MAX = 20


class ProductStatus(StrEnum):
    OFFERED = "offered"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Fee:
    """What the bank takes for something, in minor units of the product's currency."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A kind of account. Amounts are minor units of `currency`; `interest_rate` is per cent a year, in plain decimals.

    `overdraft_max` is the most that an account of it may be granted: it begins with none. `version` rises with every
    change, which concerns accounts that are opened from then on.
    """

    code: str
    name: str
    type: AccountType
    currency: str
    minimum_balance: int = 0
    overdraft_max: int = 0
    limits: Limits = field(default_factory=Limits)
    interest_rate: str = "0"
    fees: tuple[Fee, ...] = ()
    self_service: bool = False
    status: ProductStatus = ProductStatus.OFFERED
    version: int = 1
    created_at: datetime
    updated_at: datetime

    @classmethod
    def default(cls, currency: str, *, now: datetime) -> Self:
        """Return the product of first accounts, as a new bank offers it: without limits or fees, for everyone."""
        return cls(
            code=default_product_code(currency),
            name=f"Checking account in {currency}",
            type=AccountType.CHECKING,
            currency=currency,
            self_service=True,
            created_at=now,
            updated_at=now,
        )

    def with_facts(self, facts: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the product with other terms; what an account has taken along stays as it is.

        Raises:
            StateConflict: it is withdrawn.
        """
        self._require_offered()
        return replace(self, **facts, version=self.version + 1, updated_at=now)

    def withdrawn(self, *, now: datetime) -> Self:
        """Return the product as no longer offered.

        Raises:
            StateConflict: it is withdrawn already.
        """
        self._require_offered()
        return replace(self, status=ProductStatus.WITHDRAWN, version=self.version + 1, updated_at=now)

    def new_account(self, number: str, holders: Mapping[str, str | None], *, now: datetime, **facts: Any) -> Account:
        """Return an account of this product, empty and on its terms, for customers by id with their names."""
        return Account(
            id=number,
            kind=AccountKind.CUSTOMER,
            type=self.type,
            currency=self.currency,
            holders=tuple(holders),
            holder_names=tuple(holders.values()),
            minimum_balance=self.minimum_balance,
            limits=self.limits,
            product=self.code,
            opened_at=now,
            **facts,
        )

    def money(self, amount_minor: int | None) -> Money | None:
        return None if amount_minor is None else Money(amount_minor, self.currency)

    def _require_offered(self) -> None:
        if self.status is ProductStatus.WITHDRAWN:
            raise StateConflict(f"The product {self.code} is withdrawn.")


def default_product_code(currency: str) -> str:
    """Name the product that the first accounts in a currency are of."""
    return f"CHECKING-{currency}"
