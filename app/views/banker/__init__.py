"""What bankers oversee and do at the counter."""

from app.views.banker import accounts, approvals, branches, customers, holds, products, transactions, transfers

BLUEPRINTS = (
    accounts.bp,
    transactions.bp,
    approvals.bp,
    transfers.bp,
    holds.bp,
    customers.bp,
    branches.bp,
    products.bp,
)
