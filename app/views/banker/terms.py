"""What an account may do: its overdraft, and what bounds what leaves it."""

from __future__ import annotations

from typing import Any

from app.controllers import oversight, terms
from app.domain.approvals import Answered
from app.domain.errors import AccountClosed, NotFound, OverdraftNotAllowed, StateConflict, TermsInUse
from app.domain.ledger.book import Recorded
from app.schemas.accounts import HeldAccountOut
from app.schemas.approvals import ApprovalOut
from app.schemas.terms import LimitsIn, OverdraftIn
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import actor, asked, idempotency_key, replayed, store

bp = Blueprint("banker_terms", __name__, url_prefix="/banker/accounts", description="What an account may do.")
guard(bp, BANKER)


@bp.post("/<number>/overdraft")
@bp.arguments(OverdraftIn)
@bp.moves_money
@bp.refuses(AccountClosed, NotFound, OverdraftNotAllowed, StateConflict, TermsInUse)
@bp.response(200, HeldAccountOut, instead={202: ApprovalOut})
def change_overdraft(body: dict[str, str], number: str) -> Any:
    """Set an account's overdraft limit; a second person approves a higher one."""
    return _account(number, terms.set_overdraft(store(), actor(), number, **body, idempotency_key=idempotency_key()))


@bp.post("/<number>/limits")
@bp.arguments(LimitsIn)
@bp.moves_money
@bp.refuses(AccountClosed, NotFound, StateConflict)
@bp.response(200, HeldAccountOut, instead={202: ApprovalOut})
def change_limits(body: dict[str, str | None], number: str) -> Any:
    """Set what may leave an account at most; what is left out stays. A second person approves whatever is looser."""
    return _account(number, terms.set_limits(store(), actor(), number, body, idempotency_key=idempotency_key()))


def _account(number: str, result: Recorded | Answered) -> Any:
    """Answer with the account as it stands, or with the approval that the change needs."""
    if isinstance(result, Answered):
        return asked(result)
    return oversight.get_account(store(), number), 200, replayed(result)
