"""What bankers oversee and do at the counter."""

from app.views.banker import accounts, branches, customers, products, transactions, transfers

BLUEPRINTS = (accounts.bp, transactions.bp, transfers.bp, customers.bp, branches.bp, products.bp)
