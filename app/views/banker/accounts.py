"""Every customer's account, and cash at the counter."""

from __future__ import annotations

from typing import Any

from app.controllers import oversight
from app.controllers.balance import Balance, get_balance, get_balance_at
from app.controllers.counter import pay_out, take_in
from app.domain.account_views import AccountFilter, AccountView
from app.domain.errors import (
    AccountBlocked,
    AccountClosed,
    AccountDormant,
    AccountFrozen,
    BalanceOutOfRange,
    ClockWrong,
    DailyLimitExceeded,
    InsufficientFunds,
    NotFound,
    TimeNotSettled,
    TransactionLimitExceeded,
)
from app.domain.movements import Movement
from app.domain.paging import Page
from app.schemas.accounts import AccountBalanceOut, AccountsQuery, BalanceAtQuery, HeldAccountOut
from app.schemas.approvals import ApprovalOut
from app.schemas.base import page_of
from app.schemas.transactions import CounterMovementIn, HistoryQuery, MovementOut, OverseenMovementOut
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, idempotency_key, store, submitted

bp = Blueprint("banker_accounts", __name__, url_prefix="/banker/accounts", description="Every customer's account.")
guard(bp, BANKER)


@bp.get("")
@bp.arguments(AccountsQuery, location="query")
@bp.response(200, page_of(HeldAccountOut))
def list_accounts(query: dict[str, Any]) -> Page[AccountView]:
    """List customers' accounts with their holders, by number."""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    return oversight.list_accounts(store(), AccountFilter(**query), limit=limit, cursor=cursor)


@bp.get("/<number>")
@bp.refuses(NotFound)
@bp.response(200, HeldAccountOut)
def show_account(number: str) -> AccountView:
    """Show a customer's account with its holders."""
    return oversight.get_account(store(), number)


@bp.get("/<number>/balance")
@bp.arguments(BalanceAtQuery, location="query")
@bp.refuses(NotFound, TimeNotSettled, ClockWrong)
@bp.response(200, AccountBalanceOut)
def show_balance(query: dict[str, Any], number: str) -> Balance:
    """Show the balance of a customer's account: now, at a past instant, or at the end of a business day."""
    at = query.get("at")
    return get_balance_at(store(), actor(), number, at) if at else get_balance(store(), actor(), number)


@bp.get("/<number>/transactions")
@bp.arguments(HistoryQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(OverseenMovementOut))
def list_account_transactions(query: dict[str, Any], number: str) -> Page[oversight.OverseenLine]:
    """List the lines of a customer's account, newest first."""
    return oversight.list_transactions(store(), account=number, **query)


@bp.post("/<number>/deposit")
@bp.arguments(CounterMovementIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountFrozen, BalanceOutOfRange, NotFound)
@bp.response(201, MovementOut, instead={202: ApprovalOut})
def create_deposit(body: dict[str, str], number: str) -> Any:
    """Take cash in at the counter, for a customer's account; from a certain amount on a second person approves it."""
    return submitted(take_in(store(), actor(), Movement(**body, account=number, idempotency_key=idempotency_key())))


@bp.post("/<number>/withdraw")
@bp.arguments(CounterMovementIn)
@bp.moves_money
@bp.refuses(AccountBlocked, AccountClosed, AccountDormant, AccountFrozen, DailyLimitExceeded, InsufficientFunds)
@bp.refuses(NotFound, TransactionLimitExceeded)
@bp.response(201, MovementOut, instead={202: ApprovalOut})
def create_withdrawal(body: dict[str, str], number: str) -> Any:
    """Pay cash out at the counter, from a customer's account; from a certain amount on a second person approves it."""
    return submitted(pay_out(store(), actor(), Movement(**body, account=number, idempotency_key=idempotency_key())))
