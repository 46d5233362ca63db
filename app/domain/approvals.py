"""Approvals: what one member of staff asks for and another decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from app.domain.actor import Role
from app.domain.errors import (
    ApprovalDecided,
    ApprovalExpired,
    Forbidden,
    IdempotencyMismatch,
    MakerIsChecker,
    StateConflict,
)
from app.domain.operations.base import OperationName
from app.domain.operations.registry import OPERATIONS
from app.domain.staff_roles import refuse_oneself
from app.domain.users import User


class ApprovalStatus(StrEnum):
    """How it stands with an approval; all but the first are ends."""

    PENDING = "pending"
    EXECUTED = "executed"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Person(NamedTuple):
    """A member of staff, by the name they had then."""

    id: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided, when and how, with what words; `key` tells their repeated request from a second decision."""

    by: Person
    at: datetime
    approves: bool
    comment: str | None = None
    key: str

    def repeats(self, earlier: Decision | None) -> bool:
        """Tell whether this is the request of an earlier decision, sent again.

        Raises:
            IdempotencyMismatch: the key is that decision's, but the request is another.
        """
        if earlier is None or (self.by.id, self.key) != (earlier.by.id, earlier.key):
            return False
        if (self.approves, self.comment) != (earlier.approves, earlier.comment):
            raise IdempotencyMismatch
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request of one member of staff, kept as it will be executed until another has decided.

    `request_id` is the transaction that recorded the asking, with a digest of it: the ledger's records never change, so
    nobody can alter unseen what is about to be approved. `failure` is the code of the error that refused it.
    """

    id: str
    request_id: str
    operation: OperationName
    subject: str
    payload: Mapping[str, Any]
    requested_by: Person
    requested_at: datetime
    expires_at: datetime
    branch: str | None = None
    status: ApprovalStatus = ApprovalStatus.PENDING
    decision: Decision | None = None
    transaction_id: str | None = None
    failure: str | None = None

    @property
    def digest(self) -> str:
        """Return a digest of all that a decision relies on."""
        relied_upon = [
            self.id, self.request_id, self.operation, self.subject, self.payload, self.requested_by,
            self.requested_at.isoformat(), self.expires_at.isoformat(), self.branch,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(relied_upon, sort_keys=True).encode()).hexdigest()

    @property
    def deciding_roles(self) -> frozenset[Role]:
        """Return the roles that may decide, and that whoever asked must still have."""
        staff = {Role.ADMIN} if OPERATIONS[self.operation].ADMIN_DECIDES else {Role.ADMIN, Role.BANKER}
        return frozenset(staff)

    def at(self, now: datetime) -> ApprovalStatus:
        """Return the status at an instant: what nobody decided in time has expired, whether noted yet or not."""
        is_late = self.status is ApprovalStatus.PENDING and self.expires_at <= now
        return ApprovalStatus.EXPIRED if is_late else self.status


@dataclass(frozen=True, slots=True)
class Answered:
    """An approval as it stands. `replayed`: an earlier request with the same key had led to this already."""

    approval: Approval
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFilter:
    """Which approvals are wanted; None asks for any."""

    status: ApprovalStatus | None = None
    operation: OperationName | None = None
    requested_by: str | None = None


def refuse_decider(approval: Approval, decider: User) -> None:
    """Check that a member of staff may decide, by what they are now, not by what their token says.

    Raises:
        MakerIsChecker: they asked for it themselves.
        OwnAccess: it is about their own role.
        Forbidden: their role does not decide this, or they are disabled.
    """
    if decider.id == approval.requested_by.id:
        raise MakerIsChecker
    refuse_oneself(decider.id, approval.subject)
    if decider.disabled or decider.role not in approval.deciding_roles:
        raise Forbidden


def refuse_undecidable(approval: Approval, now: datetime) -> None:
    """Check that there is still something to decide.

    Raises:
        ApprovalDecided: it has ended.
        ApprovalExpired: nobody decided in time.
    """
    status = approval.at(now)
    if status is ApprovalStatus.EXPIRED:
        raise ApprovalExpired
    if status is not ApprovalStatus.PENDING:
        raise ApprovalDecided(f"This approval has ended: {status}.")


def refuse_departed_maker(approval: Approval, maker: User) -> None:
    """Check that whoever asked may still ask: what a dismissed colleague left behind is asked for anew or rejected.

    Raises:
        StateConflict: they are disabled, or have another role.
    """
    if maker.disabled or maker.role not in approval.deciding_roles:
        raise StateConflict("Whoever asked for this may do so no longer; it can only be rejected.")
