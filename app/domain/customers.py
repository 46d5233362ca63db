"""The people whom the bank serves: their records, and what may become of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from app.domain.accounts import new_account_number
from app.domain.addresses import Address
from app.domain.errors import KycIncomplete, StateConflict, ValidationFailed
from app.domain.ids import random_id

NAME_LENGTH_MAX = 200
NUMBER_PREFIX = "C"
_NUMBER_DIGITS = 12
_AGE_YEARS_MAX = 130
_NEEDED_FOR_KYC = ("full_name", "date_of_birth")
_SHOWN_FOR_KYC = (*_NEEDED_FOR_KYC, "nationality")


class CustomerStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class KycStatus(StrEnum):
    """How far the bank knows whom it serves (know your customer)."""

    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a member of staff gave a customer their present status, and when."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """What lets a person register as a customer who is there already: the digest of a code that was shown once."""

    digest: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person whom the bank serves. `version` rises with every change, and `openings` with every further account."""

    id: str
    number: str
    full_name: str | None = None
    date_of_birth: date | None = None
    email: str | None = None
    phone: str | None = None
    address: Address | None = None
    nationality: str | None = None
    kyc_status: KycStatus = KycStatus.PENDING
    kyc_decision: Decision | None = None
    status: CustomerStatus = CustomerStatus.ACTIVE
    status_decision: Decision | None = None
    invitation: Invitation | None = None
    openings: int = 0
    version: int = 1
    created_at: datetime
    updated_at: datetime

    @classmethod
    def new(cls, *, now: datetime, **facts: Any) -> Self:
        """Return a new customer with these facts.

        Raises:
            ValidationFailed: nobody was born on that day.
        """
        _require_birth(facts.get("date_of_birth"), now)
        return cls(id=random_id(), number=new_customer_number(), created_at=now, updated_at=now, **facts)

    def with_facts(self, facts: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the customer with some facts changed; who is another person by them is to be verified anew.

        Raises:
            StateConflict: the customer is closed.
            ValidationFailed: nobody was born on that day.
        """
        self.require_not_closed()
        _require_birth(facts.get("date_of_birth"), now)
        changed = self._changed(now, **facts)
        is_somebody_else = any(getattr(changed, name) != getattr(self, name) for name in _SHOWN_FOR_KYC)
        if self.kyc_status is KycStatus.VERIFIED and is_somebody_else:
            return replace(changed, kyc_status=KycStatus.PENDING, kyc_decision=None)
        return changed

    def with_own_facts(self, facts: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the customer with some facts changed by themselves.

        Raises:
            StateConflict: the customer is suspended or closed.
        """
        self.require_active()
        return self.with_facts(facts, now=now)

    def with_status(self, status: CustomerStatus, decision: Decision) -> Self:
        """Return the customer suspended, reactivated or closed.

        Raises:
            StateConflict: that is no step from their present status.
        """
        if status not in _NEXT_STATUS[self.status]:
            raise StateConflict(f"The customer is {self.status}.")
        return self._changed(decision.at, status=status, status_decision=decision, invitation=None)

    def with_kyc(self, status: KycStatus, decision: Decision) -> Self:
        """Return the customer as verified or rejected.

        Raises:
            StateConflict: they are that already, or closed.
            KycIncomplete: the record does not say whom the bank would have verified.
        """
        self.require_not_closed()
        if status is self.kyc_status:
            raise StateConflict(f"The customer is {status} already.")
        missing = [name for name in _NEEDED_FOR_KYC if getattr(self, name) is None]
        if status is KycStatus.VERIFIED and missing:
            raise KycIncomplete(errors={name: ["It is needed before KYC is verified."] for name in missing})
        return self._changed(decision.at, kyc_status=status, kyc_decision=decision)

    def with_invitation(self, invitation: Invitation, *, now: datetime) -> Self:
        """Return the customer with another invitation; one that was there is void.

        Raises:
            StateConflict: the customer is not active.
        """
        self.require_active()
        return self._changed(now, invitation=invitation)

    def with_login(self, *, now: datetime) -> Self:
        """Return the customer with their invitation used up, and maybe a first account.

        Raises:
            StateConflict: the customer is not active.
        """
        self.require_active()
        return self._changed(now, invitation=None, openings=self.openings + 1)

    @property
    def kyc_rejection(self) -> str | None:
        """Why what the customer brought does not show who they are, where it does not."""
        return self.kyc_decision.reason if self.kyc_decision and self.kyc_status is KycStatus.REJECTED else None

    def is_invited(self, now: datetime) -> bool:
        """Tell whether a person may register as this customer."""
        return self.invitation is not None and now < self.invitation.expires_at and self.status is CustomerStatus.ACTIVE

    def require_active(self) -> None:
        """Refuse to give something new to who is suspended or closed.

        Raises:
            StateConflict: the customer is not active.
        """
        if self.status is not CustomerStatus.ACTIVE:
            raise StateConflict(f"The customer is {self.status}.")

    def require_not_closed(self) -> None:
        """Refuse to change what is over.

        Raises:
            StateConflict: the customer is closed.
        """
        if self.status is CustomerStatus.CLOSED:
            raise StateConflict("The customer is closed.")

    def _changed(self, now: datetime, **facts: Any) -> Self:
        return replace(self, **facts, version=self.version + 1, updated_at=now)


_NEXT_STATUS = {
    CustomerStatus.ACTIVE: {CustomerStatus.SUSPENDED, CustomerStatus.CLOSED},
    CustomerStatus.SUSPENDED: {CustomerStatus.ACTIVE, CustomerStatus.CLOSED},
    CustomerStatus.CLOSED: set[CustomerStatus](),
}


def new_customer_number() -> str:
    """Return a random number such as C482915306750; its check digits are those of account numbers."""
    return f"{NUMBER_PREFIX}{new_account_number(_NUMBER_DIGITS)}"


def _require_birth(day: date | None, now: datetime) -> None:
    if day is not None and not (now.year - _AGE_YEARS_MAX <= day.year and day <= now.date()):
        raise ValidationFailed(errors={"date_of_birth": ["Give a day in the past, on which a living person was born."]})
