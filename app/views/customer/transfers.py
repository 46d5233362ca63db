"""Money sent from account to account."""

from __future__ import annotations

from typing import Any

from app.controllers.transfers import transfer
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
    PayeeUnavailable,
    QuoteExpired,
    QuoteNotValid,
    QuoteUsed,
    RateLimited,
    SameAccount,
    StateConflict,
    StepUpRequired,
    TransactionLimitExceeded,
    UnknownPayee,
)
from app.domain.transfers import TransferOrder
from app.schemas.transactions import MovementOut
from app.schemas.transfers import TransferIn
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, idempotency_key, recorded, store

bp = Blueprint("transfers", __name__, url_prefix="/transfers", description="Money sent from account to account.")
guard(bp, CUSTOMER)


@bp.post("")
@bp.arguments(TransferIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, BalanceOutOfRange, CurrencyMismatch)
@bp.refuses(DailyLimitExceeded, InsufficientFunds, NotFound, PayeeUnavailable, RateLimited, SameAccount)
@bp.refuses(QuoteExpired, QuoteNotValid, QuoteUsed, StateConflict, StepUpRequired, TransactionLimitExceeded)
@bp.refuses(UnknownPayee)
@bp.response(201, MovementOut)
def create_transfer(body: dict[str, str]) -> Any:
    """Send money from one of the caller's accounts, or the primary one, to another account, theirs or anyone's."""
    done = transfer(store(), actor(), TransferOrder(**body, idempotency_key=idempotency_key()))
    return recorded(done.recorded, own=done.own)
