"""Who may log in, and the customer that a login acts for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.domain.actor import Role
from app.domain.customers import Customer


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A bcrypt hash and the version of the pepper beneath it."""

    hash: str = field(repr=False)
    pepper_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A login. `epoch` rises whenever what was granted before must end; customers alone have a `customer_id`.

    `branch` is the code of the branch that a member of staff belongs to.
    """

    id: str
    username: str
    canonical: str
    role: Role
    password: PasswordHash
    disabled: bool = False
    epoch: int = 0
    customer_id: str | None = None
    branch: str | None = None
    created_at: datetime

    @property
    def is_staff(self) -> bool:
        return self.role is not Role.CUSTOMER


@dataclass(frozen=True, slots=True)
class Profile:
    """A login, and the customer that it acts for; staff act for none."""

    user: User
    customer: Customer | None = None
