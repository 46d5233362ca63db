"""What an amount gives on an account of another currency."""

from __future__ import annotations

from app.controllers import fx
from app.domain.errors import FxRateUnavailable, NotFound, RateLimited, SameAccount, UnknownPayee
from app.domain.fx import Quote
from app.schemas.fx import QuoteIn, QuoteOut
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import actor, store

bp = Blueprint(
    "quotes", __name__, url_prefix="/transfers/quote", description="What an amount gives in another currency."
)
guard(bp, CUSTOMER)


@bp.post("")
@bp.arguments(QuoteIn)
@bp.refuses(FxRateUnavailable, NotFound, RateLimited, SameAccount, UnknownPayee)
@bp.response(201, QuoteOut)
def create_quote(body: dict[str, str]) -> Quote:
    """Promise for 60 seconds what an amount gives; one transfer that names the quote gets exactly that."""
    return fx.give_quote(store(), actor(), fx.QuoteOrder(**body))
