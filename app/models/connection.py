"""The one MongoDB client of a process, with the settings that money needs, and what its errors mean to a caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import MongoClient, WriteConcern
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)
from pymongo.monitoring import CommandListener

from app.domain.errors import BankError, DatabaseUnavailable, InternalError, OutcomeUnknown, ServerBusy
from app.models.collection import Document
from app.models.member_clocks import MemberClocks

MAJORITY = WriteConcern("majority", j=True)
POOL_SIZE_MAX = 100
_UNAVAILABLE_CODES = frozenset({6, 7, 50, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
"""Time limit, network, shutdown, stepping down, not primary, no majority yet: the server is going away or is not the
one to ask. All that MongoDB's specification of retryable reads lists are among them: it lists what passes."""
_CONFLICT_CODES = frozenset({24, 112, 246, 251})
"""LockTimeout, WriteConflict, SnapshotUnavailable, NoSuchTransaction (the server gave an old transaction up)."""


def connect(
    uri: str, *, timeout_ms: int, app_name: str = "bank", listeners: Sequence[CommandListener] = ()
) -> MongoClient[Document]:
    """Return a lazy client: majority and journaled writes, majority reads from the primary, and no endless wait.

    It also listens to what time the members have; see `clock_guard`.
    """
    options: dict[str, Any] = {
        "serverSelectionTimeoutMS": timeout_ms,
        "connectTimeoutMS": timeout_ms,
        "waitQueueTimeoutMS": timeout_ms,
        "timeoutMS": 2 * timeout_ms,
        "heartbeatFrequencyMS": 500,
        "maxPoolSize": POOL_SIZE_MAX,
        "retryWrites": True,
        "retryReads": True,
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "tz_aware": True,
        "appname": app_name,
        "event_listeners": [MemberClocks(), *listeners],
        "connect": False,
    }
    return MongoClient(uri, **options)


def as_bank_error(error: PyMongoError) -> BankError:
    """Say what a driver's error means to a caller, without the driver's words."""
    if error.has_error_label("UnknownTransactionCommitResult"):
        return OutcomeUnknown(retry_after_s=1)
    if is_unavailable(error):
        return DatabaseUnavailable(retry_after_s=1)
    if is_conflict(error) or error.has_error_label("TransientTransactionError"):
        return ServerBusy(retry_after_s=1)  # somebody else had what was wanted for as long as there was time
    return InternalError()


def is_unavailable(error: PyMongoError) -> bool:
    """Tell whether the database could not be reached or did not answer in time, so that trying later makes sense."""
    if isinstance(error, ConnectionFailure | NetworkTimeout | ServerSelectionTimeoutError | WaitQueueTimeoutError):
        return True
    if isinstance(error, ExecutionTimeout | WTimeoutError) or error.timeout:
        return True
    return isinstance(error, OperationFailure) and error.code in _UNAVAILABLE_CODES


def is_conflict(error: PyMongoError) -> bool:
    """Tell whether somebody else holds what was wanted: nothing happened, and it may be tried again at once."""
    return isinstance(error, OperationFailure) and error.code in _CONFLICT_CODES
