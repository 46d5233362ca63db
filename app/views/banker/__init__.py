"""What bankers oversee and do at the counter."""

from app.views.banker import (
    accounts,
    adjustments,
    approvals,
    branches,
    bulk,
    customers,
    holds,
    lifecycle,
    openings,
    products,
    terms,
    transactions,
    transfers,
)

BLUEPRINTS = (
    accounts.bp,
    transactions.bp,
    approvals.bp,
    adjustments.bp,
    terms.bp,
    transfers.bp,
    bulk.bp,
    holds.bp,
    customers.bp,
    branches.bp,
    products.bp,
    openings.bp,
    lifecycle.bp,
)
