"""Who acts: the verified identity behind a request. Built from a token (or the command line), never from a body."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import Forbidden


class Role(StrEnum):
    CUSTOMER = "customer"
    BANKER = "banker"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A logged-in user. `customer_id` is set for customers alone, `branch` for staff who belong to one."""

    user_id: str
    username: str
    role: Role
    session_id: str
    customer_id: str | None = None
    branch: str | None = None

    def as_customer(self) -> str:
        """Return the id of the customer that the actor acts for.

        Raises:
            Forbidden: the actor is no customer.
        """
        if self.customer_id is None:
            raise Forbidden
        return self.customer_id

    @property
    def is_staff(self) -> bool:
        return self.role is not Role.CUSTOMER
