"""Transfers at the counter."""

from __future__ import annotations

from typing import Any

from app.controllers.counter import move
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    BalanceOutOfRange,
    CurrencyMismatch,
    DailyLimitExceeded,
    InsufficientFunds,
    NotFound,
    SameAccount,
    TransactionLimitExceeded,
    UnknownPayee,
)
from app.domain.transfers import TransferOrder
from app.schemas.approvals import ApprovalOut
from app.schemas.transactions import MovementOut
from app.schemas.transfers import CounterTransferIn
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, idempotency_key, store, submitted

bp = Blueprint("banker_transfers", __name__, url_prefix="/banker/transfers", description="Transfers at the counter.")
guard(bp, BANKER)


@bp.post("")
@bp.arguments(CounterTransferIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, BalanceOutOfRange, CurrencyMismatch)
@bp.refuses(DailyLimitExceeded, InsufficientFunds, NotFound, SameAccount, TransactionLimitExceeded, UnknownPayee)
@bp.response(201, MovementOut, instead={202: ApprovalOut})
def create_transfer(body: dict[str, str]) -> Any:
    """Move money on a customer's behalf to another account; from a certain amount on a second person approves it."""
    return submitted(move(store(), actor(), TransferOrder(**body, idempotency_key=idempotency_key())))
