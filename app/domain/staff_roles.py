"""Which role somebody may get, and by whom."""

from __future__ import annotations

from app.domain.actor import Role
from app.domain.errors import OwnAccess, StateConflict
from app.domain.users import User

STAFF_ROLES = (Role.BANKER, Role.ADMIN)


def refuse_senseless_role(user: User, role: Role) -> None:
    """Check that a user may get another role.

    Raises:
        StateConflict: a customer can't become staff, nor staff a customer: their accounts are what tells them apart.
    """
    if Role.CUSTOMER in (role, user.role):
        raise StateConflict("A customer can't become staff, nor staff a customer; create another user.")


def refuse_oneself(actor_id: str, user_id: str) -> None:
    """Check that somebody decides about another's access and not about their own.

    Raises:
        OwnAccess: it is their own.
    """
    if actor_id == user_id:
        raise OwnAccess
