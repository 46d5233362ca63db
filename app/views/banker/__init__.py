"""What bankers oversee and do at the counter."""

from app.views.banker import accounts, branches, products, transactions, transfers

BLUEPRINTS = (accounts.bp, transactions.bp, transfers.bp, branches.bp, products.bp)
