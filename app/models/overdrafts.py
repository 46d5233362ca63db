"""How far an account may be granted an overdraft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.accounts import Account
from app.domain.errors import OverdraftNotAllowed

if TYPE_CHECKING:
    from app.models.store import Store


def refuse_above_product(store: Store, account: Account, limit: int) -> None:
    """Check that an account's product allows an overdraft limit; to lower one is always allowed.

    Raises:
        OverdraftNotAllowed: it does not, or the account has no product that would.
    """
    if limit <= account.overdraft_limit:
        return
    product = store.products.find(account.product) if account.product is not None else None
    if product is None or limit > product.overdraft_max:
        raise OverdraftNotAllowed
