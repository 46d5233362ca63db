"""Whether the books hold exactly what was acknowledged: nothing lost, nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a load does to the customers' accounts: it pays in from outside, or moves money among them."""

    DEPOSIT = "deposit"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Books:
    """What is counted before and after: transactions, the customers' money in minor units, that of the hot account."""

    transactions: int
    customers_total: int
    hot_balance: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a load claims to have done: so many acknowledged movements of one amount, and so many of unknown outcome.

    With `is_hot` all of them went to the hot account.
    """

    kind: Kind
    amount_minor: int
    is_hot: bool
    acknowledged: int
    unknown: int


def differences(claim: Claim, before: Books, after: Books) -> list[str]:
    """Name what the books say otherwise. What was acknowledged is there; of the unknown each is there once or not."""
    found = []
    moved = after.transactions - before.transactions
    most = claim.acknowledged + claim.unknown
    if not claim.acknowledged <= moved <= most:
        found.append(f"{moved} transactions, for {claim.acknowledged} acknowledged and {claim.unknown} unknown")
    paid_in = moved * claim.amount_minor if claim.kind is Kind.DEPOSIT else 0
    if after.customers_total - before.customers_total != paid_in:
        found.append(f"the customers' money rose by {after.customers_total - before.customers_total}, not {paid_in}")
    hot = after.hot_balance - before.hot_balance
    if claim.is_hot and hot != moved * claim.amount_minor:
        found.append(f"the hot account rose by {hot}, not {moved * claim.amount_minor}")
    return found
