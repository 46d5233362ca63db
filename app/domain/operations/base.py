"""What every staff operation that may need a second person can tell of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

from app.domain.ledger.intents import Intent
from app.domain.money import Money

Payload = dict[str, Any]
Names = tuple[str | None, ...]
"""The full names of an account's holders, in a payload a list; None for one that is not known."""


class OperationName(StrEnum):
    """The operations that go by policy; `policy_change` itself does not, and always asks."""

    COUNTER_DEPOSIT = "counter_deposit"
    COUNTER_WITHDRAWAL = "counter_withdrawal"
    BANKER_TRANSFER = "banker_transfer"
    ACCOUNT_OPENING = "account_opening"
    BULK_POSTING = "bulk_posting"
    HOLD_CAPTURE = "hold_capture"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"
    OVERDRAFT_CHANGE = "overdraft_change"
    LIMITS_CHANGE = "limits_change"
    HOLDERS_CHANGE = "holders_change"
    FX_RATE_CHANGE = "fx_rate_change"
    STAFF_ROLE_CHANGE = "staff_role_change"
    POLICY_CHANGE = "policy_change"


class Operation(ABC):
    """Something that staff ask for, complete: a second person sees `payload()` and exactly that is executed.

    Subclasses are frozen dataclasses. `ADMIN_DECIDES`: only an administrator may approve or reject it.
    `SUBJECT_KIND` says what kind of thing the subject is.
    """

    NAME: ClassVar[OperationName]
    ADMIN_DECIDES: ClassVar[bool] = False
    SUBJECT_KIND: ClassVar[str] = "account"

    @property
    @abstractmethod
    def subject(self) -> str:
        """Name what it is done to: an account's number, a user's id."""

    @property
    def amount(self) -> Money | None:
        """Return what a threshold judges; without an amount a threshold asks for a second person."""
        return None

    @property
    def always_asks(self) -> bool:
        """Tell whether it needs a second person whatever the policy says."""
        return False

    @property
    def never_asks(self) -> bool:
        """Tell whether it needs none whatever the policy says, as it only takes something away."""
        return False

    @abstractmethod
    def payload(self) -> Payload:
        """Return it as the approver sees it and as it is kept: strings, numbers, lists and objects of JSON."""

    @classmethod
    @abstractmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Return the operation that `payload()` described, the same in every field."""

    def sent(self) -> Payload:
        """Return what tells a repeated request from another one: what was asked for, without what was looked up."""
        return self.payload()


class PostingOperation(Operation):
    """An operation that is one transaction of the ledger."""

    @abstractmethod
    def intent(self, facts: Mapping[str, Any], *, approval: str | None) -> Intent:
        """Return what to post, with the facts common to all intents; `approval` names the one that allowed it."""


class EffectOperation(Operation):
    """An operation that changes other documents than the ledger's, in one transaction of its own."""
