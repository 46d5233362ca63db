"""Staff roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.actor import Role
from app.domain.errors import StateConflict
from app.domain.operations.base import EffectOperation, OperationName, Payload
from app.domain.users import User


@dataclass(frozen=True, kw_only=True)
class StaffRoleChange(EffectOperation):
    """Another role for a member of staff, if they still have the one they had when it was asked for."""

    NAME = OperationName.STAFF_ROLE_CHANGE
    ADMIN_DECIDES = True
    SUBJECT_KIND = "user"

    user: str
    username: str
    before: Role
    role: Role

    @classmethod
    def of(cls, user: User, role: Role) -> Self:
        return cls(user=user.id, username=user.username, before=user.role, role=role)

    @property
    def subject(self) -> str:
        return self.user

    def payload(self) -> Payload:
        return {"user": self.user, "username": self.username, "before": str(self.before), "role": str(self.role)}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            user=payload["user"],
            username=payload["username"],
            before=Role(payload["before"]),
            role=Role(payload["role"]),
        )

    def sent(self) -> Payload:
        return {"user": self.user, "role": str(self.role)}

    def refuse_overtaken(self, user: User) -> None:
        """Check that the user still is what they were.

        Raises:
            StateConflict: they got another role meanwhile.
        """
        if user.role is not self.before:
            raise StateConflict(f"{self.username} is {user.role} by now.")
