"""Customers: their records, how they are found, and what is decided about them."""

from __future__ import annotations

from typing import Any

from app.controllers import customers, oversight
from app.domain.account_views import AccountView
from app.domain.customers import KycStatus
from app.domain.errors import (
    AccountBusy,
    ClockWrong,
    KycIncomplete,
    NotFound,
    OutcomeUnknown,
    ServerBusy,
    StateConflict,
)
from app.domain.paging import Page
from app.domain.reset_codes import ResetCode
from app.schemas.accounts import HeldAccountOut
from app.schemas.auth import ResetCodeOut
from app.schemas.base import page_of
from app.schemas.customers import (
    CustomerChangeIn,
    CustomerIn,
    CustomerOut,
    CustomersQuery,
    CustomerSummaryOut,
    InvitedCustomerOut,
    PageQuery,
    ReasonIn,
)
from app.schemas.transactions import HistoryQuery, OverseenMovementOut
from app.views.blueprint import Blueprint
from app.views.etags import if_match, tagged
from app.views.guards import BANKER, guard
from app.views.http import actor, store

bp = Blueprint(
    "banker_customers", __name__, url_prefix="/banker/customers", description="The people whom the bank serves."
)
guard(bp, BANKER)


@bp.post("")
@bp.arguments(CustomerIn)
@bp.versioned
@bp.refuses(ServerBusy)
@bp.response(201, InvitedCustomerOut)
def create_customer(body: dict[str, Any]) -> Any:
    """Make a customer without a login; with `invite`, also a code with which the person registers onto this record."""
    invite = body.pop("invite")
    return tagged(customers.create_customer(store(), actor(), body, invite=invite), 201)


@bp.get("")
@bp.arguments(CustomersQuery, location="query")
@bp.response(200, page_of(CustomerSummaryOut))
def list_customers(query: dict[str, Any]) -> Page[customers.CustomerView]:
    """List customers, or find them by the beginnings of name, number, e-mail address or phone number."""
    return customers.list_customers(store(), **query)


@bp.get("/<customer_id>")
@bp.versioned
@bp.refuses(NotFound)
@bp.response(200, CustomerOut)
def show_customer(customer_id: str) -> Any:
    """Show a customer."""
    return tagged(customers.get_customer(store(), customer_id))


@bp.patch("/<customer_id>")
@bp.arguments(CustomerChangeIn)
@bp.changes_version
@bp.refuses(NotFound, StateConflict)
@bp.response(200, CustomerOut)
def change_customer(body: dict[str, Any], customer_id: str) -> Any:
    """Change what the bank knows of a customer. Another name, date of birth or nationality of a verified customer
    makes their KYC pending again."""
    return tagged(customers.change_facts(store(), actor(), customer_id, body, version=if_match()))


@bp.post("/<customer_id>/invitation")
@bp.versioned
@bp.refuses(NotFound, StateConflict)
@bp.response(201, InvitedCustomerOut)
def create_invitation(customer_id: str) -> Any:
    """Make a new code with which a customer who has no login registers; the code before is void."""
    return tagged(customers.invite_customer(store(), actor(), customer_id), 201)


@bp.post("/<customer_id>/reset-password")
@bp.refuses(NotFound, StateConflict)
@bp.response(201, ResetCodeOut)
def reset_password(customer_id: str) -> ResetCode:
    """Make a code for a customer who has forgotten their password; the code before is void."""
    return customers.reset_password(store(), actor(), customer_id)


@bp.get("/<customer_id>/accounts")
@bp.arguments(PageQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(HeldAccountOut))
def list_customer_accounts(query: dict[str, Any], customer_id: str) -> Page[AccountView]:
    """List a customer's accounts, by number."""
    return oversight.list_accounts_of(store(), customer_id, **query)


@bp.get("/<customer_id>/transactions")
@bp.arguments(HistoryQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(OverseenMovementOut))
def list_customer_transactions(query: dict[str, Any], customer_id: str) -> Page[oversight.OverseenLine]:
    """List the lines of a customer's accounts, newest first."""
    return oversight.list_transactions_of(store(), customer_id, **query)


@bp.post("/<customer_id>/suspend")
@bp.arguments(ReasonIn)
@bp.versioned
@bp.refuses(NotFound, StateConflict, AccountBusy, OutcomeUnknown, ClockWrong)
@bp.response(200, CustomerOut)
def suspend(body: dict[str, str], customer_id: str) -> Any:
    """Suspend a customer: they log in and read, and nothing leaves their accounts from now on."""
    return tagged(customers.suspend(store(), actor(), customer_id, **body))


@bp.post("/<customer_id>/reactivate")
@bp.arguments(ReasonIn)
@bp.versioned
@bp.refuses(NotFound, StateConflict, AccountBusy, OutcomeUnknown, ClockWrong)
@bp.response(200, CustomerOut)
def reactivate(body: dict[str, str], customer_id: str) -> Any:
    """Lift a customer's suspension."""
    return tagged(customers.reactivate(store(), actor(), customer_id, **body))


@bp.post("/<customer_id>/close")
@bp.arguments(ReasonIn)
@bp.versioned
@bp.refuses(NotFound, StateConflict)
@bp.response(200, CustomerOut)
def close(body: dict[str, str], customer_id: str) -> Any:
    """Close a customer whose accounts are all closed."""
    return tagged(customers.close(store(), actor(), customer_id, **body))


@bp.post("/<customer_id>/kyc/verify")
@bp.arguments(ReasonIn)
@bp.versioned
@bp.refuses(NotFound, KycIncomplete, StateConflict)
@bp.response(200, CustomerOut)
def verify_kyc(body: dict[str, str], customer_id: str) -> Any:
    """Say that the bank knows who a customer is, and by what. The record must hold full name and date of birth."""
    return tagged(customers.decide_kyc(store(), actor(), customer_id, KycStatus.VERIFIED, **body))


@bp.post("/<customer_id>/kyc/reject")
@bp.arguments(ReasonIn)
@bp.versioned
@bp.refuses(NotFound, StateConflict)
@bp.response(200, CustomerOut)
def reject_kyc(body: dict[str, str], customer_id: str) -> Any:
    """Say that what a customer brought does not show who they are, and why; they can read the reason."""
    return tagged(customers.decide_kyc(store(), actor(), customer_id, KycStatus.REJECTED, **body))
