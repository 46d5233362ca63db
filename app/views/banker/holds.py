"""Money set aside on customers' accounts."""

from __future__ import annotations

from typing import Any

from app.controllers import holds
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    BalanceOutOfRange,
    CurrencyMismatch,
    HoldEnded,
    HoldExceeded,
    InsufficientFunds,
    NotFound,
    SameAccount,
    UnknownPayee,
)
from app.domain.holds import CaptureOrder, HoldOrder
from app.domain.ledger.records import Hold
from app.domain.paging import Page
from app.schemas.approvals import ApprovalOut
from app.schemas.base import page_of
from app.schemas.holds import CaptureIn, HoldIn, HoldsQuery, OverseenHoldOut, ReleaseIn
from app.schemas.transactions import MovementOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, idempotency_key, replayed, store, submitted

bp = Blueprint("banker_holds", __name__, url_prefix="/banker", description="Money set aside on customers' accounts.")
guard(bp, BANKER)


@bp.get("/accounts/<number>/holds")
@bp.arguments(HoldsQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(OverseenHoldOut))
def list_holds(query: dict[str, Any], number: str) -> Page[Hold]:
    """List the holds on a customer's account, newest first."""
    return holds.list_holds(store(), actor(), number, **query)


@bp.post("/accounts/<number>/holds")
@bp.arguments(HoldIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, InsufficientFunds, NotFound)
@bp.response(201, OverseenHoldOut)
def place_hold(body: dict[str, Any], number: str) -> Any:
    """Set money aside on a customer's account: the available balance falls, the balance doesn't."""
    done = holds.place_hold(store(), actor(), number, HoldOrder(**body, idempotency_key=idempotency_key()))
    return done.hold, 201, replayed(done.recorded)


@bp.get("/holds/<hold_id>")
@bp.refuses(NotFound)
@bp.response(200, OverseenHoldOut)
def show_hold(hold_id: str) -> Hold:
    """Show a hold."""
    return holds.get_hold(store(), hold_id)


@bp.post("/holds/<hold_id>/capture")
@bp.arguments(CaptureIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, BalanceOutOfRange, CurrencyMismatch)
@bp.refuses(HoldEnded, HoldExceeded, NotFound, SameAccount, UnknownPayee)
@bp.response(201, MovementOut, instead={202: ApprovalOut})
def capture_hold(body: dict[str, Any], hold_id: str) -> Any:
    """Take money out of a hold, whole or in parts, for another account or the bank's cash; much takes two people."""
    order = CaptureOrder(**body, idempotency_key=idempotency_key())
    return submitted(holds.capture_hold(store(), actor(), hold_id, order))


@bp.post("/holds/<hold_id>/release")
@bp.arguments(ReleaseIn)
@bp.moves_money
@bp.refuses(HoldEnded, NotFound)
@bp.response(200, OverseenHoldOut)
def release_hold(body: dict[str, Any], hold_id: str) -> Any:
    """End a hold: what is left of it is available again."""
    done = holds.release_hold(store(), actor(), hold_id, body.get("reason"), idempotency_key=idempotency_key())
    return done.hold, 200, replayed(done.recorded)
