"""Branches: the places where the bank is, which accounts and staff belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from app.domain.addresses import Address
from app.domain.errors import StateConflict
from app.domain.routing import RoutingCode


class BranchStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch; a closed one keeps its accounts and takes no new ones. `version` rises with every change."""

    code: str
    name: str
    address: Address
    routing: RoutingCode | None = None
    status: BranchStatus = BranchStatus.OPEN
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def with_facts(self, facts: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the branch with another name, address or routing code.

        Raises:
            StateConflict: it is closed.
        """
        self.require_open()
        return replace(self, **facts, version=self.version + 1, updated_at=now)

    def closed(self, *, now: datetime) -> Self:
        """Return the branch as closed for good.

        Raises:
            StateConflict: it is closed already.
        """
        self.require_open()
        return replace(self, status=BranchStatus.CLOSED, version=self.version + 1, updated_at=now)

    def require_open(self) -> None:
        """Refuse what a closed branch does no more.

        Raises:
            StateConflict: it is closed.
        """
        if self.status is BranchStatus.CLOSED:
            raise StateConflict(f"The branch {self.code} is closed.")
