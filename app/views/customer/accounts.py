"""The customer's accounts."""

from __future__ import annotations

from typing import Any

from app.controllers import accounts
from app.controllers.balance import Balance, get_balance, get_balance_at
from app.controllers.lifecycle import close_own
from app.controllers.opening import open_own
from app.domain.account_views import AccountView
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    AccountHasHolds,
    AccountNotEmpty,
    BalanceOutOfRange,
    ClockWrong,
    CurrencyMismatch,
    CustomerNotActive,
    DailyLimitExceeded,
    KycRequired,
    NotFound,
    ProductNotAvailable,
    SameAccount,
    TimeNotSettled,
    TooManyAccounts,
    TransactionLimitExceeded,
)
from app.schemas.accounts import (
    AccountBalanceOut,
    AccountChangeIn,
    AccountListOut,
    AccountOut,
    BalanceAtQuery,
    OwnClosingIn,
    OwnOpeningIn,
)
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, idempotency_key, opened, replayed, store

bp = Blueprint("accounts", __name__, url_prefix="/accounts", description="The customer's accounts.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.response(200, AccountListOut)
def list_accounts() -> dict[str, Any]:
    """List the caller's accounts."""
    return {"items": accounts.list_accounts(store(), actor()), "next_cursor": None}


@bp.post("")
@bp.arguments(OwnOpeningIn)
@bp.moves_money
@bp.refuses(CustomerNotActive, KycRequired, ProductNotAvailable, TooManyAccounts)
@bp.response(201, AccountOut)
def open_account(body: dict[str, Any]) -> Any:
    """Open a further account, of a product that customers may open by themselves."""
    return opened(open_own(store(), actor(), **body, idempotency_key=idempotency_key()))


@bp.get("/<number>")
@bp.refuses(NotFound)
@bp.response(200, AccountOut)
def show_account(number: str) -> AccountView:
    """Show one of the caller's accounts."""
    return accounts.get_account(store(), actor(), number)


@bp.patch("/<number>")
@bp.arguments(AccountChangeIn)
@bp.refuses(NotFound)
@bp.response(200, AccountOut)
def change_account(body: dict[str, Any], number: str) -> AccountView:
    """Give one of the caller's accounts a name, which all its holders see."""
    return accounts.change_account(store(), actor(), number, body)


@bp.post("/<number>/close")
@bp.arguments(OwnClosingIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, AccountHasHolds, AccountNotEmpty)
@bp.refuses(BalanceOutOfRange, CurrencyMismatch, DailyLimitExceeded, NotFound, SameAccount, TransactionLimitExceeded)
@bp.response(200, AccountOut)
def close_account(body: dict[str, Any], number: str) -> Any:
    """Close one of the caller's accounts for good; what is left goes, within its limits, to another one of theirs."""
    account, recorded = close_own(
        store(), actor(), number, transfer_to=body.get("transfer_to"), idempotency_key=idempotency_key()
    )
    return account, 200, replayed(recorded)


@bp.post("/<number>/primary")
@bp.refuses(NotFound, AccountClosed)
@bp.response(200, AccountOut)
def choose_primary(number: str) -> AccountView:
    """Let this account serve where the caller names none."""
    return accounts.choose_primary(store(), actor(), number)


@bp.get("/<number>/balance")
@bp.arguments(BalanceAtQuery, location="query")
@bp.refuses(NotFound, TimeNotSettled, ClockWrong)
@bp.response(200, AccountBalanceOut)
def show_balance(query: dict[str, Any], number: str) -> Balance:
    """Show the balance of one of the caller's accounts: now, at a past instant, or at the end of a business day."""
    at = query.get("at")
    return get_balance_at(store(), actor(), number, at) if at else get_balance(store(), actor(), number)
