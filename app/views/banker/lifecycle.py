"""What becomes of customers' accounts: frozen, dormant, closed; and who holds them."""

from __future__ import annotations

from typing import Any

from app.controllers import holders, lifecycle
from app.domain.account_views import AccountView
from app.domain.approvals import Answered
from app.domain.errors import (
    AccountBlocked,
    AccountBusy,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    AccountHasHolds,
    AccountNotEmpty,
    BalanceOutOfRange,
    ClockWrong,
    CurrencyMismatch,
    CustomerNotActive,
    NotFound,
    OutcomeUnknown,
    SameAccount,
    ServerBusy,
    StateConflict,
    TooManyAccounts,
)
from app.domain.ledger.book import Recorded
from app.schemas.accounts import ClosingIn, FreezeIn, HeldAccountOut, HolderIn, HolderListOut
from app.schemas.approvals import ApprovalOut
from app.schemas.customers import ReasonIn
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, asked, idempotency_key, replayed, store

bp = Blueprint("banker_lifecycle", __name__, url_prefix="/banker/accounts", description="Every customer's account.")
guard(bp, BANKER)
BY_CHANGE = (AccountBusy, AccountClosed, ClockWrong, NotFound, OutcomeUnknown, ServerBusy, StateConflict)


@bp.post("/<number>/freeze")
@bp.arguments(FreezeIn)
@bp.refuses(*BY_CHANGE)
@bp.response(200, HeldAccountOut)
def freeze(body: dict[str, str], number: str) -> AccountView:
    """Let nothing leave an account any more, or move nothing on it at all."""
    return lifecycle.freeze(store(), actor(), number, **body)


@bp.post("/<number>/unfreeze")
@bp.arguments(ReasonIn)
@bp.refuses(*BY_CHANGE)
@bp.response(200, HeldAccountOut)
def unfreeze(body: dict[str, str], number: str) -> AccountView:
    """Let money move again on a frozen account."""
    return lifecycle.unfreeze(store(), actor(), number, **body)


@bp.post("/<number>/mark-dormant")
@bp.arguments(ReasonIn)
@bp.refuses(*BY_CHANGE)
@bp.response(200, HeldAccountOut)
def mark_dormant(body: dict[str, str], number: str) -> AccountView:
    """Let an account rest that nobody uses: it takes money in, and gives none."""
    return lifecycle.mark_dormant(store(), actor(), number, **body)


@bp.post("/<number>/reactivate")
@bp.arguments(ReasonIn)
@bp.refuses(*BY_CHANGE)
@bp.response(200, HeldAccountOut)
def reactivate(body: dict[str, str], number: str) -> AccountView:
    """Wake a dormant account."""
    return lifecycle.reactivate(store(), actor(), number, **body)


@bp.post("/<number>/close")
@bp.arguments(ClosingIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, AccountHasHolds, AccountNotEmpty)
@bp.refuses(BalanceOutOfRange, CurrencyMismatch, NotFound, SameAccount)
@bp.response(200, HeldAccountOut)
def close(body: dict[str, Any], number: str) -> Any:
    """Close an account for good; what is left goes to another account of one of its holders."""
    account, recorded = lifecycle.close_for_customer(
        store(), actor(), number, **{"transfer_to": None, "reason": None} | body, idempotency_key=idempotency_key()
    )
    return account, 200, replayed(recorded)


@bp.get("/<number>/holders")
@bp.refuses(NotFound)
@bp.response(200, HolderListOut)
def list_holders(number: str) -> dict[str, Any]:
    """List who holds an account, in the order in which they joined it."""
    return _list_of(number)


@bp.post("/<number>/holders")
@bp.arguments(HolderIn)
@bp.moves_money
@bp.refuses(AccountClosed, CustomerNotActive, NotFound, StateConflict, TooManyAccounts)
@bp.response(201, HolderListOut, instead={202: ApprovalOut})
def add_holder(body: dict[str, str], number: str) -> Any:
    """Let a further customer hold an account and move its money, once a second person has approved it."""
    result = holders.add_holder(store(), actor(), number, body["customer"], idempotency_key=idempotency_key())
    return _holders(number, result, 201)


@bp.delete("/<number>/holders/<customer_id>")
@bp.moves_money
@bp.refuses(AccountClosed, NotFound, StateConflict)
@bp.response(200, HolderListOut, instead={202: ApprovalOut})
def remove_holder(number: str, customer_id: str) -> Any:
    """Let a holder leave an account, which they then neither see nor move; a second person approves it."""
    result = holders.remove_holder(store(), actor(), number, customer_id, idempotency_key=idempotency_key())
    return _holders(number, result, 200)


def _list_of(number: str) -> dict[str, Any]:
    return {"items": holders.list_holders(store(), number), "next_cursor": None}


def _holders(number: str, result: Recorded | Answered, status: int) -> Any:
    """Answer with the holders as they are now, or with the approval that the change needs."""
    return asked(result) if isinstance(result, Answered) else (_list_of(number), status, replayed(result))
