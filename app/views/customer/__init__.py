"""What customers may do with their own accounts."""

from app.views.customer import (
    accounts,
    balance,
    confirmations,
    deposit,
    holds,
    me,
    payees,
    products,
    quotes,
    transactions,
    transfers,
    withdraw,
)

BLUEPRINTS = (
    me.bp,
    accounts.bp,
    balance.bp,
    deposit.bp,
    withdraw.bp,
    transfers.bp,
    confirmations.bp,
    confirmations.limit_bp,
    quotes.bp,
    payees.bp,
    holds.bp,
    transactions.bp,
    products.bp,
)
