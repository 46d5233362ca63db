"""Ending the holds whose time has passed: until that is posted, a hold counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.audit import SYSTEM
from app.domain.errors import BankError, HoldEnded
from app.domain.ids import transaction_id
from app.domain.ledger.intents import ExpireHold
from app.domain.requests import fingerprint
from app.models.posting import Request

if TYPE_CHECKING:
    from app.models.store import Store

HOLDS_PER_PAGE = 200
PAGES_PER_RUN_MAX = 50
_ROUTE = "expire hold"


def expire_holds(store: Store) -> str:
    """Post the end of every hold whose time has passed, as many as one run takes. Nobody's hold ends twice.

    Raises:
        BankError: the first refusal of the journal that the next run may not meet again; the others were posted.
    """
    expired = 0
    for _ in range(PAGES_PER_RUN_MAX):
        due = store.holds.list_expired(now=store.clock.now(), limit=HOLDS_PER_PAGE)
        outcomes = store.journal.post_many([Request(_expiry(hold_id)) for hold_id in due])
        refusals = [each for each in outcomes if isinstance(each, BankError)]
        expired += len(outcomes) - len(refusals)
        for refusal in refusals:
            if not isinstance(refusal, HoldEnded):  # by somebody who was quicker
                raise refusal
        if len(due) < HOLDS_PER_PAGE:
            break
    return f"{expired} expired"


def _expiry(hold_id: str) -> ExpireHold:
    """Return the one intent that a hold's expiry can ever be, so that two who post it post it once."""
    return ExpireHold(
        id=transaction_id(SYSTEM.user_id, f"{_ROUTE} {hold_id}"),
        fingerprint=fingerprint(_ROUTE, {"hold": hold_id}),
        initiated_by=SYSTEM.user_id,
        channel="job",
        hold_id=hold_id,
    )
