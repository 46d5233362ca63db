"""Which branches staff may belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors import NotFound, ValidationFailed

if TYPE_CHECKING:
    from app.models.store import Store


def require_open_branch(store: Store, code: str) -> None:
    """Check that staff may belong to a branch.

    Raises:
        ValidationFailed: there is none of this code.
        StateConflict: it is closed.
    """
    try:
        store.branches.get(code).require_open()
    except NotFound:
        raise ValidationFailed(errors={"branch": ["There is no branch of this code."]}) from None
